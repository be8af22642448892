//! What a session came to.

mod view;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::summary::{FallbackReason, Level, Sentiment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, number, object, object_id, one_of, string};

pub use view::{
    CitationView, FeedbackView, SummaryExportView, SummaryParticipantView, SummaryPatch, SummaryView,
    Visibility,
};

/// `_id` is derived from the session: a session has one summary, written anew in place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Session.
    pub session_id: ObjectId,
    /// Room.
    pub room_id: ObjectId,
    /// LINE channel id.
    pub channel_id: String,
    /// [`crate::entities::Session::revision`] this writing answers.
    pub revision: i64,
    /// `system`, `manual` or `scheduled`.
    pub generated_by: String,
    /// Who asked, if by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggered_by: Option<ObjectId>,
    /// The words.
    pub content: SummaryContent,
    /// What they show.
    pub analysis: SummaryAnalysis,
    /// Who said what.
    pub participants: Vec<SummaryParticipant>,
    /// For each statement, the messages it rests on; each exists in the session.
    pub citations: Vec<Citation>,
    /// Who wrote it, at what cost (the seed's `geminiMetadata`).
    pub ai_metadata: AiMetadata,
    /// BCP 47 tag.
    pub language: String,
    /// `private`, `room` or `organization`.
    pub visibility: String,
    /// Files made of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<SummaryExport>,
    /// What readers think of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// The words it is found by: see [`Summary::renew_search`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// State.
    pub status: SummaryStatus,
    /// When the day, week or month ended whose end closed its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<DateTime>,
    /// Written when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime>,
    /// Deleted by staff when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime>,
    /// The account that did; absent when a machine did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<ObjectId>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking: how often somebody edited it. What is counted and observed leaves it
    /// alone.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// Where a summary is of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryOrigin {
    /// The summary.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Its room.
    pub room_id: ObjectId,
    /// Its LINE channel.
    pub channel_id: String,
}

/// `summary.content`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SummaryContent {
    /// One or two sentences.
    pub brief: String,
    /// A full account.
    pub detailed: String,
    /// Key points.
    pub bullet_points: Vec<String>,
    /// Things someone is to do.
    pub action_items: Vec<StoredActionItem>,
    /// What was decided.
    pub decisions: Vec<String>,
    /// Asked and not answered.
    pub open_questions: Vec<String>,
}

/// `summary.content.actionItems[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredActionItem {
    /// What.
    pub item: String,
    /// By whom, only when it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// How pressing.
    pub priority: Level,
    /// Until which day, only when it was said: `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

/// `summary.analysis`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SummaryAnalysis {
    /// Topics, most important first.
    pub key_topics: Vec<String>,
    /// Tone.
    pub sentiment: Sentiment,
    /// Emotions.
    pub emotions: Vec<String>,
    /// How soon someone should look.
    pub urgency: Level,
    /// Category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// What pictures show.
    pub image_insights: Vec<String>,
}

/// `summary.participants[]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryParticipant {
    /// User; absent for people LINE does not identify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<ObjectId>,
    /// Messages.
    pub message_count: i64,
    /// Tone.
    pub sentiment: Sentiment,
    /// What the person said that matters.
    pub key_points: Vec<String>,
}

/// The messages a statement rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Citation {
    /// Field of `content` or `analysis`: `brief`, `detailed`, `bulletPoints`, `actionItems`, …; or
    /// `keyPoints` of a participant.
    pub field: String,
    /// Position in `participants`, for `keyPoints` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<i64>,
    /// Position in the field's list; the sentence for `detailed`; 0 for `brief`.
    pub index: i64,
    /// The messages.
    pub message_ids: Vec<ObjectId>,
}

/// `summary.aiMetadata`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AiMetadata {
    /// `builtin` or the provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Why the built-in one wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<FallbackReason>,
    /// All tokens.
    pub tokens_used: i64,
    /// Tokens sent.
    pub input_tokens: i64,
    /// Tokens received.
    pub output_tokens: i64,
    /// Milliseconds.
    pub processing_time: i64,
    /// US dollars, when the price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Requests made, retries included.
    pub requests: i64,
}

/// `summary.exports[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryExport {
    /// `pdf`, `json`, `csv` or `docx`.
    pub format: String,
    /// When.
    pub exported_at: DateTime,
    /// By which account.
    pub exported_by: ObjectId,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// `summary.feedback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    /// 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<i32>,
    /// Words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_by: Option<ObjectId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_at: Option<DateTime>,
}

/// `summary.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummaryStatus {
    /// Not to be shown yet.
    Draft,
    /// Being written.
    Processing,
    /// Written.
    Completed,
    /// Could not be written.
    Failed,
}

impl Summary {
    /// Takes everything out that tells of the talk: nothing of it is left to be told.
    pub fn clear(&mut self, now: DateTime) {
        self.content = SummaryContent::default();
        self.analysis = SummaryAnalysis::default();
        self.participants.iter_mut().for_each(|participant| participant.key_points.clear());
        self.citations.clear();
        self.search.clear();
        self.status = SummaryStatus::Draft;
        self.updated_at = now;
        self.version += 1;
    }
}

impl Entity for Summary {
    const COLLECTION: &'static str = "summaries";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "sessionId": 1 }),
            Index::on(doc! { "tenantId": 1, "roomId": 1, "createdAt": -1, "_id": -1 }),
            // With a status or (all of them asked for) without.
            Index::on(doc! { "tenantId": 1, "status": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "search": 1, "createdAt": -1 })
                .only(doc! { "search": { "$exists": true } }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("sessionId", object_id())
            .required("roomId", object_id())
            .required("channelId", string())
            .required("revision", number())
            .required("content", object())
            .required("status", one_of::<SummaryStatus>())
            .required("createdAt", date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_stored_before_key_points_were_cited_is_still_read() {
        let id = ObjectId::from_bytes([1; 12]);
        let before = doc! { "field": "brief", "index": 0_i64, "messageIds": [id] };
        let read: Citation = bson::deserialize_from_document(before.clone()).unwrap();
        assert_eq!(read.participant, None);
        assert_eq!(crate::collection::encode(&read).unwrap(), before, "and written as before");
    }
}
