//! Tenants with things that are due, things that are not yet, and things that are done.

use std::time::Duration;

use bson::{Bson, Document, doc};
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, MediaJob, OutboundJob, QueueMessage, SummaryJob};
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::queue::{Queues, Recording};
use matome_scheduler::Context;
use matome_store::collection::encode;
use matome_store::entities::{
    Media, MediaStatus, Message, MessageMetadata, MessageStatus, OutboxEntry, OutboxState, Purpose, Room,
    Session, SessionStatus,
};
use matome_store::id::{derived, document_id};
use matome_store::time::date;
use matome_store::{Entity, TenantStore};
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures};

/// When the sweep runs.
pub(crate) fn sweep_time() -> matome_domain::clock::Timestamp {
    BEGIN.plus(Duration::from_secs(24 * 60 * 60))
}

/// `seconds` before the sweep.
fn ago(seconds: u64) -> bson::DateTime {
    date(sweep_time().minus(Duration::from_secs(seconds)))
}

/// A tenant's documents, and the jobs that are due for them.
pub(crate) struct Household {
    pub(crate) tenant: TestTenant,
    pub(crate) due: Vec<String>,
}

/// What a job is about: `close 65…`, `summary 65…`, ….
fn about<M: QueueMessage>(kind: &str, messages: &[M], id: impl Fn(&M) -> String) -> Vec<String> {
    messages.iter().map(|m| format!("{kind} {}", id(m))).collect()
}

/// Everything that was queued, once each, sorted.
pub(crate) fn queued(recording: &Recording) -> Vec<String> {
    let closed = |i: &Inbound| match i {
        Inbound::Close(close) => close.session_id.to_string(),
        Inbound::Event(event) => panic!("the scheduler makes no events: {}", event.event_id),
        Inbound::Open(open) => panic!("the scheduler opens no session: {open:?}"),
    };
    let mut all = about("close", &recording.distinct(), closed);
    all.extend(about("summary", &recording.distinct::<SummaryJob>(), |j| j.session_id.to_string()));
    all.extend(about("outbound", &recording.distinct::<OutboundJob>(), |j| j.outbox_id.to_string()));
    all.extend(about("media", &recording.distinct::<MediaJob>(), |j| j.message_id.to_string()));
    all.sort();
    all.dedup();
    all
}

/// A newly started scheduler at the sweep's time.
pub(crate) fn scheduler(system: &TestSystem, faults: Faults) -> (Context, Recording) {
    let (queues, recording) = Queues::recording_with(faults.clone());
    let context = Context {
        tenants: system.tenants(),
        queues,
        api_calls: ApiCalls::in_memory(system.clock.clone()),
        clock: system.clock.clone(),
        faults,
    };
    (context, recording)
}

/// A system whose clock shows the sweep's time.
pub(crate) async fn system() -> TestSystem {
    let system = TestSystem::start().await;
    system.clock.set(sweep_time());
    system
}

/// A tenant with one of everything that is due, and of everything that is not.
pub(crate) async fn household(system: &TestSystem, placement: Placement) -> Household {
    let tenant = system.tenant(placement).await;
    let store = tenant.store.clone();
    let room = fixtures::room(&tenant, "Croom");
    insert(&store, &room).await;
    let mut due = Vec::new();
    // An active session is the room's only one: one room each.
    for (n, closes_in, is_due) in [(1, -1_i64, true), (2, 0, true), (3, 1, false)] {
        let room = fixtures::room(&tenant, &format!("Croom{n}"));
        let mut session = fixtures::session(&room, 1, SessionStatus::Active, BEGIN);
        session.closes_at = bson::DateTime::from_millis(sweep_time().0 + closes_in);
        insert(&store, &session).await;
        due.extend(is_due.then(|| format!("close {}", document_id(session.id))));
    }
    for (number, status, age, is_due) in [
        (1, SessionStatus::Summarizing, 301, true),
        (2, SessionStatus::Summarizing, 299, false),
        (3, SessionStatus::Closed, 100_000, false),
    ] {
        let mut session = fixtures::session(&room, number, status, BEGIN);
        session.updated_at = ago(age);
        session.revision = 7;
        insert(&store, &session).await;
        due.extend(is_due.then(|| format!("summary {}", document_id(session.id))));
    }
    for (n, state, attempts, age, is_due) in [
        (1, OutboxState::Queued, 0, 121, true),
        (2, OutboxState::Queued, 0, 119, false),
        (3, OutboxState::Queued, 2, 601, true),
        (4, OutboxState::Queued, 2, 599, false),
        (5, OutboxState::Accepted, 1, 100_000, false),
        (6, OutboxState::Failed, 1, 100_000, false),
    ] {
        let mut entry = fixtures::entry(&room, Purpose::Welcome, None, format!("key {n}"));
        (entry.state, entry.attempts, entry.updated_at) = (state, attempts, ago(age));
        insert(&store, &entry).await;
        due.extend(is_due.then(|| format!("outbound {}", document_id(entry.id))));
    }
    for (n, status, age, is_due) in [
        (1, MediaStatus::Pending, 1_801, true),
        (2, MediaStatus::Erasing, 1_801, true),
        (3, MediaStatus::Pending, 1_799, false),
        (4, MediaStatus::Stored, 100_000, false),
        (5, MediaStatus::Erased, 100_000, false),
    ] {
        let message = picture(&room, n, status, ago(age));
        insert(&store, &message).await;
        due.extend(is_due.then(|| format!("media {}", document_id(message.id))));
    }
    due.sort();
    Household { tenant, due }
}

pub(crate) async fn insert<E: Entity>(store: &TenantStore, document: &E) {
    store.collection::<E>().insert(document).await.unwrap();
}

fn picture(room: &Room, n: i64, status: MediaStatus, updated_at: bson::DateTime) -> Message {
    let id = derived(&["message", &room.tenant_id, &n.to_string()]);
    Message {
        id,
        tenant_id: room.tenant_id.clone(),
        channel_id: room.channel_id.clone(),
        session_id: derived(&["session", &room.id.to_hex(), "1"]),
        room_id: room.id,
        user_id: None,
        line_message_id: n.to_string(),
        webhook_event_id: None,
        reply_token: None,
        message_type: "image".to_owned(),
        content: None,
        media: Some(Media {
            status,
            key: None,
            thumbnail_key: None,
            thumbnail_size: None,
            thumbnail_due: false,
            file_name: None,
            file_size: None,
            mime_type: None,
            sha256: None,
            dimensions: None,
            duration: None,
            original_url: None,
            preview_url: None,
            analysis: None,
            attempts: 0,
        }),
        file_data: None,
        sticker_data: None,
        location_data: None,
        metadata: MessageMetadata::default(),
        raw: None,
        command: None,
        placeholder: false,
        edit_history: Vec::new(),
        search: Vec::new(),
        over_limits: Vec::new(),
        ai_processing: None,
        delivered_at: None,
        read_at: None,
        edited_at: None,
        status: MessageStatus::Delivered,
        deleted_at: None,
        timestamp: updated_at,
        created_at: updated_at,
        updated_at,
        version: 0,
    }
}

/// Every document a sweep looks at, by collection and id.
pub(crate) async fn documents(tenant: &TestTenant) -> Vec<Document> {
    async fn of<E: Entity>(store: &TenantStore, out: &mut Vec<Document>) {
        for entity in store.collection::<E>().find(doc! {}, doc! { "_id": 1 }, 1_000).await.unwrap() {
            out.push(encode(&entity).unwrap());
        }
    }
    let mut out = Vec::new();
    of::<Session>(&tenant.store, &mut out).await;
    of::<OutboxEntry>(&tenant.store, &mut out).await;
    of::<Message>(&tenant.store, &mut out).await;
    out
}

/// The documents with the mark that a sweep leaves on those it queued (closing leaves none).
pub(crate) fn marked(mut documents: Vec<Document>, due: &[String]) -> Vec<Document> {
    for document in &mut documents {
        let id = document.get_object_id("_id").unwrap().to_hex();
        if due.iter().any(|d| d.ends_with(&id) && !d.starts_with("close")) {
            document.insert("updatedAt", Bson::DateTime(date(sweep_time())));
        }
    }
    documents
}
