//! Analytics, timelines and the usage report, in every kind of place.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt;
use matome_domain::placement::Placement;
use matome_store::TenantStore;
use matome_store::analytics::{AnalyticsQuery, By, Days, PartOf, SentimentCounts};
use matome_store::collection::encode;
use matome_store::entities::{Message, Room, Session, StoredQuarterHour, User};

use crate::samples::{self, id};
use crate::world::World;
use crate::{PLACEMENTS, store, tenant};

fn time(text: &str) -> DateTime {
    DateTime::parse_rfc3339_str(text).expect("a time")
}

fn own(tenant: &TenantStore, kind: &str, number: u32) -> ObjectId {
    matome_store::id::derived(&[tenant.tenant_id().as_str(), kind, &number.to_string()])
}

/// A message of session and room by somebody.
pub(crate) fn said(
    tenant: &TenantStore,
    number: u32,
    at: &str,
    session: u32,
    room: u32,
    user: Option<u32>,
) -> Message {
    let mut message = Message {
        id: own(tenant, "message", number),
        session_id: own(tenant, "session", session),
        room_id: id(1, room),
        user_id: user.map(|user| id(3, user)),
        message_type: "text".to_owned(),
        timestamp: time(at),
        ..samples::message(tenant.tenant_id().as_str(), number)
    };
    message.renew_search();
    message
}

pub(crate) async fn session(
    tenant: &TenantStore,
    number: u32,
    room: u32,
    begin: &str,
    fields: Document,
) -> Session {
    let mut session = samples::session(tenant.tenant_id().as_str(), number, "closed");
    session.extend(
        doc! { "_id": own(tenant, "session", number), "roomId": id(1, room), "startTime": time(begin) },
    );
    session.extend(fields);
    let session: Session = bson::deserialize_from_document(session).expect("is one");
    tenant.collection::<Session>().insert(&session).await.expect("stored");
    session
}

pub(crate) async fn store_all(tenant: &TenantStore, messages: &[Message]) {
    tenant.transaction(async |t| t.insert(messages).await).await.expect("stored");
}

fn asked(from: &str, to: &str, by: By) -> AnalyticsQuery {
    let days = Days::new(from.parse().expect("a day"), to.parse().expect("a day"), "Asia/Tokyo");
    AnalyticsQuery { days: days.expect("days"), room: None, hidden_rooms: Vec::new(), by }
}

fn found(sentiment: &str, category: &str, topics: &[&str], duration: i64) -> Document {
    doc! {
        "aiAnalysis": { "sentiment": sentiment, "urgency": "low", "category": category, "topics": topics },
        "statistics": {
            "messageCount": 1_i64, "imageCount": 0_i64, "participantCount": 1_i64, "duration": duration,
        },
    }
}

/// How sessions that are closed are found.
#[derive(Debug, Clone, Copy)]
enum Closed {
    /// With their activity.
    Counted,
    /// As before there was any.
    Uncounted,
}

async fn talk(tenant: &TenantStore, closed: Closed) {
    // 15:00 UTC is midnight in Tokyo.
    let mut messages = vec![
        said(tenant, 1, "2026-11-10T14:00:00Z", 1, 1, Some(1)),
        said(tenant, 2, "2026-11-10T14:00:20Z", 1, 1, Some(1)),
        // Answers after a minute, counted from the first of two.
        said(tenant, 3, "2026-11-10T14:01:00Z", 1, 1, Some(2)),
        // The next day in Tokyo: an answer after an hour, by somebody unidentified.
        said(tenant, 4, "2026-11-10T15:01:00Z", 1, 1, None),
        said(tenant, 5, "2026-11-10T15:02:00Z", 1, 1, None),
        // Another session: answers nothing of the one before.
        said(tenant, 6, "2026-11-10T15:10:00Z", 2, 1, Some(1)),
        said(tenant, 7, "2026-11-12T01:00:00Z", 3, 2, Some(1)),
        said(tenant, 8, "2026-11-12T14:59:59Z", 3, 2, Some(1)),
        // Beyond both ends.
        said(tenant, 9, "2026-11-12T15:00:00Z", 3, 2, Some(1)),
        said(tenant, 10, "2026-11-09T14:59:59Z", 3, 2, Some(1)),
    ];
    messages[6].message_type = "image".to_owned();
    store_all(tenant, &messages).await;
    session(tenant, 1, 1, "2026-11-10T14:00:00Z", found("positive", "order", &["tea", "cake"], 60_000)).await;
    session(tenant, 2, 1, "2026-11-10T15:10:00Z", found("negative", "complaint", &["tea"], 20_000)).await;
    let last = doc! { "status": "active", "lastMessageAt": time("2026-11-12T15:00:00Z") };
    session(tenant, 3, 2, "2026-11-09T14:59:59Z", last).await;
    for number in [1, 2] {
        let id = own(tenant, "session", number);
        let of_session: Vec<_> = messages.iter().filter(|message| message.session_id == id).collect();
        let last = of_session.last().expect("something was said").timestamp;
        let mut set = doc! { "lastMessageAt": last };
        if matches!(closed, Closed::Counted) {
            let quarters = StoredQuarterHour::of(of_session);
            let quarters = quarters.iter().map(|quarter| encode(quarter).expect("BSON"));
            set.insert("activity", quarters.collect::<Vec<_>>());
        }
        let update = doc! { "$set": set };
        assert!(tenant.collection::<Session>().update(doc! { "_id": id }, update).await.expect("stored"));
    }
    for number in [1, 2] {
        let (_, room) = samples::of_tenant(tenant.tenant_id().as_str(), number).remove(0);
        let room: Room = bson::deserialize_from_document(room).expect("is one");
        let room = Room { id: id(1, number), name: Some(format!("Room {number}")), ..room };
        // In the shared place another tenant may have taken the id.
        let _ = tenant.collection::<Room>().insert(&room).await;
    }
}

fn both() -> impl Iterator<Item = (Placement, Closed)> {
    PLACEMENTS
        .into_iter()
        .flat_map(|placement| [(placement, Closed::Counted), (placement, Closed::Uncounted)])
}

#[tokio::test]
async fn days_are_those_of_the_organizations_time_zone_and_all_are_there() {
    for (placement, closed) in both() {
        let tenant = tenant(&store().await, "ours", placement).await;
        talk(&tenant, closed).await;
        let analytics = tenant.analytics(&asked("2026-11-10", "2026-11-12", By::Day)).await.expect("counted");
        let days: Vec<_> = analytics
            .parts
            .iter()
            .map(|part| match &part.of {
                PartOf::Day(day) => (day.to_string(), part.figures.messages, part.figures.sessions.count),
                PartOf::Room(..) => panic!("asked for days"),
            })
            .collect();
        let day = |day: &str, messages, sessions| (day.to_owned(), messages, sessions);
        assert_eq!(days, [day("2026-11-10", 3, 1), day("2026-11-11", 3, 1), day("2026-11-12", 2, 0)]);
        let total = &analytics.total;
        assert_eq!(total.messages, 8);
        assert_eq!(total.by_kind, BTreeMap::from([("image".to_owned(), 1), ("text".to_owned(), 7)]));
        assert_eq!(total.sessions.sentiment, SentimentCounts { positive: 1, neutral: 0, negative: 1 });
        assert_eq!((total.sessions.closed, total.sessions.average_duration_ms), (2, Some(40_000)));
        assert_eq!(total.sessions.categories.keys().collect::<Vec<_>>(), ["complaint", "order"]);
        assert_eq!(total.topics, [("tea".to_owned(), 2), ("cake".to_owned(), 1)]);
        assert_eq!(analytics.parts[1].figures.topics, [("tea".to_owned(), 1)]);
        assert_eq!(total.answers.count, 2);
        assert_eq!(total.answers.average_ms, Some((60_000 + 3_600_000) / 2));
        assert_eq!((total.answers.p50_ms, total.answers.p90_ms), (Some(60_000), Some(3_600_000)));
        let of_second_day = analytics.parts[1].figures.answers;
        assert_eq!((of_second_day.count, of_second_day.p50_ms), (1, Some(3_600_000)));
    }
}

#[tokio::test]
async fn rooms_are_listed_without_hidden_and_deleted_ones_and_without_other_tenants() {
    for (placement, closed) in both() {
        let store = store().await;
        let (ours, theirs) =
            (tenant(&store, "ours", placement).await, tenant(&store, "theirs", placement).await);
        talk(&ours, closed).await;
        talk(&theirs, closed).await;
        let query = asked("2026-11-10", "2026-11-12", By::Room);
        let rooms = |analytics: matome_store::analytics::Analytics| -> Vec<(PartOf, u64)> {
            analytics.parts.into_iter().map(|part| (part.of, part.figures.messages)).collect()
        };
        let room = |number| PartOf::Room(id(1, number), Some(format!("Room {number}")));
        let all = ours.analytics(&query).await.expect("counted");
        assert_eq!(rooms(all), [(room(1), 6), (room(2), 2)]);
        let hidden = AnalyticsQuery { hidden_rooms: vec![id(1, 1)], ..query.clone() };
        let seen = ours.analytics(&hidden).await.expect("counted");
        assert_eq!((seen.total.messages, seen.total.sessions.count, seen.total.topics.len()), (2, 0, 0));
        assert_eq!(rooms(seen), [(room(2), 2)]);
        let one = AnalyticsQuery { room: Some(id(1, 1)), ..query.clone() };
        assert_eq!(ours.analytics(&one).await.expect("counted").total.messages, 6);
        let both = AnalyticsQuery { room: Some(id(1, 1)), ..hidden };
        assert_eq!(ours.analytics(&both).await.expect("counted").total.messages, 0);
        let gone = doc! { "$set": { "status": "deleted" } };
        assert!(ours.collection::<Room>().update(doc! { "_id": id(1, 2) }, gone).await.expect("changed"));
        assert_eq!(ours.analytics(&query).await.expect("counted").total.messages, 6);
    }
}

#[tokio::test]
async fn the_usage_report_has_thirty_days_and_what_was_measured() {
    for (placement, closed) in both() {
        let tenant = tenant(&store().await, "t", placement).await;
        talk(&tenant, closed).await;
        let usage = samples::of_tenant("t", 0).into_iter().find(|(name, _)| *name == "usage");
        let mut usage = usage.expect("there is one").1;
        usage.extend(doc! { "apiCalls": 7_i64, "aiTokens": 9_i64, "storageBytes": 11_i64 });
        let usage = bson::deserialize_from_document(usage).expect("is one");
        tenant.collection::<matome_store::entities::MonthlyUsage>().insert(&usage).await.expect("stored");
        let report = tenant.usage_report(time("2026-11-20T16:00:00Z"), "Asia/Tokyo").await.expect("counted");
        assert_eq!((report.messages, report.conversations, report.by_day.len()), (10, 3, 30));
        let busy: Vec<_> =
            report.by_day.iter().filter(|day| day.messages > 0).map(|day| day.day.to_string()).collect();
        assert_eq!(busy, ["2026-11-09", "2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13"]);
        let [november] = report.months.as_slice() else { panic!("one month was measured") };
        assert_eq!((november.api_calls, november.ai_tokens, november.storage_bytes), (7, 9, 11));
        assert!(tenant.usage_report(samples::NOW, "Nowhere/AtAll").await.is_err());
    }
}

/// What the server says it did for a tenant that shares its collections with nobody.
#[tokio::test]
async fn no_question_looks_at_documents_without_an_index() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Dedicated).await;
    talk(&tenant, Closed::Counted).await;
    let database = world.database_of(tenant.tenant_id(), Placement::Dedicated);
    database.run_command(doc! { "profile": 2 }).await.expect("profiled");
    let query = AnalyticsQuery { hidden_rooms: vec![id(1, 9)], ..asked("2026-11-10", "2026-11-12", By::Day) };
    tenant.analytics(&query).await.expect("counted");
    tenant.analytics(&AnalyticsQuery { by: By::Room, ..query }).await.expect("counted");
    tenant.usage_report(samples::NOW, "UTC").await.expect("counted");
    let words = matome_domain::words::Query::parse("まとめ").expect("has words");
    let search = matome_store::search::SearchQuery {
        text: words,
        within: matome_store::search::Within::Both,
        room: None,
        from: None,
        to: None,
        hidden_rooms: Vec::new(),
        after: None,
        limit: 10,
    };
    tenant.search(&search).await.expect("searched");
    crate::timeline::walk(&tenant, id(1, 1)).await;
    tenant.catch_up(id(1, 1), time("2026-11-10T15:00:00Z")).await.expect("read");
    tenant.participants(own(&tenant, "session", 1)).await.expect("read");
    database.run_command(doc! { "profile": 0 }).await.expect("no longer profiled");
    let profile = database.collection::<Document>("system.profile");
    let asked = doc! { "ns": { "$not": { "$regex": "system" } }, "planSummary": { "$exists": true } };
    let plans: Vec<Document> = profile.find(asked).await.expect("read").try_collect().await.expect("read");
    assert!(plans.len() > 20, "{}", plans.len());
    for plan in &plans {
        let summary = plan.get_str("planSummary").expect("is text");
        assert!(!summary.contains("COLLSCAN"), "{plan}");
        let sorted = plan.get_bool("hasSortStage").unwrap_or_default();
        let list = plan.get_str("ns").is_ok_and(|ns| ns.ends_with(".messages"))
            && plan.get_str("op").is_ok_and(|op| op == "query");
        assert!(!(sorted && list), "sorted in memory: {plan}");
    }
    // What is counted of messages is those of the session without activity, read off an index.
    let counted =
        doc! { "ns": { "$regex": r"\.messages$" }, "command.projection.messageType": { "$exists": true } };
    let counts: Vec<Document> = profile.find(counted).await.expect("read").try_collect().await.expect("read");
    assert_eq!(counts.len(), 3);
    for count in counts {
        let looked_at = (count.get_i32("docsExamined").ok(), count.get_i32("nreturned").ok());
        assert_eq!(looked_at, (Some(0), Some(4)), "{count}");
    }
    // Of sessions, those that talked or began in the days, and none that did not.
    let counted = doc! { "ns": { "$regex": r"\.sessions$" }, "command.pipeline.0.$match.activity": { "$exists": true } };
    let counts: Vec<Document> = profile.find(counted).await.expect("read").try_collect().await.expect("read");
    assert_eq!(counts.len(), 3);
    for count in counts {
        let plan = count.get_str("planSummary").expect("is text");
        assert!(plan.contains("activity.from"), "{count}");
    }
}

pub(crate) async fn person(tenant: &TenantStore, number: u32, name: &str) {
    let all = samples::of_tenant(tenant.tenant_id().as_str(), number);
    let (_, user) = all.into_iter().find(|(name, _)| *name == "users").expect("there is one");
    let user: User = bson::deserialize_from_document(user).expect("is one");
    let user = User {
        display_name: Some(name.to_owned()),
        picture_url: Some("https://example.com/p".into()),
        ..user
    };
    tenant.collection::<User>().insert(&user).await.expect("stored");
}
