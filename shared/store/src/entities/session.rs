//! A bounded stretch of a room's talk.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::access::Resource;
use matome_domain::queue::CloseTrigger;
use matome_domain::summary::{Level, Sentiment, SummaryStyle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entities::StoredQuarterHour;
use crate::entity::{Entity, Index};
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::shape::{Shape, date, number, object_id, one_of, string};
use crate::value::{Id, Time};

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
    /// How staff want it summarized, once they asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_wish: Option<SummaryWish>,
    /// What the summarizer found, for lists and filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_analysis: Option<AiAnalysis>,
    /// When what was said in it, for analytics. Written with the summary; absent while messages still come, and
    /// then counted from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<Vec<StoredQuarterHour>>,
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
    /// Version for optimistic locking: how often somebody edited it. What is counted and observed leaves it
    /// alone.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `session.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionStatus {
    /// Takes messages.
    Active,
    /// Takes no more; what it comes to is not yet written: its activity, and a summary where one is wanted.
    Summarizing,
    /// Done: summarized, or not to be summarized.
    Closed,
}

/// How a summary is to be written, over the settings of room and organization. Stays with the session, so that
/// a summary in Thai is not written in English when a message is unsent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SummaryWish {
    /// BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<SummaryStyle>,
    /// The account or key that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ObjectId>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
            // Lists: of the tenant, and of one of its rooms. Written once for each session.
            Index::on(doc! { "tenantId": 1, "startTime": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "roomId": 1, "startTime": -1, "_id": -1 }),
            // Analytics: which talk falls into a stretch of days. One without activity is found by null.
            Index::on(doc! { "tenantId": 1, "activity.from": 1 }),
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

/// A session as the API shows it. Its reply token is nobody's business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// Room.
    pub room_id: Id,
    /// LINE channel id.
    pub channel_id: String,
    /// LINE's user, group or room id.
    pub conversation_id: String,
    /// 1, 2, 3 … in its room.
    pub session_number: i64,
    /// Users who said something.
    pub participants: Vec<Id>,
    /// State.
    pub status: SessionStatus,
    /// Why it closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<CloseTrigger>,
    /// Opened when.
    pub opened_at: Time,
    /// Closes at the latest when.
    pub closes_at: Time,
    /// When its first message was sent.
    pub start_time: Time,
    /// When its last message was sent.
    pub last_message_at: Time,
    /// `lastMessageAt`, once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Counters.
    pub statistics: SessionStatistics,
    /// Its summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Id>,
    /// How often it was changed since it closed.
    pub revision: i64,
    /// What the summary says of the talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_analysis: Option<AiAnalysis>,
    /// Who closed it by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

impl Exposed for Session {
    const NAME: &'static str = "session";
    const RESOURCE: Resource = Resource::Sessions;
    const DELETE: DeletePolicy = DeletePolicy::Never;
    const ROOM: Option<&'static str> = Some("roomId");
    type View = SessionView;
    /// By talking, or by hand in its room.
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::id("roomId", "Room."),
            Filter::one_of::<SessionStatus>("status", "State."),
            Filter::one_of::<CloseTrigger>("trigger", "Why it closed."),
            Filter::id("participant", "A user who said something.").at("participants"),
            Filter::time("startTime", "When its first message was sent."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("startTime")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718297", "version": 2, "roomId": "671f0a2b9d3c4e5f60718293",
                "channelId": "1650000001", "conversationId": "C4af4980629", "sessionNumber": 12,
                "participants": ["671f0a2b9d3c4e5f60718294"], "status": "closed", "trigger": "message_count",
                "openedAt": "2026-11-20T09:00:00.000Z", "closesAt": "2026-11-21T09:00:00.000Z",
                "startTime": "2026-11-20T09:00:00.000Z", "lastMessageAt": "2026-11-20T09:30:00.000Z",
                "endTime": "2026-11-20T09:30:00.000Z",
                "statistics": { "messageCount": 50, "imageCount": 2, "participantCount": 1, "duration": 1_800_000 },
                "summary": "671f0a2b9d3c4e5f60718298", "revision": 0,
                "createdAt": "2026-11-20T09:00:00.000Z", "updatedAt": "2026-11-20T09:31:00.000Z",
            })),
            create: None,
            patch: None,
        }
    }
}
