//! What the directory knows.

use matome_domain::clock::Timestamp;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, Sealed, WrappedKey};

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

/// Where a tenant stands between two placements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relocation {
    /// It lives where the record says, and nobody is moving it.
    #[default]
    Settled,
    /// It is being copied. It still lives where the record says, but not for long: the record is
    /// believed for [`super::KEEP_MOVING`] only.
    Moving,
    /// Its last changes are on their way to the new place: whoever wants to work for it waits.
    Fenced,
}

impl Relocation {
    pub(super) const ALL: [Self; 3] = [Self::Settled, Self::Moving, Self::Fenced];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Moving => "moving",
            Self::Fenced => "fenced",
        }
    }
}

/// A channel secret that was replaced: LINE may still deliver what was signed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Sealed under the channel record's key, for [`secret_field`].
    pub secret: Sealed,
    /// Not accepted from then on.
    pub until: Timestamp,
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
    /// The secret before, where it was replaced lately.
    pub previous_secret: Option<PreviousSecret>,
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
    /// Its data key: what is sealed from now on is sealed under it.
    pub key: WrappedKey,
    /// The data key before, until nothing is sealed under it any more.
    pub previous_key: Option<WrappedKey>,
    /// Where its data lives.
    pub placement: Placement,
    /// The cluster and queues that serve it.
    pub cell: String,
    /// Whether it is served.
    pub status: Status,
    /// Whether it is being moved.
    pub relocation: Relocation,
    /// `inbound.fifo` of its own stack, where it has one: its other queues are called alike
    /// ([`crate::queue::own_queue_url`]).
    pub inbound_queue_url: Option<String>,
    /// The bucket of its own stack, where it has one: its media are there.
    pub bucket: Option<String>,
    /// Grows with every write; an older one does not replace a newer one.
    pub version: u64,
}

impl TenantRecord {
    /// The key that a sealed text names: the current one, or the one before while it is being replaced.
    ///
    /// # Errors
    /// [`KeyError::OtherVersion`] when it is neither; [`KeyError::Format`].
    pub fn key_of(&self, sealed: &Sealed) -> Result<&WrappedKey, KeyError> {
        let version = sealed.key_version()?;
        let key = std::iter::once(&self.key).chain(&self.previous_key).find(|k| k.key_version == version);
        key.ok_or(KeyError::OtherVersion { sealed: version, held: self.key.key_version })
    }
}

/// The field name a channel's secret is sealed under: another channel's ciphertext does not open.
#[must_use]
pub fn secret_field(channel: &ChannelId) -> String {
    format!("channel/{channel}/secret")
}

/// The field name a channel's long-lived access token is sealed under, where it has one.
#[must_use]
pub fn access_token_field(channel: &ChannelId) -> String {
    format!("channel/{channel}/access-token")
}

pub(super) fn channel_key(id: &ChannelId) -> String {
    format!("CHANNEL#{id}")
}

pub(super) fn tenant_key(id: &TenantId) -> String {
    format!("TENANT#{id}")
}
