//! Summaries as the API has them.

use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::summary::{Level, Sentiment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{AiMetadata, Summary, SummaryAnalysis, SummaryContent, SummaryStatus};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Refusal, Sort, Update, example,
};
use crate::value::{Id, Time};

/// A summary as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// Session.
    pub session_id: Id,
    /// Room.
    pub room_id: Id,
    /// LINE channel id.
    pub channel_id: String,
    /// The session's revision that it is of.
    pub revision: i64,
    /// `system`, `manual` or `scheduled`.
    pub generated_by: String,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggered_by: Option<Id>,
    /// What was talked about.
    pub content: SummaryContent,
    /// What is made of it.
    pub analysis: SummaryAnalysis,
    /// Who said what.
    pub participants: Vec<SummaryParticipantView>,
    /// The messages that statements rest on.
    pub citations: Vec<CitationView>,
    /// How it was made.
    pub ai_metadata: AiMetadata,
    /// BCP 47 tag.
    pub language: String,
    /// `private`, `room` or `organization`.
    pub visibility: String,
    /// Files made of it.
    #[serde(default)]
    pub exports: Vec<SummaryExportView>,
    /// What somebody thought of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<FeedbackView>,
    /// State.
    pub status: SummaryStatus,
    /// Finished when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// When the day, week or month ended whose end closed its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<Time>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Deleted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// The account that deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
}

/// `summary.participants[]`, as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryParticipantView {
    /// User; absent for people whom LINE does not identify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// Messages.
    pub message_count: i64,
    /// Tone.
    pub sentiment: Sentiment,
    /// What they said.
    pub key_points: Vec<String>,
}

/// `summary.citations[]`, as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CitationView {
    /// The field of `content` or `analysis`, or `keyPoints` of a participant.
    pub field: String,
    /// Which of the participants, for `keyPoints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<i64>,
    /// Which of its statements.
    pub index: i64,
    /// Messages.
    pub message_ids: Vec<Id>,
}

/// `summary.exports[]`, as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryExportView {
    /// Format.
    pub format: String,
    /// When.
    pub exported_at: Time,
    /// By whom.
    pub exported_by: Id,
}

/// `summary.feedback`, as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackView {
    /// 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<i32>,
    /// Words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_by: Option<Id>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_at: Option<Time>,
}

/// `summary.visibility`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Who asked for it, and who sees private rooms.
    Private,
    /// Who sees the room.
    Room,
    /// All staff.
    Organization,
}

/// What can be changed of a summary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SummaryPatch {
    /// Who of staff sees it.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub visibility: Kept<Visibility>,
}

impl Changes<Summary> for SummaryPatch {
    fn update(&self, _: &Summary) -> Result<Update, Refusal> {
        Ok(Update::new().kept("visibility", &self.visibility))
    }
}

impl Exposed for Summary {
    const NAME: &'static str = "summary";
    const RESOURCE: Resource = Resource::Summaries;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    const ROOM: Option<&'static str> = Some("roomId");
    type View = SummaryView;
    /// The summarizer writes them, when it is asked to.
    type Create = NotCreatable;
    type Patch = SummaryPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::id("roomId", "Room."),
            Filter::id("sessionId", "Session.").few(),
            Filter::one_of::<SummaryStatus>("status", "State.").always(),
            Filter::among("visibility", &["private", "room", "organization"], "Who of staff sees it."),
            Filter::text("language", "BCP 47 tag."),
            Filter::one_of::<Sentiment>("sentiment", "Tone.").at("analysis.sentiment"),
            Filter::one_of::<Level>("urgency", "Urgency.").at("analysis.urgency"),
            Filter::time("createdAt", "When it was made."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718298", "version": 1, "sessionId": "671f0a2b9d3c4e5f60718297",
                "roomId": "671f0a2b9d3c4e5f60718293", "channelId": "1650000001", "revision": 0,
                "generatedBy": "system",
                "content": { "brief": "A table for four is booked.", "bulletPoints": ["Friday, 19:00"] },
                "analysis": { "keyTopics": ["booking"], "sentiment": "positive", "urgency": "low" },
                "participants": [{
                    "userId": "671f0a2b9d3c4e5f60718294", "messageCount": 41, "sentiment": "positive",
                    "keyPoints": ["Wants a quiet table"],
                }],
                "citations": [{
                    "field": "bulletPoints", "index": 0, "messageIds": ["671f0a2b9d3c4e5f60718299"],
                }, {
                    "field": "keyPoints", "participant": 0, "index": 0,
                    "messageIds": ["671f0a2b9d3c4e5f60718299"],
                }],
                "aiMetadata": {
                    "provider": "builtin", "model": "builtin", "tokensUsed": 0, "inputTokens": 0,
                    "outputTokens": 0, "processingTime": 12, "requests": 0,
                },
                "language": "en", "visibility": "room", "status": "completed",
                "createdAt": "2026-11-20T09:31:00.000Z", "updatedAt": "2026-11-20T09:31:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({ "visibility": "organization" }))),
        }
    }
}
