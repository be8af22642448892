//! The calendar month that usage is counted in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A calendar month, UTC, written `YYYY-MM`. (LINE counts its own quota in UTC+9; see the push ledger.)
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(String);

/// Not of the form `YYYY-MM`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("month: must be YYYY-MM")]
pub struct InvalidMonth;

impl Month {
    /// The month `at` lies in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        Self(format!("{:04}-{:02}", at.year(), at.month()))
    }

    /// `YYYY-MM`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Month {
    type Error = InvalidMonth;

    fn try_from(text: String) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        let month = (digits(year, 4) && digits(month, 2)).then(|| month.parse::<u8>().ok()).flatten();
        match month {
            Some(1..=12) => Ok(Self(text)),
            _ => Err(InvalidMonth),
        }
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.0
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_utc() {
        let december = Timestamp(1_796_083_200_000);
        assert_eq!(Month::of(december).as_str(), "2026-12");
        assert_eq!(Month::of(Timestamp(december.0 - 1)).as_str(), "2026-11");
    }

    #[test]
    fn only_months_are_read() {
        assert!(Month::try_from("2026-11".to_owned()).is_ok());
        for bad in ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "abcd-11", ""] {
            assert_eq!(Month::try_from(bad.to_owned()), Err(InvalidMonth), "{bad}");
        }
    }
}
