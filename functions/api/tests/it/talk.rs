//! A room in which people talked, as the recorder and the summarizer leave it.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_api_testing::call::Reply;
use matome_store::Entity;
use matome_store::entities::{Message, Room, Session, SessionStatus, Summary, User};
use matome_store::id::derived;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestTenant, fixtures};
use serde_json::Value;

/// See the module.
pub(crate) struct Talk {
    pub(crate) room: Room,
    pub(crate) session: Session,
    pub(crate) summary: Summary,
    pub(crate) messages: Vec<Message>,
    pub(crate) aoi: User,
    pub(crate) bun: User,
}

/// So many seconds after everything began.
pub(crate) fn at(seconds: u64) -> DateTime {
    DateTime::from_millis(BEGIN.plus(Duration::from_secs(seconds)).0)
}

pub(crate) async fn put<E: Entity>(tenant: &TestTenant, entity: &E) {
    tenant.store.collection::<E>().insert(entity).await.expect("can be stored");
}

/// A person; the same one in every room of the tenant.
pub(crate) async fn person(tenant: &TestTenant, name: &str) -> User {
    let user = User { display_name: Some(name.to_owned()), ..fixtures::user(tenant, &format!("U{name}")) };
    if tenant.store.collection::<User>().get(user.id).await.expect("read").is_none() {
        put(tenant, &user).await;
    }
    user
}

pub(crate) fn message(session: &Session, number: u64, user: &User, text: &str) -> Message {
    let id = derived(&["message", &session.id.to_hex(), &number.to_string()]);
    let document = doc! {
        "_id": id, "tenantId": &session.tenant_id, "channelId": &session.channel_id, "sessionId": session.id,
        "roomId": session.room_id, "userId": user.id, "lineMessageId": id.to_hex(), "messageType": "text",
        "content": text, "status": "delivered", "timestamp": at(number), "createdAt": at(number),
        "updatedAt": at(number), "__v": 0_i64,
    };
    let mut message: Message = bson::deserialize_from_document(document).expect("a message");
    message.renew_search();
    message
}

impl Talk {
    /// Aoi and Bun, three messages, closed and summarized.
    pub(crate) async fn closed(tenant: &TestTenant, conversation: &str) -> Self {
        Self::with(tenant, conversation, SessionStatus::Closed, |_| {}).await
    }

    pub(crate) async fn private(tenant: &TestTenant, conversation: &str) -> Self {
        let private = |room: &mut Room| room.settings.privacy = Some("private".to_owned());
        Self::with(tenant, conversation, SessionStatus::Closed, private).await
    }

    pub(crate) async fn open(tenant: &TestTenant, conversation: &str) -> Self {
        Self::with(tenant, conversation, SessionStatus::Active, |_| {}).await
    }

    pub(crate) async fn with(
        tenant: &TestTenant,
        conversation: &str,
        status: SessionStatus,
        change: impl FnOnce(&mut Room),
    ) -> Self {
        let mut room = fixtures::room(tenant, conversation);
        change(&mut room);
        put(tenant, &room).await;
        let (aoi, bun) = (person(tenant, "Aoi").await, person(tenant, "Bun").await);
        let mut session = fixtures::session(&room, 1, status, BEGIN);
        session.participants = vec![aoi.id, bun.id];
        session.last_message_at = at(2);
        let mut summary = fixtures::summary(&session);
        summary.renew_search();
        if status == SessionStatus::Closed {
            session.summary = Some(summary.id);
            put(tenant, &summary).await;
        }
        put(tenant, &session).await;
        let messages = vec![
            message(&session, 0, &aoi, "Shall we have a picnic on Saturday?"),
            message(&session, 1, &bun, "Yes, I bring tea to the picnic."),
            message(&session, 2, &aoi, "Let us meet at ten."),
        ];
        for (message, user) in messages.iter().zip([&aoi, &bun, &aoi]) {
            put(tenant, message).await;
            let member = fixtures::member(&room, &user.line_user_id);
            if tenant.store.collection().get(member.id).await.expect("read") != Some(member.clone()) {
                put(tenant, &member).await;
            }
        }
        Self { room, session, summary, messages, aoi, bun }
    }

    /// `/rooms/…` with what follows.
    pub(crate) fn room(&self, rest: &str) -> String {
        format!("/rooms/{}{rest}", self.room.id.to_hex())
    }

    /// `/sessions/…` with what follows.
    pub(crate) fn session(&self, rest: &str) -> String {
        format!("/sessions/{}{rest}", self.session.id.to_hex())
    }

    /// `/summaries/…` with what follows.
    pub(crate) fn summary(&self, rest: &str) -> String {
        format!("/summaries/{}{rest}", self.summary.id.to_hex())
    }
}

/// Status and code of an answer.
pub(crate) fn told(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.code())
}

/// The field that was refused.
pub(crate) fn field(reply: &Reply) -> &str {
    reply.body["errors"][0]["field"].as_str().unwrap_or_default()
}

/// One field of each of a list's documents.
pub(crate) fn each<'v>(list: &'v Value, name: &str) -> Vec<&'v str> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item[name].as_str().unwrap_or_default()).collect()
}

pub(crate) fn hex(id: ObjectId) -> String {
    id.to_hex()
}
