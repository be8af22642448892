//! What a tenant uses in a month.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::limits::{Level, Limit, Limits, Usage};
use matome_domain::month::Month;
use matome_store::create_organization::default_room;
use matome_store::entities::{AiUsage, Message, MonthlyUsage, Room, RoomMember, RoomUsage, usage_id};
use matome_store::id::derived;
use matome_store::{Entity, TenantStore, Write};

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
    let messages = [media("stored", 3_000_000_000), media("stored", 5), media("erased", 70), None];
    let messages = messages.into_iter().zip(1..).map(|(media, number)| message(busy, number, media));
    put::<Message>(tenant, messages.collect()).await;
    let tokens = doc! { "month": "2026-11", "tokensUsed": 123_i64, "summaries": 1_i64, "cost": 0.5 };
    put::<AiUsage>(tenant, vec![with(tokens, doc! { "updatedAt": THEN, "__v": 0_i64 })]).await;
}

fn with(mut document: Document, more: Document) -> Document {
    document.extend(more);
    document
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
        let november = ours.measure_usage(&month("2026-11"), &limits, NOW).await.expect("measured");
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
        let october = ours.measure_usage(&month("2026-10"), &limits, NOW).await.expect("measured");
        assert_eq!((october.used.messages, october.ai_tokens), (8, 0));
        let next = theirs.measure_usage(&month("2026-11"), &limits, NOW).await.expect("measured");
        assert_eq!((next.used.messages, next.used.rooms, next.used.storage_bytes), (5_000, 1, 0));
    }
}

#[tokio::test]
async fn measuring_again_replaces_the_measure_and_keeps_what_others_counted() {
    let store = store().await;
    let tenant = tenant(&store, "t", PLACEMENTS[0]).await;
    let (november, limits) = (month("2026-11"), Limits { api_calls_per_month: Some(9), ..Limits::default() });
    // The API counts a call before anybody has measured.
    let call = doc! { "$inc": { "apiCalls": 10_i64 }, "$setOnInsert": {
        "_id": usage_id(tenant.tenant_id(), &november), "createdAt": THEN, "updatedAt": THEN,
    } };
    let counted = tenant.collection::<MonthlyUsage>().upsert(doc! { "month": "2026-11" }, call).await;
    assert_eq!(counted.expect("counted").computed_at, None);
    let first = tenant.measure_usage(&november, &limits, NOW).await.expect("measured");
    assert_eq!((first.used.api_calls, first.used.messages, first.level), (10, 0, Level::Over));
    room(&tenant, 1, "active", &[("2026-11", 6)]).await;
    let second = tenant.measure_usage(&november, &limits, NOW).await.expect("measured");
    assert_eq!((second.used.api_calls, second.used.messages), (10, 6));
    assert_eq!((second.id, second.created_at, second.version), (first.id, THEN, first.version + 1));
    assert_eq!(tenant.collection::<MonthlyUsage>().count(doc! {}).await.expect("counted"), 1);
}

#[tokio::test]
async fn what_is_summed_is_found_by_an_index() {
    let store = store().await;
    let tenant = tenant(&store, "t", PLACEMENTS[2]).await;
    let indexed = [
        (tenant.name::<Room>(), doc! { "tenantId": 1, "usage.month": 1 }),
        (tenant.name::<Message>(), doc! { "tenantId": 1, "media.status": 1, "media.fileSize": 1 }),
    ];
    let filters = [
        doc! { "tenantId": "t", "usage.month": "2026-11" },
        doc! { "tenantId": "t", "media.status": "stored" },
    ];
    let platform = store.platform();
    let prefix = platform.name().strip_suffix("_platform").expect("the platform's name");
    let database = platform.client().database(&format!("{prefix}_t"));
    for ((collection, keys), filter) in indexed.into_iter().zip(filters) {
        let find = doc! { "find": &collection, "filter": filter };
        let plan = database.run_command(doc! { "explain": find }).await.expect("explained");
        let plan = plan.get_document("queryPlanner").expect("a plan").to_string();
        assert!(plan.contains("IXSCAN") && plan.contains(&keys.to_string()), "{collection}: {plan}");
    }
}
