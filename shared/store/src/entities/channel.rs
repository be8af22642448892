//! One connection to a messaging platform.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};

/// The seed's `LineOfficialAccount`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Who pays.
    pub owner_id: ObjectId,
    /// Platform.
    pub kind: ChannelKind,
    /// LINE's channel id, unique.
    pub channel_id: String,
    /// The bot's own user id, LINE's `destination`.
    pub bot_user_id: String,
    /// Sealed by the tenant's data key; never plain.
    pub channel_secret: String,
    /// Display name.
    pub name: String,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The webhook endpoint set at LINE.
    pub webhook_url: String,
    /// LINE's own test of it succeeded.
    pub webhook_verified: bool,
    /// What it is used for.
    pub features: ChannelFeatures,
    /// Counters.
    pub statistics: ChannelStatistics,
    /// State.
    pub status: ChannelStatus,
    /// When the webhook was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<DateTime>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// The platform of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// LINE Messaging API.
    Line,
}

/// `channel.features`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelFeatures {
    /// Sends and receives messages.
    pub messaging: bool,
    /// Has a rich menu.
    pub rich_menu: bool,
    /// Broadcasts.
    pub broadcast: bool,
}

/// `channel.statistics`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelStatistics {
    /// People seen.
    pub total_users: i64,
    /// Of those, active.
    pub active_users: i64,
    /// Messages in.
    pub messages_received: i64,
    /// Messages out.
    pub messages_sent: i64,
}

/// `channel.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelStatus {
    /// In use.
    Active,
    /// Switched off.
    Inactive,
    /// The webhook has not been verified.
    PendingVerification,
}

impl Entity for Channel {
    const COLLECTION: &'static str = "channels";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "channelId": 1 }),
            Index::on(doc! { "ownerId": 1 }),
            Index::on(doc! { "tenantId": 1 }),
        ]
    }
}
