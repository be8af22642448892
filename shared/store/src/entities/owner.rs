//! Who pays.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::plan::{BillingCycle, OwnerLimits};
use matome_domain::tier::Tier;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date, string};

/// An owner of organizations (the seeds' Owner, `shared_tenants.organizations` and `saas_clients`).
/// `owner.organizations` and `owner.lineOfficialAccounts` are `organizations.ownerId` and
/// `channels.ownerId`. Data region and audit retention are each organization's own.
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
    /// Short name for URLs, unique (the seed's `org_slug`). Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Contact number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// What is paid for: the tier that new organizations get.
    #[serde(default)]
    pub plan: Tier,
    /// Limits over all its organizations; a copy of the plan's, written when the plan is chosen.
    #[serde(default)]
    pub limits: OwnerLimits,
    /// Preferences.
    #[serde(default)]
    pub settings: OwnerSettings,
    /// Subscription.
    pub subscription: Subscription,
    /// Usage so far; sums over its organizations. Written by the scheduler.
    #[serde(default)]
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
#[serde(default)]
pub struct OwnerSettings {
    /// BCP 47 tag.
    pub language: String,
    /// IANA name.
    pub timezone: String,
    /// Wants notifications.
    pub notifications: bool,
}

impl Default for OwnerSettings {
    /// The seed's.
    fn default() -> Self {
        Self { language: "en".to_owned(), timezone: "UTC".to_owned(), notifications: true }
    }
}

/// `owner.subscription`. Written by whoever takes the money, later a billing integration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// State.
    #[serde(default)]
    pub status: SubscriptionStatus,
    /// Begin.
    pub start_date: DateTime,
    /// End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<DateTime>,
    /// How often it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_cycle: Option<BillingCycle>,
}

/// `owner.subscription.status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubscriptionStatus {
    /// Nothing is owed yet.
    Trial,
    /// Paid.
    #[default]
    Active,
    /// Not in use.
    Inactive,
    /// Unpaid.
    Suspended,
    /// Ends, or has ended, at `endDate`.
    Cancelled,
}

/// `owner.usage`; `geminiTokensUsed` is `aiTokensUsed`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
            Index::unique(doc! { "slug": 1 }).only(doc! { "slug": { "$exists": true } }),
            Index::on(doc! { "subscription.status": 1 }),
            Index::on(doc! { "createdAt": -1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("email", string())
            .required("name", string())
            .required("plan", string())
            .required("createdAt", date())
    }
}
