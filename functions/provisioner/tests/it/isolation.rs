//! Forged queue messages: whoever could write to a queue of one tenant's and knows every id of another
//! one's. Each kind of message, to the function that takes it, for every pair of placements: of the other
//! one nothing is read, changed, counted or sent, and no blob is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use bson::{Document, doc};
use bytes::Bytes;
use futures::TryStreamExt;
use matome_ai::AiConfig;
use matome_domain::fault::Faults;
use matome_domain::ids::{ChannelId, ConversationId, DocumentId, TenantId};
use matome_domain::placement::Placement;
use matome_domain::queue::{
    CloseSession, CloseTrigger, Inbound, InboundEvent, MediaJob, OpenSession, OutboundJob, QueueMessage,
    QueueVisitor, SummaryJob, TenantJob, visit_queue_messages,
};
use matome_line_simulator::{LineSimulator, NewChannel, NewGroup, NewUser, SimulatorConfig};
use matome_runtime::blobs::{BlobKey, MediaPart};
use matome_runtime::queue::{Queues, Recording};
use matome_store::collection::encode;
use matome_store::entities::{
    EntityVisitor, Message, Operation, Purpose, SessionStatus, platform_declarations, visit_tenant_entities,
};
use matome_store::id::{derived, document_id};
use matome_store::{Entity, TenantStore};
use matome_summarizer::context::Writers;
use matome_tenancy::HealthRecords;
use matome_tenancy::operations::Suspend;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestTenant, fixtures, sqs};
use serde_json::{Value, json};

use crate::bucket::Bucket;
use crate::world::World;

const PLACEMENTS: [Placement; 3] = [Placement::Shared, Placement::CollectionSet, Placement::Dedicated];
/// In every text of the other tenant.
const CANARY: &str = "canary-4711";

/// The other tenant's documents that messages can name.
struct Known {
    session: DocumentId,
    summary: DocumentId,
    pending: DocumentId,
    erasing: DocumentId,
    entry: DocumentId,
    operation: DocumentId,
    group: ConversationId,
    user: String,
    line_message: String,
}

struct Scene {
    world: World,
    line: LineSimulator,
    bucket: Bucket,
    own: TestTenant,
    other: TestTenant,
    known: Known,
    queues: Queues,
    queued: Recording,
}

impl Scene {
    async fn set([own, other]: [Placement; 2]) -> Self {
        let mut world = World::start().await;
        let bucket = Bucket::make().await;
        let line = LineSimulator::start(SimulatorConfig::new(world.system.clock.clone())).await.unwrap();
        (world.line_url, world.blobs) = (line.api_url(), Some(bucket.blobs.clone()));
        let (own, other) = (world.system.tenant(own).await, world.system.tenant(other).await);
        for tenant in [&own, &other] {
            line.add_channel(NewChannel {
                channel_id: Some(tenant.channel.to_string()),
                channel_secret: Some(tenant.secret.clone()),
                bot_user_id: Some(tenant.bot_user_id.clone()),
                ..NewChannel::default()
            });
        }
        let known = fill(&world, &line, &bucket, &other).await;
        let (queues, queued) = Queues::recording();
        Self { world, line, bucket, own, other, known, queues, queued }
    }

    fn recorder(&self) -> matome_recorder::Context {
        matome_recorder::Context {
            tenants: self.world.system.tenants(),
            channels: self.world.system.channels(&self.line.api_url()),
            health: HealthRecords::new(self.world.system.clock.clone()),
            queues: self.queues.clone(),
            blobs: Some(self.bucket.blobs.clone().into()),
            clock: self.world.system.clock.clone(),
            random: self.world.system.random.clone(),
            faults: Faults::none(),
        }
    }

    /// Hands a message to the function that takes it; whether it went back to the queue.
    async fn deliver<M: QueueMessage>(&self, message: M) -> bool {
        let event: SqsEvent = sqs::batch(&[message]);
        let (system, clock) = (&self.world.system, self.world.system.clock.clone());
        let response = if M::QUEUE == Inbound::QUEUE || M::QUEUE == MediaJob::QUEUE {
            matome_recorder::handle(event, &self.recorder()).await
        } else if M::QUEUE == SummaryJob::QUEUE {
            let context = matome_summarizer::Context {
                tenants: system.tenants(),
                queues: self.queues.clone(),
                blobs: self.bucket.blobs.clone().into(),
                writers: Writers::new(AiConfig::default()).unwrap(),
                clock,
                random: system.random.clone(),
                faults: Faults::none(),
            };
            matome_summarizer::handle(event, &context).await
        } else if M::QUEUE == OutboundJob::QUEUE {
            let context = matome_sender::Context {
                tenants: system.tenants(),
                channels: system.channels(&self.line.api_url()),
                health: HealthRecords::new(system.clock.clone()),
                clock,
                random: Arc::clone(&system.random),
                turn: tokio::sync::Mutex::default(),
                faults: Faults::none(),
            };
            matome_sender::handle(event, &context).await
        } else if M::QUEUE == TenantJob::QUEUE {
            matome_provisioner::handle(event, &self.world.context(Faults::none())).await
        } else {
            panic!("nobody here takes messages of {}", M::QUEUE);
        };
        !sqs::returned(&response.unwrap()).is_empty()
    }

    /// Everything that says that it is the other tenant's, wherever it stands.
    async fn of_other(&self) -> BTreeMap<String, Document> {
        let mut all = everything(&self.other.store).await;
        let platform = self.world.system.store.platform();
        for declaration in platform_declarations() {
            let found = platform.collection::<Document>(declaration.collection);
            let found = found.find(doc! { "tenantId": self.other.id.as_str() }).await.unwrap();
            let found: Vec<Document> = found.try_collect().await.unwrap();
            all.extend(
                found.into_iter().map(|d| (format!("{} {:?}", declaration.collection, d.get("_id")), d)),
            );
        }
        all
    }

    fn event(&self, channel: &ChannelId, id: &str, kind: &str, fields: Value) -> Inbound {
        let mut event = json!({
            "type": kind, "mode": "active", "timestamp": BEGIN.0, "webhookEventId": id,
            "source": { "type": "group", "groupId": self.known.group, "userId": self.known.user },
            "deliveryContext": { "isRedelivery": false }, "replyToken": format!("token-{id}"),
        });
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Inbound::Event(InboundEvent {
            tenant_id: self.own.id.clone(),
            channel_id: channel.clone(),
            conversation_id: self.known.group.clone(),
            event_id: id.to_owned(),
            received_at: BEGIN,
            event,
        })
    }

    /// Events and wishes of a channel that name what the other tenant has.
    fn inbound(&self, channel: &ChannelId) -> Vec<Inbound> {
        let Known { summary, line_message, .. } = &self.known;
        let text = json!({ "type": "text", "id": line_message, "text": "hello", "quoteToken": "q" });
        let edited = json!({ "type": "text", "id": line_message, "text": "changed", "quoteToken": "q" });
        let tap = |data: String| json!({ "postback": { "data": data } });
        let close = Inbound::Close(CloseSession {
            tenant_id: self.own.id.clone(),
            channel_id: channel.clone(),
            conversation_id: self.known.group.clone(),
            session_id: self.known.session.clone(),
            trigger: CloseTrigger::Manual,
            closed_by: None,
        });
        let open = Inbound::Open(OpenSession {
            tenant_id: self.own.id.clone(),
            channel_id: channel.clone(),
            conversation_id: self.known.group.clone(),
            wish_id: self.known.session.clone(),
        });
        let event = |n: &str, kind, fields| self.event(channel, &format!("{n}-{channel}"), kind, fields);
        let all = vec![
            open.clone(),
            close.clone(),
            event("unsend", "unsend", json!({ "unsend": { "messageId": line_message } })),
            event("edit", "messageEdited", json!({ "message": edited })),
            event("show", "postback", tap(format!("m=show&s={summary}"))),
            event("details", "postback", tap(format!("m=details&s={summary}"))),
            event("rate", "postback", tap(format!("m=rate&s={summary}&r=1"))),
            event("say", "message", json!({ "message": text })),
            event("left", "memberLeft", json!({ "left": { "members": [{ "userId": self.known.user }] } })),
            event("leave", "leave", json!({})),
            close,
            open,
        ];
        let kinds = all.iter().map(|message| match message {
            // A new kind fails to compile until it is here, and fails the test until it is in the list.
            Inbound::Event(_) => 0,
            Inbound::Close(_) => 1,
            Inbound::Open(_) => 2,
        });
        assert_eq!(kinds.collect::<BTreeSet<_>>(), BTreeSet::from([0, 1, 2]));
        all
    }
}

/// The other tenant: a room with people, a session that is to be summarized, a summary, messages whose
/// pictures are to be fetched and to be erased, something to send, an operation that has not begun.
async fn fill(world: &World, line: &LineSimulator, bucket: &Bucket, tenant: &TestTenant) -> Known {
    let user = line.add_user(NewUser::named(CANARY));
    let group = line.add_group(NewGroup {
        name: CANARY.to_owned(),
        members: vec![user.clone()],
        channels: vec![tenant.channel.to_string()],
        ..NewGroup::default()
    });
    let mut room = fixtures::room(tenant, group.id());
    room.name = Some(CANARY.to_owned());
    let session = fixtures::session(&room, 1, SessionStatus::Summarizing, BEGIN);
    let mut summary = fixtures::summary(&session);
    summary.content.brief = CANARY.to_owned();
    let entry = fixtures::entry(&room, Purpose::Summary { summary_id: summary.id }, None, "key".to_owned());
    let line_message = "4711".to_owned();
    let picture = |name: &str, status: &str| -> Message {
        let media = json!({ "status": status, "attempts": 0 });
        let id = derived(&["message", tenant.id.as_str(), name]);
        let at = bson::DateTime::from_millis(BEGIN.0);
        bson::deserialize_from_document(doc! {
            "_id": id, "tenantId": tenant.id.as_str(), "channelId": tenant.channel.as_str(),
            "sessionId": session.id, "roomId": room.id, "lineMessageId": name, "messageType": "image",
            "content": CANARY, "status": "delivered", "timestamp": at, "createdAt": at, "updatedAt": at,
            "__v": 0_i64, "media": matome_store::value::to_bson(&media).unwrap(),
        })
        .unwrap()
    };
    let (pending, erasing) = (picture(&line_message, "pending"), picture("4712", "erasing"));
    for part in [MediaPart::Original, MediaPart::Thumbnail] {
        for message in [&pending, &erasing] {
            let key = BlobKey::media(&tenant.id, &document_id(message.id), part);
            bucket.blobs.put(&key, "image/png", Bytes::from_static(b"picture")).await.unwrap();
        }
    }
    tenant.store.collection().insert(&fixtures::user(tenant, &user)).await.unwrap();
    tenant.store.collection().insert(&fixtures::member(&room, &user)).await.unwrap();
    tenant.store.collection().insert(&room).await.unwrap();
    tenant.store.collection().insert(&session).await.unwrap();
    tenant.store.collection().insert(&summary).await.unwrap();
    tenant.store.collection().insert(&entry).await.unwrap();
    tenant.store.collection().insert(&pending).await.unwrap();
    tenant.store.collection().insert(&erasing).await.unwrap();
    world.system.store.platform_collection().insert_one(fixtures::channel(tenant)).await.unwrap();
    let operation = world.ask(&tenant.id, &Suspend { reason: CANARY.to_owned() }).await.operation_id;
    Known {
        session: document_id(session.id),
        summary: document_id(summary.id),
        pending: document_id(pending.id),
        erasing: document_id(erasing.id),
        entry: document_id(entry.id),
        operation,
        group: ConversationId::new(group.id()).unwrap(),
        user,
        line_message,
    }
}

/// All documents of all entities that a tenant has.
async fn everything(store: &TenantStore) -> BTreeMap<String, Document> {
    type Reading<'a> = futures::future::LocalBoxFuture<'a, Vec<(String, Document)>>;
    struct Read<'a>(&'a TenantStore, Vec<Reading<'a>>);

    impl EntityVisitor for Read<'_> {
        fn visit<E: Entity>(&mut self) {
            let collection = self.0.collection::<E>();
            self.1.push(Box::pin(async move {
                let found = collection.find(doc! {}, doc! { "_id": 1 }, 0).await.unwrap();
                let found = found.iter().map(|e| encode(e).unwrap());
                found.map(|d| (format!("{} {:?}", E::COLLECTION, d.get("_id")), d)).collect()
            }));
        }
    }

    let mut read = Read(store, Vec::new());
    visit_tenant_entities(&mut read);
    futures::future::join_all(read.1).await.into_iter().flatten().collect()
}

/// Which kinds of messages were forged, for [`visit_queue_messages`] to find them all.
async fn forge(scene: &Scene) -> BTreeSet<&'static str> {
    let (tenant_id, known) = (scene.own.id.clone(), &scene.known);
    let mut forged = BTreeSet::new();

    for message_id in [known.pending.clone(), known.erasing.clone()] {
        let job = MediaJob { tenant_id: tenant_id.clone(), message_id };
        assert!(!scene.deliver(job).await, "there is no such message, so there is nothing to do");
    }
    forged.insert(MediaJob::QUEUE);

    let session_id = known.session.clone();
    for revision in [0, 1, 2] {
        let job = SummaryJob { tenant_id: tenant_id.clone(), session_id: session_id.clone(), revision };
        assert!(!scene.deliver(job).await, "there is no such session");
    }
    forged.insert(SummaryJob::QUEUE);

    let (conversation_id, outbox_id) = (known.group.clone(), known.entry.clone());
    let job = OutboundJob { tenant_id: tenant_id.clone(), conversation_id, outbox_id };
    assert!(!scene.deliver(job).await, "there is no such entry");
    forged.insert(OutboundJob::QUEUE);

    let job = TenantJob { tenant_id: tenant_id.clone(), operation_id: known.operation.clone() };
    assert!(scene.deliver(job).await, "an operation that is not the tenant's is for people to look at");
    forged.insert(TenantJob::QUEUE);

    assert!(scene.queued.entries().is_empty(), "none of it set anything off");
    assert!(everything(&scene.own.store).await.is_empty(), "none of it left anything");
    assert_eq!(scene.line.inspect(|w| w.calls.len()), 0, "none of it reached LINE");

    for message in scene.inbound(&scene.other.channel) {
        assert!(scene.deliver(message.clone()).await, "the channel is not theirs: {message:?}");
    }
    assert!(scene.queued.entries().is_empty() && everything(&scene.own.store).await.is_empty());
    // What one's own channel says of others' groups and messages is recorded as one's own.
    for message in scene.inbound(&scene.own.channel) {
        assert!(!scene.deliver(message.clone()).await, "{message:?}");
    }
    forged.insert(Inbound::QUEUE);
    forged
}

/// What the functions queued for one another is dealt with as well, until nothing is left.
async fn settle(scene: &Scene) {
    for _ in 0..5 {
        let entries = scene.queued.entries();
        if entries.is_empty() {
            return;
        }
        for entry in &entries {
            assert_eq!(tenant_of(&entry.body), scene.own.id, "{entry:?}");
        }
        let (media, summaries, outbound) = (
            scene.queued.distinct::<MediaJob>(),
            scene.queued.distinct::<SummaryJob>(),
            scene.queued.distinct::<OutboundJob>(),
        );
        assert_eq!(media.len() + summaries.len() + outbound.len(), entries.len());
        scene.queued.clear();
        for job in media {
            scene.deliver(job).await;
        }
        for job in summaries {
            scene.deliver(job).await;
        }
        for job in outbound {
            scene.deliver(job).await;
        }
    }
    panic!("it goes on and on: {:?}", scene.queued.entries());
}

fn tenant_of(body: &str) -> TenantId {
    let body: Value = serde_json::from_str(body).unwrap();
    TenantId::new(body["tenantId"].as_str().unwrap()).unwrap()
}

struct Kinds(BTreeSet<&'static str>);

impl QueueVisitor for Kinds {
    fn visit<M: QueueMessage>(&mut self) {
        self.0.insert(M::QUEUE);
    }
}

async fn forged_messages_reach_nothing(placements: [Placement; 2]) {
    let scene = Scene::set(placements).await;
    let before = scene.of_other().await;
    assert!(before.len() >= 10, "{:?}", before.keys());
    let blobs = scene.bucket.versions().await;
    let record = scene.world.system.directory().newest_tenant(&scene.other.id).await.unwrap();

    let forged = forge(&scene).await;
    settle(&scene).await;
    let mut all = Kinds(BTreeSet::new());
    visit_queue_messages(&mut all);
    assert_eq!(forged, all.0, "every kind of message is forged");

    assert_eq!(scene.of_other().await, before, "{placements:?}");
    assert_eq!(scene.bucket.versions().await, blobs);
    assert_eq!(scene.world.system.directory().newest_tenant(&scene.other.id).await.unwrap(), record);
    let other = scene.other.channel.as_str();
    scene.line.inspect(|world| {
        let calls = world.calls.iter().filter(|call| call.channel_id.as_deref() == Some(other)).count();
        assert_eq!(calls, 0, "nobody spoke to LINE as the other tenant");
        for call in &world.calls {
            assert!(!format!("{:?}", call.body).contains(CANARY), "{call:?}");
        }
        assert!(world.chat.is_empty(), "nobody in the other's group heard anything");
    });
    // What one has of it is what one's own channel told: something, and none of the other's words.
    let own = everything(&scene.own.store).await;
    assert!(!own.is_empty());
    for (id, document) in &own {
        assert!(!before.contains_key(id), "{id}");
        assert!(!document.to_string().contains(CANARY), "{id}");
    }
}

#[tokio::test]
async fn forged_messages_of_a_shared_tenant_reach_nothing_of_another() {
    for other in PLACEMENTS {
        forged_messages_reach_nothing([Placement::Shared, other]).await;
    }
}

#[tokio::test]
async fn forged_messages_of_a_tenant_with_a_set_reach_nothing_of_another() {
    for other in PLACEMENTS {
        forged_messages_reach_nothing([Placement::CollectionSet, other]).await;
    }
}

#[tokio::test]
async fn forged_messages_of_a_dedicated_tenant_reach_nothing_of_another() {
    for other in PLACEMENTS {
        forged_messages_reach_nothing([Placement::Dedicated, other]).await;
    }
}

#[tokio::test]
async fn an_operation_changes_the_tenant_it_names_and_no_other() {
    let scene = Scene::set([Placement::Shared, Placement::Shared]).await;
    let before = scene.of_other().await;
    let job = scene.world.ask(&scene.own.id, &Suspend { reason: "unpaid".to_owned() }).await;
    // The tenant of the message and the tenant of the operation have to be the same one.
    let forged = TenantJob { tenant_id: scene.other.id.clone(), operation_id: job.operation_id.clone() };
    assert!(scene.deliver(forged).await);
    let operations = scene.world.system.store.platform_collection::<Operation>();
    let untouched = operations.find_one(doc! { "tenantId": scene.own.id.as_str() }).await.unwrap().unwrap();
    assert!(untouched.steps.is_empty());
    scene.world.drive(&job).await;
    assert_eq!(scene.of_other().await, before);
}
