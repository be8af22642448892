//! A bounded stretch of a room's talk.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::queue::CloseTrigger;
use matome_domain::summary::{Level, Sentiment};
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, number, object_id, one_of, string};

/// `_id` is derived from room and `sessionNumber`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Room.
    pub room_id: ObjectId,
    /// LINE channel id, denormalized for the scheduler.
    pub channel_id: String,
    /// The room's conversation id, denormalized for the scheduler.
    pub conversation_id: String,
    /// 1, 2, 3 … within the room.
    pub session_number: i64,
    /// Who spoke, in order of first message.
    pub participants: Vec<ObjectId>,
    /// State.
    pub status: SessionStatus,
    /// Why it closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<CloseTrigger>,
    /// Timestamp of the message that opened it; the time limit counts from here.
    pub opened_at: DateTime,
    /// When the time limit ends it, as settings were at the last message.
    pub closes_at: DateTime,
    /// Timestamp of its oldest message.
    pub start_time: DateTime,
    /// Timestamp of its newest message.
    pub last_message_at: DateTime,
    /// `lastMessageAt`, set when it closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<DateTime>,
    /// Counters.
    pub statistics: SessionStatistics,
    /// Its summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ObjectId>,
    /// Which writing of the summary is wanted; grows when an unsend or an edit makes one wrong.
    pub revision: i64,
    /// What the summarizer found, for lists and filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_analysis: Option<AiAnalysis>,
    /// `{platform: "line"}`.
    pub metadata: bson::Document,
    /// Who closed it by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<ObjectId>,
    /// The reply token of the event that closed it: the summary's free way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_token: Option<ReplyToken>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `session.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum SessionStatus {
    /// Takes messages.
    Active,
    /// Takes no more; its summary is wanted and not yet there.
    Summarizing,
    /// Done: summarized, or not to be summarized.
    Closed,
}

/// A free way to answer, once, within a minute of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyToken {
    /// The token.
    pub token: String,
    /// Not to be tried after this.
    pub expires_at: DateTime,
}

/// `session.statistics`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatistics {
    /// Messages, tombstones included.
    pub message_count: i64,
    /// Of those, pictures.
    pub image_count: i64,
    /// People who spoke.
    pub participant_count: i64,
    /// Milliseconds from the oldest to the newest message, set when it closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
}

/// `session.aiAnalysis`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiAnalysis {
    /// Tone.
    pub sentiment: Sentiment,
    /// How soon someone should look.
    pub urgency: Level,
    /// Category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Topics.
    pub topics: Vec<String>,
}

impl Entity for Session {
    const COLLECTION: &'static str = "sessions";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "roomId": 1, "sessionNumber": -1 }),
            // A room has one open session at most; the recorder's look-up, and the authority on it.
            Index::unique(doc! { "tenantId": 1, "roomId": 1 }).only(doc! { "status": "active" }),
            Index::on(doc! { "tenantId": 1, "startTime": -1 }),
            // For the sweeps, which look over all tenants of a database.
            Index::on(doc! { "closesAt": 1 }).only(doc! { "status": "active" }),
            Index::on(doc! { "updatedAt": 1 }).only(doc! { "status": "summarizing" }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("roomId", object_id())
            .required("channelId", string())
            .required("conversationId", string())
            .required("sessionNumber", number())
            .required("status", one_of::<SessionStatus>())
            .required("closesAt", date())
            .required("startTime", date())
            .required("revision", number())
            .required("createdAt", date())
    }
}
