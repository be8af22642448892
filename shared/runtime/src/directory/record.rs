//! What the directory knows.

use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use serde::{Deserialize, Serialize};

use crate::keys::{Sealed, WrappedKey};

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Served.
    #[default]
    Active,
    /// Not served (unpaid, say); what its customers send is kept all the same.
    Suspended,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|s| s.name() == name)
    }
}

/// A channel, as far as the hot path needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRecord {
    /// LINE's channel id.
    pub channel_id: ChannelId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The bot's own user id: what `destination` of a webhook must say.
    pub bot_user_id: String,
    /// The channel secret, sealed for [`secret_field`].
    pub secret: Sealed,
    /// The tenant's data key (a copy of [`TenantRecord::key`]).
    pub key: WrappedKey,
    /// Where the tenant's data lives.
    pub placement: Placement,
    /// The cluster and queues that serve the tenant.
    pub cell: String,
    /// The tenant's status.
    pub status: Status,
    /// The tenant's own `inbound.fifo`, where it has one.
    pub inbound_queue_url: Option<String>,
    /// Grows with every write; an older one does not replace a newer one.
    pub version: u64,
}

/// A tenant, as far as consumers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRecord {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its data key.
    pub key: WrappedKey,
    /// Where its data lives.
    pub placement: Placement,
    /// The cluster and queues that serve it.
    pub cell: String,
    /// Whether it is served.
    pub status: Status,
    /// Grows with every write; an older one does not replace a newer one.
    pub version: u64,
}

/// The field name a channel's secret is sealed under: another channel's ciphertext does not open.
#[must_use]
pub fn secret_field(channel: &ChannelId) -> String {
    format!("channel/{channel}/secret")
}

pub(super) fn channel_key(id: &ChannelId) -> String {
    format!("CHANNEL#{id}")
}

pub(super) fn tenant_key(id: &TenantId) -> String {
    format!("TENANT#{id}")
}
