//! What a tenant uses in a month.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::limits::{Level, Limit, Limits, Usage};
use matome_domain::month::Month;
use matome_store::create_organization::default_room;
use matome_store::entities::{
    AiUsage, LastUsage, Message, MonthlyUsage, NewOrganization, Notice, Organization, Owner, OwnerUsage,
    Room, RoomMember, RoomUsage, UsageTotals, usage_id,
};
use matome_store::id::derived;
use matome_store::usage::{CountedElsewhere, Measurement};
use matome_store::{Entity, Store, TenantStore, Write};

use crate::{PLACEMENTS, store, tenant};

const NOW: Timestamp = Timestamp(1_795_165_200_000);
const THEN: DateTime = DateTime::from_millis(0);

fn month(name: &str) -> Month {
    Month::try_from(name.to_owned()).expect("a month")
}

/// Stores documents that have the fields a test needs and no others.
async fn put<E: Entity>(tenant: &TenantStore, documents: Vec<Document>) {
    let writes = || {
        let write = |(number, document): (usize, &Document)| {
            let mut update = doc! { "tenantId": tenant.tenant_id().as_str(), "createdAt": THEN };
            update.extend(document.clone());
            let id = derived(&[E::COLLECTION, tenant.tenant_id().as_str(), &number.to_string()]);
            Write { id: id.into(), update, upsert: true }
        };
        documents.iter().enumerate().map(write).collect()
    };
    tenant.transaction(async |t| t.write::<E>(writes()).await).await.expect("stored");
}

fn message(room: ObjectId, number: i64, media: Option<Document>) -> Document {
    let mut message = doc! {
        "channelId": "c", "sessionId": room, "roomId": room, "lineMessageId": number.to_string(),
        "messageType": "image", "status": "delivered", "timestamp": THEN,
    };
    if let Some(media) = media {
        message.insert("media", media);
    }
    message
}

async fn room(tenant: &TenantStore, number: u8, status: &str, counted: &[(&str, i64)]) -> ObjectId {
    let room = Room {
        id: ObjectId::from_bytes([number; 12]),
        conversation_id: number.to_string(),
        status: status.to_owned(),
        usage: counted
            .iter()
            .map(|(m, messages)| RoomUsage { month: month(m), messages: *messages })
            .collect(),
        ..default_room(tenant.tenant_id().as_str(), THEN)
    };
    tenant.collection::<Room>().insert(&room).await.expect("stored");
    room.id
}

async fn fill(tenant: &TenantStore, scale: i64) {
    let busy = room(tenant, 1, "active", &[("2026-11", 40 * scale), ("2026-10", 7 * scale)]).await;
    let quiet = room(tenant, 2, "active", &[("2026-11", 2 * scale)]).await;
    room(tenant, 3, "archived", &[("2026-11", scale), ("2026-10", scale)]).await;
    room(tenant, 4, "active", &[("2026-09", 1_000)]).await;
    let member = |user: u8, (room, status): (ObjectId, &str)| {
        doc! { "roomId": room, "userId": ObjectId::from_bytes([user; 12]), "status": status }
    };
    let members = [(busy, "active"), (busy, "active"), (busy, "inactive"), (quiet, "active")];
    put::<RoomMember>(tenant, (1..).zip(members).map(|(user, at)| member(user, at)).collect()).await;
    let media = |status: &str, size: i64| Some(doc! { "status": status, "fileSize": size });
    let small = with(doc! { "status": "stored", "fileSize": 2_i64 }, doc! { "thumbnailSize": 3_i64 });
    let messages = [media("stored", 3_000_000_000), Some(small), media("erased", 70), None];
    let messages = messages.into_iter().zip(1..).map(|(media, number)| message(busy, number, media));
    put::<Message>(tenant, messages.collect()).await;
    let tokens = doc! { "month": "2026-11", "tokensUsed": 123_i64, "summaries": 1_i64, "cost": 0.5 };
    put::<AiUsage>(tenant, vec![with(tokens, doc! { "updatedAt": THEN, "__v": 0_i64 })]).await;
}

fn with(mut document: Document, more: Document) -> Document {
    document.extend(more);
    document
}

async fn measured(tenant: &TenantStore, in_month: &str, limits: &Limits) -> Measurement {
    let elsewhere = CountedElsewhere::default();
    tenant.measure_usage(&month(in_month), limits, elsewhere, NOW).await.expect("measured")
}

#[tokio::test]
async fn usage_is_the_tenants_own_in_every_placement() {
    let store = store().await;
    let limits = Limits {
        max_rooms: Some(3),
        max_members_per_room: Some(100),
        max_messages_per_month: Some(42),
        max_storage_gb: Some(3.5),
        ..Limits::default()
    };
    for placement in PLACEMENTS {
        let (ours, theirs) =
            (tenant(&store, "ours", placement).await, tenant(&store, "theirs", placement).await);
        fill(&ours, 1).await;
        // The same ids in the shared collections would collide; the neighbour has other rooms.
        room(&theirs, 9, "active", &[("2026-11", 5_000)]).await;
        let november = measured(&ours, "2026-11", &limits).await.usage;
        let used = Usage {
            rooms: 3,
            max_members: 2,
            messages: 43,
            storage_bytes: 3_000_000_005,
            agents: 0,
            api_calls: 0,
        };
        assert_eq!((november.used, november.ai_tokens), (used, 123), "{placement:?}");
        assert_eq!(november.id, usage_id(ours.tenant_id(), &month("2026-11")));
        assert_eq!(november.levels.exceeded().collect::<Vec<_>>(), [Limit::MessagesPerMonth]);
        assert_eq!((november.levels.rooms, november.levels.storage), (Level::Reached, Level::Notice));
        assert_eq!(november.level, Level::Over);
        let october = measured(&ours, "2026-10", &limits).await.usage;
        assert_eq!((october.used.messages, october.ai_tokens), (8, 0));
        let next = measured(&theirs, "2026-11", &limits).await.usage;
        assert_eq!((next.used.messages, next.used.rooms, next.used.storage_bytes), (5_000, 1, 0));
    }
}

#[tokio::test]
async fn measuring_again_replaces_the_measure() {
    let store = store().await;
    let tenant = tenant(&store, "t", PLACEMENTS[0]).await;
    let (november, limits) = (month("2026-11"), Limits { api_calls_per_month: Some(9), ..Limits::default() });
    let measure = async |api_calls| {
        let elsewhere = CountedElsewhere { api_calls, agents: 2 };
        tenant.measure_usage(&november, &limits, elsewhere, NOW).await.expect("measured").usage
    };
    let first = measure(10).await;
    assert_eq!((first.used.api_calls, first.used.messages, first.level), (10, 0, Level::Over));
    room(&tenant, 1, "active", &[("2026-11", 6)]).await;
    let second = measure(11).await;
    assert_eq!((second.used.api_calls, second.used.agents, second.used.messages), (11, 2, 6));
    assert_eq!(
        (second.id, second.created_at, second.version),
        (first.id, first.created_at, first.version + 1)
    );
    assert_eq!(tenant.collection::<MonthlyUsage>().count(doc! {}).await.expect("counted"), 1);
}

/// What was raised, as `(limit, level)`.
fn told(measurement: &Measurement) -> Vec<(Limit, Level)> {
    measurement.raised.iter().map(|notice| (notice.limit, notice.level)).collect()
}

#[tokio::test]
async fn a_level_is_told_once_a_month_in_every_placement() {
    let store = store().await;
    let limits = Limits { max_rooms: Some(5), max_messages_per_month: Some(1_000), ..Limits::default() };
    for placement in PLACEMENTS {
        let tenant = tenant(&store, "t", placement).await;
        for number in 1..=3 {
            room(&tenant, number, "active", &[]).await;
        }
        assert_eq!(told(&measured(&tenant, "2026-11", &limits).await), []);
        let rooms = Limit::Rooms;
        for (number, level) in [(4, Level::Notice), (5, Level::Reached), (6, Level::Over)] {
            room(&tenant, number, "active", &[]).await;
            let raised = measured(&tenant, "2026-11", &limits).await.raised;
            let [notice] = raised.as_slice() else { panic!("{raised:?}") };
            assert_eq!(
                (notice.limit, notice.level, notice.used, notice.allowed),
                (rooms, level, number.into(), 5)
            );
            assert_eq!(told(&measured(&tenant, "2026-11", &limits).await), [], "told already");
        }
        // Back to 80 %, which is no news, and up again.
        let archive = |number: u8, status: &str| {
            let (id, set) = (ObjectId::from_bytes([number; 12]), doc! { "$set": { "status": status } });
            let rooms = tenant.collection::<Room>();
            async move { rooms.update(doc! { "_id": id }, set).await.expect("changed") }
        };
        for status in ["archived", "active"] {
            archive(5, status).await;
            archive(6, status).await;
            assert_eq!(told(&measured(&tenant, "2026-11", &limits).await), []);
        }
        // A new month tells what still stands.
        assert_eq!(told(&measured(&tenant, "2026-12", &limits).await), [(rooms, Level::Over)]);
        assert_eq!(tenant.collection::<Notice>().count(doc! {}).await.expect("counted"), 4);
    }
}

#[tokio::test]
async fn two_who_measure_at_once_tell_it_once() {
    let store = store().await;
    let tenant = tenant(&store, "t", PLACEMENTS[0]).await;
    let limits = Limits { max_rooms: Some(0), ..Limits::default() };
    room(&tenant, 1, "active", &[]).await;
    let all = futures::future::join_all((0..64).map(|_| measured(&tenant, "2026-11", &limits))).await;
    let told: Vec<_> = all.iter().flat_map(told).collect();
    assert_eq!(told, [(Limit::Rooms, Level::Over)]);
}

#[tokio::test]
async fn a_room_is_flagged_while_it_has_too_many_members() {
    let store = store().await;
    for placement in PLACEMENTS {
        let tenant = tenant(&store, "t", placement).await;
        let (large, small) = (room(&tenant, 1, "active", &[]).await, room(&tenant, 2, "active", &[]).await);
        let member = |user: u8, room: ObjectId| {
            doc! { "roomId": room, "userId": ObjectId::from_bytes([user; 12]), "status": "active" }
        };
        let members =
            [member(1, large), member(2, large), member(3, large), member(1, small), member(2, small)];
        put::<RoomMember>(&tenant, members.to_vec()).await;
        let flagged = async |max: Option<u64>| {
            let limits = Limits { max_members_per_room: max, ..Limits::default() };
            measured(&tenant, "2026-11", &limits).await;
            let rooms = tenant.collection::<Room>();
            let rooms = rooms.find(doc! {}, doc! { "_id": 1 }, 0).await.expect("read");
            rooms.iter().map(|r| r.over_limits == [Limit::MembersPerRoom]).collect::<Vec<_>>()
        };
        assert_eq!(flagged(Some(3)).await, [false, false], "{placement:?}");
        assert_eq!(flagged(Some(2)).await, [true, false]);
        assert_eq!(flagged(Some(2)).await, [true, false]);
        assert_eq!(flagged(Some(1)).await, [true, true]);
        assert_eq!(flagged(None).await, [false, false]);
    }
}

async fn organization(store: &Store, number: u8, owner: u8, status: &str, totals: i64) -> ObjectId {
    let new = NewOrganization {
        id: ObjectId::from_bytes([number; 12]),
        owner_id: ObjectId::from_bytes([owner; 12]),
        name: "A shop".to_owned(),
        tier: matome_domain::tier::Tier::Free,
        limits: Limits::default(),
        placement: PLACEMENTS[0],
    };
    let organization = Organization {
        status: bson::deserialize_from_bson(status.into()).expect("a status"),
        usage: Some(LastUsage {
            month: month("2026-11"),
            used: Usage { storage_bytes: 1_500_000, ..Usage::default() },
            totals: UsageTotals { messages: totals, sessions: 2, summaries: 1, ai_tokens: 10 },
            measured_at: THEN,
        }),
        ..new.provisioning(THEN)
    };
    store.platform_collection::<Organization>().insert_one(&organization).await.expect("stored");
    organization.id
}

#[tokio::test]
async fn an_owners_usage_is_the_sum_over_its_organizations() {
    let store = store().await;
    store.ensure_platform().await.expect("made");
    let owners = store.platform_collection::<Owner>();
    let owner = ObjectId::from_bytes([9; 12]);
    let document = doc! {
        "_id": owner, "email": "a@example.com", "name": "A", "plan": "free", "createdAt": THEN, "updatedAt": THEN,
        "subscription": { "startDate": THEN }, "__v": 3_i64, "slug": "a",
    };
    owners.clone_with_type::<Document>().insert_one(document).await.expect("stored");
    for (number, owner, status) in
        [(1, 9, "active"), (2, 9, "suspended"), (3, 9, "offboarded"), (4, 8, "active")]
    {
        organization(&store, number, owner, status, 100).await;
    }
    // Nobody knows owner 8.
    store.sum_up_owners(&[owner, ObjectId::from_bytes([8; 12])]).await.expect("summed up");
    let all = owners.find(doc! {}).await.expect("read");
    let all: Vec<Owner> = futures::TryStreamExt::try_collect(all).await.expect("read");
    let [summed] = all.as_slice() else { panic!("{all:?}") };
    let usage = OwnerUsage {
        total_messages: 300,
        total_sessions: 6,
        total_summaries: 3,
        ai_tokens_used: 30,
        storage_used_mb: 3.0,
    };
    assert_eq!((&summed.usage, summed.slug.as_deref(), summed.version), (&usage, Some("a"), 3));
}

#[tokio::test]
async fn who_waits_longest_is_measured_first_and_who_cannot_be_read_is_named() {
    let store = store().await;
    store.ensure_platform().await.expect("made");
    for (number, status) in
        [(1, "active"), (2, "moving"), (3, "suspended"), (4, "offboarded"), (5, "active"), (6, "active")]
    {
        organization(&store, number, 9, status, 0).await;
    }
    let id = |number: u8| ObjectId::from_bytes([number; 12]);
    for (number, seconds) in [(1, 30), (2, 10), (6, 61)] {
        let at = Timestamp(NOW.0 + seconds * 1_000);
        store.usage_postponed(id(number), at).await.expect("postponed");
    }
    let broken = doc! { "$set": { "limits": { "maxRooms": "many" } } };
    store
        .platform_collection::<Organization>()
        .update_one(doc! { "_id": id(5) }, broken)
        .await
        .expect("broken");
    let due = async |seconds: i64, limit| {
        let due = store.usage_due(Timestamp(NOW.0 + seconds * 1_000), limit).await.expect("listed");
        due.into_iter().map(|d| d.map(|d| d.id)).collect::<Vec<_>>()
    };
    let all = due(60, 10).await;
    assert_eq!(all[2..], [Ok(id(2)), Ok(id(1))], "those never measured come first: {all:?}");
    assert!(all[..2].contains(&Ok(id(3))) && all[..2].contains(&Err(id(5))));
    assert_eq!(due(60, 3).await.len(), 3);
    assert_eq!(due(9, 10).await.len(), 2);
}

#[tokio::test]
async fn what_is_stored_is_summed_from_the_index_alone() {
    let store = store().await;
    let tenant = tenant(&store, "t", PLACEMENTS[2]).await;
    let status = |number: i64| if number % 2 == 0 { "stored" } else { "gone" };
    let media = |number: i64| doc! { "status": status(number), "fileSize": 7_i64, "thumbnailSize": 1_i64 };
    let room = ObjectId::from_bytes([1; 12]);
    put::<Message>(&tenant, (0..40).map(|number| message(room, number, Some(media(number)))).collect()).await;
    let platform = store.platform();
    let prefix = platform.name().strip_suffix("_platform").expect("the platform's name");
    let database = platform.client().database(&format!("{prefix}_t"));
    let sum = doc! { "$group": {
        "_id": null, "files": { "$sum": "$media.fileSize" }, "thumbnails": { "$sum": "$media.thumbnailSize" },
    } };
    let stored = doc! { "$match": { "tenantId": "t", "media.status": "stored" } };
    let aggregate = doc! { "aggregate": tenant.name::<Message>(), "pipeline": [stored, sum], "cursor": {} };
    let plan = database.run_command(doc! { "explain": aggregate }).await.expect("explained");
    let stats = plan.get_document("executionStats").expect("it was executed");
    let examined = |what: &str| stats.get_i32(what).expect("counted");
    assert_eq!((examined("totalKeysExamined"), examined("totalDocsExamined")), (20, 0), "keys, documents");
}
