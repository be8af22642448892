//! How an organization wants to be served.

use bson::oid::ObjectId;
use matome_domain::session::{SessionTriggers, SummarySchedule};
use matome_domain::summary::SummaryStyle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::default_language;

/// `organization.settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationSettings {
    /// Summarize sessions when they close.
    pub auto_summarize: bool,
    /// Close sessions, and so have them summarized, when the day, the week or the month ends in
    /// `organization.timezone`, too; the time limit still holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_schedule: Option<SummarySchedule>,
    /// When sessions close.
    pub session_triggers: SessionTriggers,
    /// How summaries are written.
    pub ai_settings: AiSettings,
    /// Where summaries go.
    pub delivery: Delivery,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            auto_summarize: true,
            summary_schedule: None,
            session_triggers: SessionTriggers::default(),
            ai_settings: AiSettings::default(),
            delivery: Delivery::default(),
        }
    }
}

/// `organization.settings.aiSettings` (the seeds' `aiSettings` and `ai_config`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AiSettings {
    /// Model name; the deployment's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// BCP 47 tag; the language of the talk when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_language: Option<String>,
    /// Style.
    pub summary_style: SummaryStyle,
    /// Tokens an organization may spend in a calendar month (UTC); unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_token_limit: Option<i64>,
    /// Randomness of a provider's answers, 0 to 2; the provider's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Tokens that one answer of a provider may take, thinking included; 8,000 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How answers to customers sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personality: Option<Personality>,
    /// When a human takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
}

/// `organization.settings.aiSettings.personality`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Personality {
    /// Such as `friendly`.
    pub tone: String,
    /// Such as `professional`.
    pub style: String,
    /// BCP 47 tag.
    pub language_preference: String,
}

impl Default for Personality {
    /// The seed's.
    fn default() -> Self {
        Self {
            tone: "friendly".to_owned(),
            style: "professional".to_owned(),
            language_preference: default_language(),
        }
    }
}

/// `organization.settings.aiSettings.escalation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Escalation {
    /// An answer less sure than this, 0 to 1, is not given.
    pub confidence_threshold: f64,
    /// Answers that did not help before a human is asked.
    pub max_attempts: u32,
    /// Ask a human without being told to.
    pub auto_escalate: bool,
}

impl Default for Escalation {
    /// The seed's.
    fn default() -> Self {
        Self { confidence_threshold: 0.3, max_attempts: 3, auto_escalate: true }
    }
}

/// `organization.settings.delivery`: who is shown a summary in LINE.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Delivery {
    /// Where to.
    pub target: DeliveryTarget,
    /// LINE user ids for [`DeliveryTarget::Recipients`].
    pub recipients: Vec<String>,
}

impl Delivery {
    /// Whether a summary of the room `of` is for whoever speaks in the room `here`, the conversation
    /// `conversation_id` of the same channel. Anyone can make a client send any summary's id: it is for its own
    /// room, and for those that summaries are delivered to.
    #[must_use]
    pub fn is_for(&self, of: ObjectId, here: Option<ObjectId>, conversation_id: &str) -> bool {
        let delivered = self.target == DeliveryTarget::Recipients;
        here == Some(of) || delivered && self.recipients.iter().any(|id| id == conversation_id)
    }
}

/// See [`Delivery`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryTarget {
    /// The chat that was summarized.
    #[default]
    Room,
    /// The recipients, each by push.
    Recipients,
    /// Nobody.
    None,
}
