//! Why a summary could not be stored. (That it could not be *written* does not happen: the built-in
//! summarizer stands in.)

use matome_ai::ConfigError as AiConfigError;
use matome_domain::fault::InjectedFault;
use matome_runtime::blobs::BlobError;
use matome_runtime::queue::QueueError;
use matome_runtime::scoped::AccessError;
use matome_store::StoreError;
use matome_tenancy::{Fenced, TenancyError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum SummarizeError {
    /// The tenant cannot be served.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// S3 failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// S3 could not be asked as the tenant.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// An AI setting is wrong.
    #[error(transparent)]
    Ai(#[from] AiConfigError),
    /// An id in a queue message is none.
    #[error("sessionId: is not a document id")]
    BadId,
    /// A test made the summarizer die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}

impl Fenced for SummarizeError {
    fn is_fenced(&self) -> bool {
        match self {
            Self::Store(error) => error.is_fenced(),
            Self::Tenancy(error) => error.is_fenced(),
            _ => false,
        }
    }
}
