//! A closed session to summarize, and a summarizer to do it.

use std::time::Duration;

use aws_lambda_events::sqs::SqsBatchResponse;
use bson::oid::ObjectId;
use bson::{Bson, doc};
use matome_ai::AiConfig;
use matome_domain::fault::Faults;
use matome_domain::queue::SummaryJob;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::config::Env;
use matome_runtime::queue::{Queues, Recording};
use matome_store::Entity;
use matome_store::entities::{Message, Room, Session, Summary, User};
use matome_store::id::{derived, document_id};
use matome_summarizer::Context;
use matome_summarizer::context::Writers;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};

/// What customer and shop say to each other.
pub(crate) const TALK: [(&str, &str); 6] = [
    ("Aoi", "Hello, can I change my order to two boxes?"),
    ("Shop", "Yes. Shall we deliver on Friday as planned?"),
    ("Aoi", "Friday is fine. Please send the invoice by Thursday."),
    ("Shop", "I will send the invoice tomorrow."),
    ("Aoi", "One more question, do you have gift wrapping?"),
    ("Aoi", "Thank you!"),
];

/// A newly started summarizer.
pub(crate) struct Summarizer {
    pub(crate) context: Context,
    pub(crate) sent: Recording,
}

impl Summarizer {
    pub(crate) fn builtin(system: &TestSystem) -> Self {
        Self::with(system, AiConfig::default(), Faults::none())
    }

    pub(crate) fn with(system: &TestSystem, config: AiConfig, faults: Faults) -> Self {
        // Nobody answers there: the tests of pictures give it a bucket.
        let aws = aws("http://127.0.0.1:9");
        let (queues, sent) = Queues::recording_with(faults.clone());
        let context = Context {
            tenants: system.tenants(),
            queues,
            blobs: Blobs::from_client(aws.s3(), "media".to_owned()).into(),
            writers: Writers::new(config).expect("the settings are valid"),
            clock: system.clock.clone(),
            random: system.random.clone(),
            faults,
        };
        Self { context, sent }
    }

    pub(crate) async fn take(&self, jobs: &[SummaryJob]) -> SqsBatchResponse {
        matome_summarizer::handle(sqs::batch(jobs), &self.context).await.expect("a well-formed batch")
    }

    pub(crate) async fn done(&self, job: &SummaryJob) {
        let returned = sqs::returned(&self.take(std::slice::from_ref(job)).await);
        assert!(returned.is_empty(), "the job went back to the queue");
    }
}

/// AWS at this endpoint.
pub(crate) fn aws(endpoint: &str) -> Aws {
    let env = Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]);
    Aws::from_env(&env, Patience::CONSUMER).expect("all settings are there")
}

/// Stores a closed session with [`TALK`], as the recorder leaves it, and returns its job.
pub(crate) async fn closed_session(tenant: &TestTenant) -> SummaryJob {
    let session = ObjectId::parse_str(&tenant.id.as_str()[..24]).expect("hexadecimal");
    let room = derived(&["room", &session.to_hex()]);
    let at = |n: usize| {
        Bson::DateTime(bson::DateTime::from_millis(
            BEGIN.0 + i64::try_from(n).expect("a small number") * 1000,
        ))
    };
    let common = doc! {
        "tenantId": tenant.id.as_str(), "channelId": tenant.channel.as_str(),
        "createdAt": at(0), "updatedAt": at(0), "__v": 0_i64,
    };
    let user = |name: &str| derived(&["user", tenant.id.as_str(), name]);
    for name in ["Aoi", "Shop"] {
        let mut user = doc! {
            "_id": user(name), "lineUserId": format!("U{name}"), "displayName": name, "status": "active",
            "statistics": { "totalMessages": 3_i64, "totalSessions": 1_i64, "totalRooms": 1_i64, "lastActiveAt": at(5) },
            "metadata": { "source": "line" }, "refreshAt": at(9999),
        };
        user.extend(common.clone());
        put::<User>(tenant, user).await;
    }
    for (n, (name, text)) in TALK.iter().enumerate() {
        let mut message = doc! {
            "_id": derived(&["message", &session.to_hex(), &n.to_string()]), "sessionId": session, "roomId": room,
            "userId": user(name), "lineMessageId": n.to_string(), "messageType": "text", "content": *text,
            "status": "delivered", "timestamp": at(n),
        };
        message.extend(common.clone());
        put::<Message>(tenant, message).await;
    }
    let mut document = doc! {
        "_id": room, "conversationId": "Uaoi", "roomType": "individual",
        "statistics": { "totalSessions": 1_i64, "totalMessages": 6_i64, "totalImages": 0_i64,
            "activeSessions": 0_i64, "lastActivityAt": at(5) },
        "status": "active", "presence": "present", "presenceAt": at(0), "lastSessionNumber": 1_i64,
        "refreshAt": at(9999),
    };
    document.extend(common.clone());
    put::<Room>(tenant, document).await;
    let mut document = doc! {
        "_id": session, "roomId": room, "conversationId": "Uaoi", "sessionNumber": 1_i64,
        "participants": [user("Aoi"), user("Shop")], "status": "summarizing", "trigger": "manual",
        "openedAt": at(0), "closesAt": at(86_400), "startTime": at(0), "lastMessageAt": at(5), "endTime": at(5),
        "statistics": { "messageCount": 6_i64, "imageCount": 0_i64, "participantCount": 2_i64, "duration": 5000_i64 },
        "revision": 0_i64, "metadata": { "platform": "line" },
        "replyToken": { "token": "reply-token", "expiresAt": at(55) },
    };
    document.extend(common);
    put::<Session>(tenant, document).await;
    SummaryJob { tenant_id: tenant.id.clone(), session_id: document_id(session), revision: 0 }
}

pub(crate) async fn put<E: Entity>(tenant: &TestTenant, document: bson::Document) {
    let entity: E = bson::deserialize_from_document(document).expect("fits its declaration");
    tenant.store.collection::<E>().insert(&entity).await.expect("can be stored");
}

pub(crate) async fn only<E: Entity>(tenant: &TestTenant) -> E {
    let mut found = all::<E>(tenant).await;
    assert_eq!(found.len(), 1, "{}", E::COLLECTION);
    found.remove(0)
}

pub(crate) async fn all<E: Entity>(tenant: &TestTenant) -> Vec<E> {
    tenant.store.collection::<E>().find(doc! {}, doc! { "_id": 1 }, 0).await.expect("can be read")
}

/// Checks a stored summary against the session it is of.
pub(crate) async fn assert_rests_on_its_session(tenant: &TestTenant, summary: &Summary) {
    let messages: Vec<ObjectId> = all::<Message>(tenant).await.iter().map(|m| m.id).collect();
    assert!(!summary.citations.is_empty());
    for citation in &summary.citations {
        assert!(!citation.message_ids.is_empty(), "{citation:?} rests on nothing");
        assert!(citation.message_ids.iter().all(|id| messages.contains(id)), "{citation:?}");
    }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
