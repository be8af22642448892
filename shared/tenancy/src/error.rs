//! Why a tenant could not be served.

use matome_domain::ids::{ChannelId, TenantId};
use matome_line::client::LineError;
use matome_runtime::config::ConfigError;
use matome_runtime::directory::DirectoryError;
use matome_runtime::keys::KeyError;
use matome_store::StoreError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// KMS or a sealed secret failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// MongoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The LINE client could not be set up.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The directory does not know the tenant.
    #[error("tenant {0} is not in the directory")]
    UnknownTenant(TenantId),
    /// The directory does not know the channel.
    #[error("channel {0} is not in the directory")]
    UnknownChannel(ChannelId),
    /// The channel belongs to somebody else.
    #[error("channel {channel} does not belong to tenant {tenant}")]
    NotTheirs {
        /// Channel.
        channel: ChannelId,
        /// Tenant.
        tenant: TenantId,
    },
    /// No setting names the cell.
    #[error("{SETTING}: cell {0:?} is not among them", SETTING = crate::cells::SETTING)]
    UnknownCell(String),
    /// The tenant is on its way to another placement, and has been for longer than is waited.
    #[error("tenant {0} is being moved")]
    Moving(TenantId),
    /// The tenant has no organization document.
    #[error("tenant {0} has no organization")]
    NoOrganization(TenantId),
}
