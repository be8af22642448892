//! Why a sweep stopped short. The next minute's sweep finds what this one left.

use matome_domain::fault::InjectedFault;
use matome_runtime::api_calls::ApiCallsError;
use matome_runtime::directory::DirectoryError;
use matome_runtime::queue::QueueError;
use matome_store::StoreError;
use matome_tenancy::TenancyError;
use matome_tenancy::operations::AskError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The places could not be listed.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// An operation could not be asked for.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Some places could not be swept; why is in the log.
    #[error("{failed} of {places} places could not be swept")]
    Incomplete {
        /// Places that failed.
        failed: usize,
        /// All of them.
        places: usize,
    },
    /// API calls could not be read.
    #[error(transparent)]
    ApiCalls(#[from] ApiCallsError),
    /// The usage of some tenants could not be measured; whose and why is in the log.
    #[error("the usage of {failed} of {due} tenants could not be measured")]
    Unmeasured {
        /// Tenants that failed.
        failed: usize,
        /// All that were due.
        due: usize,
    },
    /// A test made the scheduler die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}
