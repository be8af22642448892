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

    /// The month before.
    #[must_use]
    pub fn before(&self) -> Self {
        let (year, month) = self.numbers();
        let (year, month) = if month == 1 { (year.saturating_sub(1), 12) } else { (year, month - 1) };
        Self(format!("{year:04}-{month:02}"))
    }

    /// When the next one begins.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        let (year, month) = self.numbers();
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let day =
            jiff::civil::Date::new(year, month, 1).and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC));
        // Year 9999 is the last there is.
        day.map_or(Timestamp(i64::MAX), |begin| Timestamp(begin.timestamp().as_millisecond()))
    }

    fn numbers(&self) -> (i16, i8) {
        let (year, month) = self.0.split_once('-').expect("checked when it was made");
        (year.parse().unwrap_or_default(), month.parse().unwrap_or(1))
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
    fn months_follow_each_other() {
        let december = Month::of(Timestamp(1_796_083_200_000));
        assert_eq!(december.before().as_str(), "2026-11");
        assert_eq!(december.before().end(), Timestamp(1_796_083_200_000));
        let january = Month::of(december.end());
        assert_eq!((january.as_str(), january.before()), ("2027-01", december));
        assert_eq!(Month::try_from("9999-12".to_owned()).unwrap().end(), Timestamp(i64::MAX));
    }

    #[test]
    fn only_months_are_read() {
        assert!(Month::try_from("2026-11".to_owned()).is_ok());
        for bad in ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "abcd-11", ""] {
            assert_eq!(Month::try_from(bad.to_owned()), Err(InvalidMonth), "{bad}");
        }
    }
}
