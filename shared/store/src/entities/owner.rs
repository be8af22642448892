//! Who pays.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};

/// An owner of organizations. `owner.organizations` and `owner.lineOfficialAccounts` of the seed are
/// `organizations.ownerId` and `channels.ownerId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Unique, lower case.
    pub email: String,
    /// Full name.
    pub name: String,
    /// Contact number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// `free`, `basic`, `pro` or `enterprise`.
    pub plan: String,
    /// Preferences.
    pub settings: OwnerSettings,
    /// Subscription.
    pub subscription: Subscription,
    /// Usage so far.
    pub usage: OwnerUsage,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `owner.settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnerSettings {
    /// BCP 47 tag.
    pub language: String,
    /// IANA name.
    pub timezone: String,
    /// Wants notifications.
    pub notifications: bool,
}

/// `owner.subscription`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// `active`, `inactive` or `suspended`.
    pub status: String,
    /// Begin.
    pub start_date: DateTime,
    /// End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<DateTime>,
    /// `monthly` or `yearly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_cycle: Option<String>,
}

/// `owner.usage`; `geminiTokensUsed` is `aiTokensUsed`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerUsage {
    /// Messages recorded.
    pub total_messages: i64,
    /// Sessions opened.
    pub total_sessions: i64,
    /// Summaries written.
    pub total_summaries: i64,
    /// Tokens spent.
    pub ai_tokens_used: i64,
    /// Megabytes stored.
    #[serde(rename = "storageUsedMB")]
    pub storage_used_mb: f64,
}

impl Entity for Owner {
    const COLLECTION: &'static str = "owners";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "email": 1 }),
            Index::on(doc! { "subscription.status": 1 }),
            Index::on(doc! { "createdAt": -1 }),
        ]
    }
}
