//! A session's summary as every part sees it: written by `ai`, stored by `store`, shown by `line`.
//! Field names are those of the seed's Summary; `decisions`, `open_questions` and the `sources`
//! of each statement are Matome's additions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// What a summarizer was asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryRequest {
    /// BCP 47 tag of the language to write in; `None` = the language of the talk.
    pub language: Option<String>,
    /// How to weigh the parts.
    #[serde(default)]
    pub style: SummaryStyle,
    /// Randomness of a provider's answer, 0 to 2; `None` = the provider's default.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Tokens that one answer of a provider may take, thinking included; `None` = the usual number.
    #[serde(default)]
    pub max_tokens: Option<u32>,
}

/// `summaryStyle` of the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SummaryStyle {
    /// One or two sentences above all.
    Brief,
    /// A full account.
    #[default]
    Detailed,
    /// Key points above all.
    BulletPoints,
}

/// A statement and the messages it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// The statement.
    pub text: String,
    /// Ids of the turns it rests on; each exists in the dialogue, never empty.
    pub sources: Vec<String>,
}

/// `content` and `analysis` of the seed's Summary, and who says what.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryDraft {
    /// BCP 47 tag of the language it is written in.
    pub language: String,
    /// One or two sentences.
    pub brief: String,
    /// The messages `brief` rests on.
    pub brief_sources: Vec<String>,
    /// A full account, one statement a sentence.
    pub detailed: Vec<Statement>,
    /// Key points.
    pub bullet_points: Vec<Statement>,
    /// Things someone is to do.
    pub action_items: Vec<ActionItem>,
    /// What was decided.
    pub decisions: Vec<Statement>,
    /// What was asked and not answered.
    pub open_questions: Vec<Statement>,
    /// What the talk is about, most important first.
    pub key_topics: Vec<String>,
    /// Tone of the whole.
    pub sentiment: Sentiment,
    /// Emotions that show, such as `gratitude`.
    pub emotions: Vec<String>,
    /// How soon someone should look.
    pub urgency: Level,
    /// One of [`CATEGORIES`], or `None`.
    pub category: Option<String>,
    /// Short labels for search.
    pub tags: Vec<String>,
    /// What pictures show, where the summarizer could see them.
    pub image_insights: Vec<Statement>,
    /// One entry for each person who spoke, in order of first appearance.
    pub participants: Vec<ParticipantPoints>,
}

/// Categories a summarizer may choose from.
pub const CATEGORIES: [&str; 8] =
    ["inquiry", "order", "complaint", "support", "scheduling", "payment", "coordination", "smalltalk"];

/// Something someone is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionItem {
    /// What is to be done.
    pub item: String,
    /// By whom, only when it was said.
    pub assigned_to: Option<String>,
    /// How pressing it is.
    pub priority: Level,
    /// Until when, only when it was said: a calendar date `YYYY-MM-DD` as the people in the talk
    /// count days. (The seed has a Date; "by Friday" names a day, not an instant.)
    pub deadline: Option<String>,
    /// Ids of the turns it rests on; never empty.
    pub sources: Vec<String>,
}

/// What one person contributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantPoints {
    /// [`crate::dialogue::Speaker::id`].
    pub speaker_id: String,
    /// Turns by this person.
    pub message_count: u32,
    /// Tone of this person.
    pub sentiment: Sentiment,
    /// What this person said that matters.
    pub key_points: Vec<Statement>,
}

/// Tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum Sentiment {
    /// Pleased.
    Positive,
    /// Neither.
    #[default]
    Neutral,
    /// Displeased.
    Negative,
}

/// `low`, `medium`, `high`: priority and urgency.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Can wait.
    #[default]
    Low,
    /// Soon.
    Medium,
    /// Now.
    High,
}

/// Who wrote a summary, at what cost, and why that one (`geminiMetadata` of the seed).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// `builtin`, or the provider's name such as `gemini`.
    pub provider: String,
    /// The model's name; `extractive-1` for the built-in one.
    pub model: String,
    /// Why the built-in one wrote it, when it did; a code, never a provider's message text.
    pub fallback_reason: Option<FallbackReason>,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
    /// Wall time in milliseconds.
    pub processing_time_ms: u64,
    /// US dollars, when the model's price is known.
    pub cost: Option<f64>,
    /// Requests made to the provider, retries included.
    pub requests: u32,
}

impl Provenance {
    /// `tokensUsed` of the seed.
    #[must_use]
    pub fn tokens_used(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

/// Why the built-in summarizer stood in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FallbackReason {
    /// No provider key is configured: the built-in one is the default.
    NoProvider,
    /// The organization's monthly token limit is used up.
    TokenLimit,
    /// The organization recorded more messages than it may in this month.
    MessageLimit,
    /// The organization's plan has no summaries by a provider.
    NotInPlan,
    /// The provider did not answer in time.
    Timeout,
    /// 429 to the last retry.
    RateLimited,
    /// 5xx or no connection to the last retry.
    Unavailable,
    /// The provider refused the content.
    Refused,
    /// The answer was not the structure asked for, even after a repair attempt.
    Malformed,
    /// Key, model or request refused (4xx): an operator must look.
    Misconfigured,
}

impl FallbackReason {
    /// As it is written, and as metrics are labelled.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
