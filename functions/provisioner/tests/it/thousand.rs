//! A thousand tenants in all placements, made by the provisioner, receiving at once through the webhook
//! and the recorder: everybody has what was sent to them, and nothing else.
//!
//! All of them use the same user, group and message ids, so that whatever crosses from one tenant to
//! another collides there or changes a count.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use bson::doc;
use futures::stream::{StreamExt, iter};
use matome_domain::fault::Faults;
use matome_domain::ids::ChannelId;
use matome_domain::queue::{Inbound, QueueMessage};
use matome_domain::session::SessionTriggers;
use matome_domain::tier::Tier;
use matome_local_stack::shared::OwnMongod;
use matome_runtime::directory::{ChannelRecord, secret_field};
use matome_runtime::line_signature;
use matome_runtime::queue::Queues;
use matome_store::entities::{Message, OperationState, OrganizationSettings, Room, Session, User};
use matome_tenancy::HealthRecords;
use matome_tenancy::operations::CreateTenant;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};
use serde_json::{Value, json};

use crate::world::{World, shop};

/// Each collection set and each dedicated database is 75 files of mongod (docs/tenancy.md), which makes a few
/// of them a second.
const CROWD: [(Tier, usize); 4] =
    [(Tier::Free, 650), (Tier::Basic, 325), (Tier::Pro, 20), (Tier::Enterprise, 5)];
/// Operations and recorders at work at once.
const AT_ONCE: usize = 8;
/// A session ends with its second message.
const SESSION: u32 = 2;
/// Everybody's customers.
const USERS: [&str; 2] = ["Uaoi", "Ubun"];
/// Where they talk, beside the 1:1 chat of each.
const GROUP: &str = "Ctogether";

/// The `n`-th tenant's messages: so many that neighbours differ.
fn messages_of(n: usize) -> u32 {
    3 + u32::try_from(n % 4).expect("less than four")
}

/// The room that a tenant's message belongs to: the group, or the 1:1 chat of either.
fn place_of(message: u32) -> (Option<&'static str>, &'static str) {
    let user = USERS[message as usize % 2];
    if message % 3 == 2 { (None, user) } else { (Some(GROUP), user) }
}

fn text_of(n: usize, message: u32) -> String {
    format!("tenant {n} says {message}")
}

#[tokio::test]
async fn a_thousand_tenants_receive_at_once_and_each_has_exactly_its_own() {
    let mongod = OwnMongod::start("thousand").await.expect("a MongoDB of our own starts");
    let world = World::over(TestSystem::on(&mongod.uri()).await);
    let begun = Instant::now();
    let tiers = CROWD.into_iter().flat_map(|(tier, count)| std::iter::repeat_n(tier, count));
    let tenants: Vec<TestTenant> =
        iter(tiers).map(|tier| provision(&world, tier)).buffered(AT_ONCE).collect().await;
    let provisioned = begun.elapsed();

    let begun = Instant::now();
    let sent = post(&world, &tenants).await;
    let posted = begun.elapsed();

    let begun = Instant::now();
    let deliveries = record(&world, &sent).await;
    let recorded = begun.elapsed();

    let begun = Instant::now();
    iter(tenants.iter().enumerate()).for_each_concurrent(AT_ONCE, |(n, tenant)| check(n, tenant)).await;
    tracing::info!(
        tenants = tenants.len(), messages = sent.len(), deliveries, ?provisioned, ?posted, ?recorded,
        checked = ?begun.elapsed(), "a thousand tenants"
    );
}

/// Creates a tenant through the provisioner and lists a channel of it.
async fn provision(world: &World, tier: Tier) -> TestTenant {
    let id = world.new_id();
    let triggers = SessionTriggers { message_count: Some(SESSION), ..SessionTriggers::default() };
    let settings = OrganizationSettings { session_triggers: triggers, ..OrganizationSettings::default() };
    let job = world.ask(&id, &CreateTenant { settings: Some(settings), ..shop(tier, &id) }).await;
    let operation = world.drive(&job).await;
    assert_eq!(operation.state, OperationState::Done, "{operation:?}");

    let system = &world.system;
    let secret = system.random.uuid().simple().to_string();
    let channel = ChannelId::new(format!("20{}", &secret[..8])).unwrap();
    let record = system.directory().tenant(&id).await.unwrap().unwrap();
    let sealed = system.keys().seal(&id, &record.key, &secret_field(&channel), &secret).await.unwrap();
    let listed = ChannelRecord {
        channel_id: channel.clone(),
        tenant_id: id.clone(),
        bot_user_id: format!("U{secret}"),
        secret: sealed,
        previous_secret: None,
        key: record.key.clone(),
        placement: record.placement,
        cell: record.cell.clone(),
        status: record.status,
        inbound_queue_url: None,
        version: 1,
    };
    system.directory().put_channel(&listed).await.unwrap();
    let store = system.store.tenant(&id, record.placement);
    TestTenant { id, channel, secret, bot_user_id: listed.bot_user_id, store }
}

/// LINE posts everybody's messages, two a webhook, tenant after tenant in turn; every third webhook
/// once more. What the webhook queued, in order.
async fn post(world: &World, tenants: &[TestTenant]) -> Vec<Inbound> {
    let system = &world.system;
    let (queues, queued) = Queues::recording();
    let (directory, keys) = (system.directory(), system.keys());
    let context = matome_webhook::Context { directory, keys, queues, clock: system.clock.clone() };
    for first in (0..6).step_by(2) {
        for (n, tenant) in tenants.iter().enumerate() {
            let messages: Vec<u32> = (first..first + 2).filter(|m| *m < messages_of(n)).collect();
            for redelivered in [false, true] {
                if messages.is_empty() || (redelivered && !n.is_multiple_of(3)) {
                    continue;
                }
                let events: Vec<Value> = messages.iter().map(|m| event(n, *m, redelivered)).collect();
                let body = json!({ "destination": tenant.bot_user_id, "events": events }).to_string();
                let signature = line_signature::sign(&tenant.secret, body.as_bytes());
                let request = matome_webhook::Request {
                    path_parameters: Some(HashMap::from([("channelId".into(), tenant.channel.to_string())])),
                    headers: Some(HashMap::from([("x-line-signature".into(), signature)])),
                    body: Some(body),
                    ..matome_webhook::Request::default()
                };
                let Ok(answer) = matome_webhook::handle(request, &context).await;
                assert_eq!(answer.status_code, 200);
            }
        }
    }
    queued.sent::<Inbound>()
}

fn event(n: usize, message: u32, redelivered: bool) -> Value {
    let source = match place_of(message) {
        (Some(group), user) => json!({ "type": "group", "groupId": group, "userId": user }),
        (None, user) => json!({ "type": "user", "userId": user }),
    };
    json!({
        "type": "message", "mode": "active", "timestamp": BEGIN.0 + i64::from(message) * 1_000,
        "source": source, "webhookEventId": format!("event-{message}"),
        "deliveryContext": { "isRedelivery": redelivered }, "replyToken": format!("token-{message}"),
        "message": { "type": "text", "id": message.to_string(), "quoteToken": "q", "text": text_of(n, message) },
    })
}

/// Recorders take what is queued in batches of ten, mixed over groups as SQS would; a group is one
/// recorder's at a time and keeps its order. Every eighth batch comes twice.
async fn record(world: &World, sent: &[Inbound]) -> usize {
    let mut groups: BTreeMap<String, Vec<Inbound>> = BTreeMap::new();
    for message in sent {
        groups.entry(message.group_id().expect("FIFO")).or_default().push(message.clone());
    }
    let mut of_recorder: Vec<Vec<std::vec::IntoIter<Inbound>>> = vec![Vec::new(); AT_ONCE];
    for (n, group) in groups.into_values().enumerate() {
        of_recorder[n % AT_ONCE].push(group.into_iter());
    }
    let work = of_recorder.into_iter().map(async |mut groups| {
        let context = recorder(world);
        let mut shuffled = Vec::new();
        // A number that walks over all groups in an order that looks like none.
        let mut at = 0_usize;
        while !groups.is_empty() {
            at = at.wrapping_mul(31).wrapping_add(17);
            let place = at % groups.len();
            match groups[place].next() {
                Some(message) => shuffled.push(message),
                None => drop(groups.swap_remove(place)),
            }
        }
        let mut deliveries = 0;
        for (n, batch) in shuffled.chunks(10).enumerate() {
            for _ in 0..if n % 8 == 3 { 2 } else { 1 } {
                let response = matome_recorder::handle(sqs::batch(batch), &context).await.unwrap();
                assert!(response.batch_item_failures.is_empty(), "returned to the queue");
                deliveries += batch.len();
            }
        }
        deliveries
    });
    iter(work).buffer_unordered(AT_ONCE).fold(0, async |sum, n| sum + n).await
}

fn recorder(world: &World) -> matome_recorder::Context {
    let system = &world.system;
    matome_recorder::Context {
        tenants: system.tenants(),
        channels: system.channels("http://127.0.0.1:9"),
        health: HealthRecords::new(system.clock.clone()),
        queues: Queues::recording().0,
        blobs: None,
        clock: system.clock.clone(),
        random: system.random.clone(),
        faults: Faults::none(),
    }
}

/// The `n`-th tenant has its messages, each once and in its own words, its rooms, people and sessions,
/// and has counted them.
async fn check(n: usize, tenant: &TestTenant) {
    let count = messages_of(n);
    let messages: Vec<Message> = matome_testing::counts::all(&tenant.store, "timestamp").await;
    let found: Vec<_> = messages.iter().map(|m| (m.line_message_id.clone(), m.content.clone())).collect();
    let wanted: Vec<_> = (0..count).map(|m| (m.to_string(), Some(text_of(n, m)))).collect();
    assert_eq!(found, wanted, "messages of tenant {n}");

    let mut by_room: BTreeMap<String, u32> = BTreeMap::new();
    for (group, user) in (0..count).map(place_of) {
        *by_room.entry(group.unwrap_or(user).to_owned()).or_default() += 1;
    }
    let talks = doc! { "statistics.totalMessages": { "$gt": 0 } };
    let rooms: Vec<Room> = tenant.store.collection::<Room>().find(talks, doc! { "_id": 1 }, 0).await.unwrap();
    let conversations: BTreeSet<_> = rooms.iter().map(|r| r.conversation_id.clone()).collect();
    assert_eq!(conversations, by_room.keys().cloned().collect(), "rooms of tenant {n}");
    for room in &rooms {
        let messages = i64::from(by_room[&room.conversation_id]);
        assert_eq!(room.statistics.total_messages, messages);
        assert_eq!(
            room.usage.iter().map(|u| u.messages).collect::<Vec<_>>(),
            [messages],
            "usage of tenant {n}"
        );
    }
    let sessions: Vec<Session> = matome_testing::counts::all(&tenant.store, "_id").await;
    let wanted: u32 = by_room.values().map(|messages| messages.div_ceil(SESSION)).sum();
    assert_eq!(sessions.len(), wanted as usize, "sessions of tenant {n}");
    let people = tenant.store.collection::<User>().count(doc! {}).await.unwrap();
    assert_eq!(people, USERS.len() as u64, "people of tenant {n}");
    matome_testing::counts::assert_counts_are_exact(&tenant.store).await;
}
