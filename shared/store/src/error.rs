//! What can go wrong with the database.

use matome_domain::fault::InjectedFault;

/// DuplicateKey, MongoDB error code 11000.
const DUPLICATE_KEY: i32 = 11_000;
/// WriteConflict, MongoDB error code 112.
const WRITE_CONFLICT: i32 = 112;

/// BadValue, MongoDB error code 2.
const BAD_VALUE: i32 = 2;
/// DocumentValidationFailure, MongoDB error code 121.
const VALIDATION_FAILURE: i32 = 121;

/// BadValue, DocumentValidationFailure, BSONObjectTooLarge; 17419 and 17420: an update would make the
/// document too large.
const OF_CONTENT: [i32; 5] = [2, VALIDATION_FAILURE, 10_334, 17_419, 17_420];

/// A failed database operation. Texts name collections and codes, never document contents; the
/// driver's and BSON's own errors can quote values and are therefore kept, but not as `source`, whose
/// text would be logged with ours.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The driver or the server failed.
    #[error("MongoDB failed: {}", summary(.0))]
    Mongo(mongodb::error::Error),
    /// A write inside a bulk command was refused.
    #[error("MongoDB refused a write to {collection} (code {code})")]
    Refused {
        /// Collection.
        collection: String,
        /// MongoDB's error code.
        code: i32,
    },
    /// The tenant's data are being moved and take no more writes here: see [`crate::fence`].
    #[error("the tenant's data are fenced: they are being moved elsewhere")]
    Fenced,
    /// A document did not have the shape its entity declares.
    #[error("a document of {collection} does not fit its declaration")]
    Decode {
        /// Collection.
        collection: String,
        /// What did not fit.
        why: bson::error::Error,
    },
    /// A value could not be written as BSON.
    #[error("a value could not be written as BSON")]
    Encode(bson::error::Error),
    /// A document, an update or a stage names another tenant or another collection; nothing was sent.
    #[error("a request on {collection} reaches beyond its tenant: {field}")]
    BeyondTenant {
        /// Collection.
        collection: String,
        /// The field, with its operator, or the stage.
        field: String,
    },
    /// A setting is unusable.
    #[error("MONGODB_URI: {0}")]
    Setting(String),
    /// Writers kept colliding.
    #[error("gave up after {attempts} attempts that collided with another writer")]
    Contended {
        /// How many.
        attempts: u32,
        /// The last collision.
        #[source]
        last: Box<Self>,
    },
    /// A test made the function die here.
    #[error(transparent)]
    Fault(#[from] InjectedFault),
}

/// The kind of a driver error without the values that some of its texts quote.
fn summary(error: &mongodb::error::Error) -> String {
    use mongodb::error::ErrorKind;
    match error.kind.as_ref() {
        ErrorKind::Command(c) => format!("command error {} ({})", c.code, c.code_name),
        ErrorKind::Write(_) | ErrorKind::InsertMany(_) => "write error".to_owned(),
        ErrorKind::ServerSelection { .. } => "no server could be selected".to_owned(),
        ErrorKind::Io(e) => format!("I/O error ({})", e.kind()),
        ErrorKind::Authentication { .. } => "authentication refused".to_owned(),
        other => {
            let text = format!("{other:?}");
            text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("error").to_owned()
        }
    }
}

impl From<mongodb::error::Error> for StoreError {
    fn from(error: mongodb::error::Error) -> Self {
        if hit_fence(&error) { Self::Fenced } else { Self::Mongo(error) }
    }
}

impl StoreError {
    /// A unique index already holds the key: what was to be written exists.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code == DUPLICATE_KEY,
            Self::Mongo(e) => code_of(e) == Some(DUPLICATE_KEY),
            _ => false,
        }
    }

    /// The server could not do what it was asked as it was asked, such as by an index that is not there.
    #[must_use]
    pub(crate) fn is_bad_value(&self) -> bool {
        matches!(self, Self::Mongo(e) if code_of(e) == Some(BAD_VALUE))
    }

    /// A fence refused the write, not a fault of the document: the tenant is being moved, and the write
    /// belongs in its new place as soon as the directory names it.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Fenced)
    }

    /// Whether all writes of a bulk command were taken: the driver hands its answer over as it is, and the
    /// first one that was not stands in it.
    pub(crate) fn of_writes(collection: &str, answer: &bson::Document) -> Result<(), Self> {
        let refused = answer.get_array("writeErrors").ok().and_then(|errors| errors.first());
        match refused.and_then(bson::Bson::as_document) {
            None => Ok(()),
            Some(error) => Err(Self::refused(collection, error)),
        }
    }

    /// A write of a bulk command that was refused, as its `writeErrors` tell.
    pub(crate) fn refused(collection: &str, write_error: &bson::Document) -> Self {
        let code = write_error.get_i32("code").unwrap_or_default();
        let details = write_error.get_document("errInfo").ok();
        if code == VALIDATION_FAILURE && details.is_some_and(crate::fence::refused) {
            return Self::Fenced;
        }
        Self::Refused { collection: collection.to_owned(), code }
    }

    /// The server understood the command and refused it (too large a document, a failed validator):
    /// sending the same again will not help.
    #[must_use]
    pub fn is_command_refused(&self) -> bool {
        use mongodb::error::ErrorKind;
        let Self::Mongo(e) = self else { return false };
        matches!(
            e.kind.as_ref(),
            ErrorKind::Command(_)
                | ErrorKind::Write(_)
                | ErrorKind::InsertMany(_)
                | ErrorKind::BsonSerialization(_)
        ) && !e.contains_label(mongodb::error::TRANSIENT_TRANSACTION_ERROR)
            && !e.contains_label(mongodb::error::RETRYABLE_WRITE_ERROR)
    }

    /// What was to be written was refused for what it is. Other refusals may as well be about the server
    /// (no privileges, no disk) and end when somebody repairs it.
    #[must_use]
    pub fn is_content_refused(&self) -> bool {
        use mongodb::error::ErrorKind;
        let unwritable = matches!(self, Self::Mongo(e) if matches!(*e.kind, ErrorKind::BsonSerialization(_)));
        unwritable || self.code().is_some_and(|code| OF_CONTENT.contains(&code))
    }

    /// The server's error code, if it is a server's error.
    pub(crate) fn code(&self) -> Option<i32> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Mongo(e) => code_of(e),
            _ => None,
        }
    }

    /// The server went away, or none can be found.
    #[must_use]
    pub fn is_connection_lost(&self) -> bool {
        use mongodb::error::ErrorKind;
        let Self::Mongo(e) = self else { return false };
        matches!(
            e.kind.as_ref(),
            ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } | ErrorKind::ServerSelection { .. }
        )
    }

    /// Running the whole transaction again can succeed: another writer was faster, or the
    /// connection broke before the commit was sent.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code == WRITE_CONFLICT || *code == DUPLICATE_KEY,
            Self::Mongo(e) => {
                e.contains_label(mongodb::error::TRANSIENT_TRANSACTION_ERROR)
                    || matches!(code_of(e), Some(DUPLICATE_KEY | WRITE_CONFLICT))
            }
            _ => false,
        }
    }
}

fn code_of(error: &mongodb::error::Error) -> Option<i32> {
    use mongodb::error::{ErrorKind, WriteFailure};
    match error.kind.as_ref() {
        ErrorKind::Command(c) => Some(c.code),
        ErrorKind::Write(WriteFailure::WriteError(w)) => Some(w.code),
        ErrorKind::InsertMany(m) => m.write_errors.as_ref().and_then(|w| w.first()).map(|w| w.code),
        _ => None,
    }
}

/// Whether a validator refused the write because of its fence, as the server's account of it says.
fn hit_fence(error: &mongodb::error::Error) -> bool {
    use mongodb::error::{ErrorKind, WriteFailure};
    let of_fence = |code: i32, details: &Option<bson::Document>| {
        code == VALIDATION_FAILURE && details.as_ref().is_some_and(crate::fence::refused)
    };
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(w)) => of_fence(w.code, &w.details),
        ErrorKind::InsertMany(m) => m.write_errors.iter().flatten().any(|w| of_fence(w.code, &w.details)),
        ErrorKind::Command(c) if c.code == VALIDATION_FAILURE => {
            let details = error.server_response().and_then(|answer| answer.get_document("errInfo").ok());
            details.and_then(|d| d.try_into().ok()).is_some_and(|d: bson::Document| crate::fence::refused(&d))
        }
        _ => false,
    }
}
