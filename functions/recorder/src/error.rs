//! Why a message could not be recorded, and whether trying again can help.

use matome_domain::fault::InjectedFault;
use matome_line::client::LineError;
use matome_runtime::blobs::BlobError;
use matome_runtime::queue::QueueError;
use matome_runtime::scoped::AccessError;
use matome_store::StoreError;
use matome_tenancy::{Fenced, TenancyError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
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
    /// LINE failed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A media job came to a function without a bucket.
    #[error("{} is not set", matome_runtime::blobs::Blobs::SETTING)]
    NoBucket,
    /// An id in a queue message is none.
    #[error("messageId: is not a document id")]
    BadId,
    /// A test made the recorder die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}

impl RecordError {
    /// Whether the fault may lie in one message rather than in what all messages need: then its
    /// neighbours are worth trying without it.
    #[must_use]
    pub fn may_be_poison(&self) -> bool {
        match self {
            Self::Tenancy(
                TenancyError::UnknownTenant(_)
                | TenancyError::NoOrganization(_)
                | TenancyError::UnknownChannel(_)
                | TenancyError::NotTheirs { .. },
            )
            | Self::BadId
            | Self::Store(
                StoreError::Refused { .. }
                | StoreError::Encode(_)
                | StoreError::Decode { .. }
                | StoreError::BeyondTenant { .. },
            ) => true,
            Self::Store(e) => e.is_command_refused(),
            _ => false,
        }
    }

    /// Whether it does lie in the message: that one fails again whenever it comes.
    #[must_use]
    pub fn is_poison(&self) -> bool {
        match self {
            Self::Store(e @ (StoreError::Refused { .. } | StoreError::Mongo(_))) => e.is_content_refused(),
            _ => self.may_be_poison(),
        }
    }

    /// Whether it is about one message's content, on its way from LINE to S3. Everything else (no database, no
    /// directory) is about all of them.
    #[must_use]
    pub fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::Line(_)
                | Self::Blob(_)
                | Self::Access(_)
                | Self::BadId
                | Self::Tenancy(
                    TenancyError::Line(_)
                        | TenancyError::Key(_)
                        | TenancyError::UnknownChannel(_)
                        | TenancyError::NotTheirs { .. }
                )
        )
    }

    /// Whether no later attempt at the same content can end otherwise. A channel that is disconnected, or whose
    /// secret LINE refuses, can be put right.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::BadId
                | Self::Line(LineError::Rejected { .. } | LineError::Invalid { .. })
                | Self::Blob(BlobError::TooLarge { .. })
                | Self::Tenancy(TenancyError::NotTheirs { .. })
        )
    }
}

impl Fenced for RecordError {
    fn is_fenced(&self) -> bool {
        match self {
            Self::Store(error) => error.is_fenced(),
            Self::Tenancy(error) => error.is_fenced(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use matome_domain::ids::TenantId;

    use super::*;

    #[test]
    fn a_tenant_on_its_way_makes_no_message_poison() {
        let fenced = RecordError::Store(StoreError::Fenced);
        assert!(fenced.is_fenced() && !fenced.may_be_poison());
        let moving = RecordError::Tenancy(TenancyError::Moving(TenantId::new("t1").unwrap()));
        assert!(!moving.is_fenced() && !moving.may_be_poison());
        assert!(!fenced.is_poison() && !moving.is_poison());
    }

    #[test]
    fn what_a_server_refuses_everybody_is_no_messages_own_fault() {
        let refused = |code| RecordError::Store(StoreError::Refused { collection: "rooms".to_owned(), code });
        // Unauthorized, OutOfDiskSpace.
        for code in [13, 14_031] {
            assert!(refused(code).may_be_poison() && !refused(code).is_poison(), "{code}");
        }
        let unknown = RecordError::Tenancy(TenancyError::UnknownTenant(TenantId::new("t1").unwrap()));
        for poison in [refused(121), unknown, RecordError::BadId] {
            assert!(poison.may_be_poison() && poison.is_poison(), "{poison}");
        }
    }
}
