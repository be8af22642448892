//! A recorder to feed, and what it left behind.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsBatchResponse;
use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::queue::Inbound;
use matome_recorder::Context;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::config::Env;
use matome_runtime::queue::{Queues, Recording};
use matome_store::Entity;
use matome_store::entities::{Message, Room, RoomMember, Session, User};
use matome_testing::{TestSystem, TestTenant, sqs};

/// Nothing listens there: for tests that LINE and S3 play no part in.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// A newly started recorder.
pub(crate) struct Recorder {
    pub(crate) context: Context,
    pub(crate) sent: Recording,
}

impl Recorder {
    pub(crate) fn start(system: &TestSystem) -> Self {
        Self::with(system, Faults::none(), NOWHERE, NOWHERE)
    }

    pub(crate) fn with(system: &TestSystem, faults: Faults, line_url: &str, aws_endpoint: &str) -> Self {
        let (queues, sent) = Queues::recording_with(faults.clone());
        let context = Context {
            tenants: system.tenants(),
            channels: system.channels(line_url),
            queues,
            blobs: Some(Blobs::from_client(aws(aws_endpoint).s3(), "media".to_owned())),
            clock: system.clock.clone(),
            random: system.random.clone(),
            faults,
        };
        Self { context, sent }
    }

    /// Hands over a batch as Lambda does.
    pub(crate) async fn take(&self, batch: &[Inbound]) -> SqsBatchResponse {
        matome_recorder::handle(sqs::batch(batch), &self.context).await.expect("a well-formed batch")
    }

    /// Hands over a batch that is to be recorded whole.
    pub(crate) async fn record(&self, batch: &[Inbound]) {
        let returned = sqs::returned(&self.take(batch).await);
        assert!(returned.is_empty(), "returned to the queue: {returned:?}");
    }
}

pub(crate) fn aws(endpoint: &str) -> Aws {
    let env = Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]);
    Aws::from_env(&env, Patience::CONSUMER).expect("all settings are there")
}

/// All of a tenant's documents of one kind.
pub(crate) async fn all<E: Entity>(tenant: &TestTenant, sort: &str) -> Vec<E> {
    tenant.store.collection::<E>().find(doc! {}, doc! { sort: 1 }, 0).await.expect("can be read")
}

/// Checks that every counter says what a count of the documents says.
pub(crate) async fn assert_counts_are_exact(tenant: &TestTenant) {
    let messages: Vec<Message> = all(tenant, "timestamp").await;
    let sessions: Vec<Session> = all(tenant, "sessionNumber").await;
    for session in &sessions {
        let own: Vec<_> = messages.iter().filter(|m| m.session_id == session.id).collect();
        assert_eq!(session.statistics.message_count, as_count(own.len()), "messages of a session");
        let images = own.iter().filter(|m| m.message_type == "image").count();
        assert_eq!(session.statistics.image_count, as_count(images), "pictures of a session");
        assert_eq!(session.statistics.participant_count, as_count(session.participants.len()));
        assert_eq!(Some(session.start_time), own.iter().map(|m| m.timestamp).min());
    }
    for room in all::<Room>(tenant, "_id").await {
        let own: Vec<_> = sessions.iter().filter(|s| s.room_id == room.id).collect();
        let numbers: Vec<i64> = own.iter().map(|s| s.session_number).collect();
        assert_eq!(numbers, (1..=as_count(own.len())).collect::<Vec<_>>(), "session numbers have no gap");
        assert_eq!(room.statistics.total_sessions, as_count(own.len()));
        let in_room = messages.iter().filter(|m| m.room_id == room.id).count();
        assert_eq!(room.statistics.total_messages, as_count(in_room), "messages of a room");
    }
    let mut by_user: BTreeMap<_, i64> = BTreeMap::new();
    for user in messages.iter().filter_map(|m| m.user_id) {
        *by_user.entry(user).or_default() += 1;
    }
    for user in all::<User>(tenant, "_id").await {
        let said = by_user.get(&user.id).copied().unwrap_or_default();
        assert_eq!(user.statistics.total_messages, said, "messages of a person");
        let members: Vec<RoomMember> = all(tenant, "_id").await;
        let own: Vec<_> = members.iter().filter(|m| m.user_id == user.id).collect();
        assert_eq!(own.iter().map(|m| m.statistics.messages_sent).sum::<i64>(), said);
        assert_eq!(user.statistics.total_rooms, as_count(own.len()));
    }
}

pub(crate) fn as_count(n: usize) -> i64 {
    i64::try_from(n).expect("a test has fewer documents than that")
}
