//! Why a step was not done, and whether trying again can help.

use matome_domain::fault::InjectedFault;
use matome_domain::ids::InvalidId;
use matome_line::client::LineError;
use matome_runtime::blobs::BlobError;
use matome_runtime::directory::DirectoryError;
use matome_runtime::keys::KeyError;
use matome_runtime::queue::QueueError;
use matome_store::StoreError;
use matome_store::relocate::RelocateError;
use matome_tenancy::TenancyError;

/// See the module. Its text is kept in the operation and shown to operators: no secrets.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The tenant, its cell or its channel.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// KMS or a sealed secret failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// LINE failed or refused.
    #[error(transparent)]
    Line(#[from] LineError),
    /// S3 failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The tenant's documents could not be moved.
    #[error(transparent)]
    Relocate(#[from] RelocateError),
    /// CloudFormation failed.
    #[error(transparent)]
    Stack(#[from] matome_stacks::Error),
    /// An id is none.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// What was asked for cannot be done; asking again will not help.
    #[error("{field}: {reason}")]
    Refused {
        /// The field of the input.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that should be there by now is not; it may come.
    #[error("{0}")]
    NotYet(String),
    /// The step took its process with it each time it was begun (time-out, memory).
    #[error("the provisioner died at this step {attempts} times")]
    Died {
        /// How often.
        attempts: i64,
    },
    /// Another provisioner went on with the operation meanwhile.
    #[error("another provisioner has the operation")]
    Overtaken,
    /// A test made the provisioner die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}

impl ProvisionError {
    /// Whether another try cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Id(_) => true,
            Self::Tenancy(TenancyError::UnknownCell(_) | TenancyError::NotTheirs { .. }) => true,
            // Trying again finds the same; where nothing was flipped yet, the move is taken back.
            Self::Relocate(
                RelocateError::SamePlace
                | RelocateError::OtherTenant
                | RelocateError::Refused(_)
                | RelocateError::Unsound { .. }
                | RelocateError::Differs { .. }
                | RelocateError::Unmigrated { .. }
                | RelocateError::SourceGone,
            ) => true,
            // A wrong secret, or a channel that was deleted at LINE.
            Self::Line(LineError::Unauthorized | LineError::Forbidden) => true,
            _ => false,
        }
    }

    /// Whether the invocation itself has to end: what is recorded may not be what happened.
    #[must_use]
    pub fn ends_invocation(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::Overtaken)
    }
}
