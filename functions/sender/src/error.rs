//! Why an entry could not be brought to an end now. It stays queued, and its job goes back.

use matome_domain::fault::InjectedFault;
use matome_line::client::LineError;
use matome_store::StoreError;
use matome_tenancy::{Fenced, TenancyError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The tenant cannot be served.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// LINE was asked for something and failed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// LINE was asked to send and may do it later; the code says why.
    #[error("not sent yet: {0}")]
    Later(String),
    /// Somebody else worked on the entry at the same time.
    #[error("another sender has the entry")]
    Overtaken,
    /// An id in a queue message is none.
    #[error("outboxId: is not a document id")]
    BadId,
    /// What was stored to be pushed does not parse.
    #[error("pushBody: is not a list of messages")]
    PushBody(#[source] serde_json::Error),
    /// A stored retry key is no UUID.
    #[error("retryKey: is not a UUID")]
    RetryKey(#[from] uuid::Error),
    /// A test made the sender die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}

impl Fenced for SendError {
    fn is_fenced(&self) -> bool {
        match self {
            Self::Store(error) => error.is_fenced(),
            Self::Tenancy(error) => error.is_fenced(),
            _ => false,
        }
    }
}
