//! Why a run of migrations ended.

use matome_domain::fault::InjectedFault;

use crate::error::StoreError;

/// A run that did not get through. What it did is recorded; the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Another run is under way.
    #[error("another run of migrations holds the lock: {owner}, until {until} unless it renews it")]
    Locked {
        /// Who.
        owner: String,
        /// When the lock can be taken, by the server's clock.
        until: String,
    },
    /// The lock expired, and somebody else took it.
    #[error("the lock was lost to another run; this one stopped")]
    LockLost,
    /// A tenant is being moved.
    #[error("{tenants} tenants are being moved (the first: {first}); wait until their operations are done")]
    Moving {
        /// How many.
        tenants: usize,
        /// One of them.
        first: String,
    },
    /// There is no such version.
    #[error("--to {0}: there is no such migration")]
    UnknownVersion(u32),
    /// Newer code was here.
    #[error("{place} has migration {version}, which this version of the code does not know")]
    Newer {
        /// Where.
        place: String,
        /// Which.
        version: u32,
    },
    /// A migration has no way back.
    #[error("migration {version} cannot be undone: {why}")]
    NoWayBack {
        /// Which.
        version: u32,
        /// Why.
        why: &'static str,
    },
    /// A tenant lives in a cell that was not named.
    #[error("tenant {tenant} lives in cell {cell}, which the settings do not name")]
    UnknownCell {
        /// Tenant.
        tenant: String,
        /// Cell.
        cell: String,
    },
    /// A change failed.
    #[error("{place}, migration {version}: {source}")]
    Failed {
        /// Where.
        place: String,
        /// Which.
        version: u32,
        /// Why.
        source: StoreError,
    },
    /// What entities declare and the place lacks could not be made.
    #[error("{place}, declared collections, validators and indexes: {source}")]
    NotMade {
        /// Where.
        place: String,
        /// Why.
        source: StoreError,
    },
    /// The database failed otherwise.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A test made the run die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}

impl From<mongodb::error::Error> for MigrationError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}
