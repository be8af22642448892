//! Between the domain's [`Timestamp`] and BSON dates: both are milliseconds since the epoch.

use bson::DateTime;
use matome_domain::clock::Timestamp;

/// As a BSON date.
#[must_use]
pub fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.0)
}

/// Back from a BSON date.
#[must_use]
pub fn timestamp(at: DateTime) -> Timestamp {
    Timestamp(at.timestamp_millis())
}
