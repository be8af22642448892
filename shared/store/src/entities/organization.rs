//! The tenant.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::placement::Placement;
use matome_domain::session::SessionTriggers;
use matome_domain::summary::SummaryStyle;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};

/// An organization; its id, in hexadecimal, is the tenant id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The id as text, as all documents of the tenant carry it.
    pub tenant_id: String,
    /// Who pays.
    pub owner_id: ObjectId,
    /// Name.
    pub name: String,
    /// `business`, `education`, `healthcare`, `retail` or `other`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Settings.
    pub settings: OrganizationSettings,
    /// Limits of the plan.
    pub limits: OrganizationLimits,
    /// IANA name; days and deadlines are counted in it.
    pub timezone: String,
    /// Where its data lives. The directory is a projection of it.
    #[serde(default)]
    pub placement: Placement,
    /// `active`, `inactive` or `suspended`.
    pub status: String,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `organization.settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationSettings {
    /// Summarize sessions when they close.
    pub auto_summarize: bool,
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
            session_triggers: SessionTriggers::default(),
            ai_settings: AiSettings::default(),
            delivery: Delivery::default(),
        }
    }
}

/// `organization.settings.aiSettings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
}

/// `organization.settings.delivery`: who is shown a summary in LINE.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Delivery {
    /// Where to.
    pub target: DeliveryTarget,
    /// LINE user ids for [`DeliveryTarget::Recipients`].
    pub recipients: Vec<String>,
}

/// See [`Delivery`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// `organization.limits`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationLimits {
    /// Rooms.
    pub max_rooms: i64,
    /// Members in one room.
    pub max_members_per_room: i64,
    /// Messages in a calendar month.
    pub max_messages_per_month: i64,
    /// Gigabytes stored.
    #[serde(rename = "maxStorageGB")]
    pub max_storage_gb: f64,
}

impl Entity for Organization {
    const COLLECTION: &'static str = "organizations";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1 }),
            Index::on(doc! { "ownerId": 1, "createdAt": -1 }),
            Index::on(doc! { "status": 1 }),
            // The few that a sweep visits one by one.
            Index::on(doc! { "placement": 1 }),
            Index::on(doc! { "name": "text" }),
        ]
    }
}
