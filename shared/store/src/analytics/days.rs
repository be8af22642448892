//! A stretch of days in a time zone.

use std::fmt;
use std::str::FromStr;

use bson::DateTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use matome_domain::clock::Timestamp;

use crate::time::timestamp;

/// A year, and the day a leap year has more.
pub const MAX_DAYS: i64 = 366;

/// A calendar day, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

/// Why days were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidDays {
    /// `from`, `to` or `timezone`.
    pub field: &'static str,
    /// What is wrong; never repeats the value.
    pub reason: &'static str,
}

impl FromStr for Day {
    type Err = InvalidDays;

    fn from_str(text: &str) -> Result<Self, InvalidDays> {
        let refused = InvalidDays { field: "day", reason: "must be YYYY-MM-DD" };
        let date: Date = text.parse().map_err(|_| refused)?;
        let year = (1970..=9998).contains(&date.year());
        if year && text.len() == 10 { Ok(Self(date)) } else { Err(refused) }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// From one day to another, both included.
#[derive(Debug, Clone, PartialEq)]
pub struct Days {
    from: Date,
    to: Date,
    zone: TimeZone,
    name: String,
}

impl Days {
    /// `from` to `to`, both included, as they are counted in `timezone` (an IANA name).
    ///
    /// # Errors
    /// [`InvalidDays`]: `to` lies before `from`, there are more than [`MAX_DAYS`], or there is no such zone.
    pub fn new(from: Day, to: Day, timezone: &str) -> Result<Self, InvalidDays> {
        let unknown = InvalidDays { field: "timezone", reason: "is not the name of a time zone" };
        let zone = TimeZone::get(timezone).map_err(|_| unknown)?;
        // As the database of zones writes it: MongoDB minds the case.
        let name = zone.iana_name().ok_or(unknown)?.to_owned();
        let days = Self { from: from.0, to: to.0, zone, name };
        if days.to < days.from {
            return Err(InvalidDays { field: "to", reason: "must not lie before `from`" });
        }
        if days.count() > MAX_DAYS {
            return Err(InvalidDays { field: "to", reason: "must lie at most 366 days after `from`" });
        }
        Ok(days)
    }

    /// The `count` days (at least one) up to the day that `now` lies in.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn last(count: i64, now: DateTime, timezone: &str) -> Result<Self, InvalidDays> {
        let zone = TimeZone::get(timezone)
            .map_err(|_| InvalidDays { field: "timezone", reason: "is not the name of a time zone" })?;
        let now = jiff::Timestamp::from_millisecond(now.timestamp_millis())
            .map_err(|_| InvalidDays { field: "to", reason: "lies beyond the calendar" })?;
        let to = now.to_zoned(zone).date();
        let from = to.saturating_sub(jiff::Span::new().days((count - 1).clamp(0, MAX_DAYS)));
        Self::new(Day(from), Day(to), timezone)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.from.until(self.to).map_or(i64::MAX, |span| i64::from(span.get_days()) + 1)
    }

    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = Day> + '_ {
        let days = self.from.series(jiff::Span::new().days(1));
        days.take_while(|day| *day <= self.to).map(Day)
    }

    /// When the first begins.
    #[must_use]
    pub fn begin(&self) -> DateTime {
        self.begin_of(self.from)
    }

    /// When the day behind the last begins.
    #[must_use]
    pub fn end(&self) -> DateTime {
        self.begin_of(self.to.tomorrow().unwrap_or(self.to))
    }

    /// Whether `at` lies in them.
    #[must_use]
    pub fn hold(&self, at: Timestamp) -> bool {
        (timestamp(self.begin())..timestamp(self.end())).contains(&at)
    }

    /// The day that `at` lies in, of these or not; `None` beyond the calendar.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> Option<Day> {
        let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(Day(at.to_zoned(self.zone.clone()).date()))
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.name
    }

    fn begin_of(&self, day: Date) -> DateTime {
        let begin = day.to_zoned(self.zone.clone());
        DateTime::from_millis(begin.map_or(i64::MAX, |begin| begin.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, to: &str, zone: &str) -> Result<Days, InvalidDays> {
        Days::new(from.parse()?, to.parse()?, zone)
    }

    #[test]
    fn a_day_begins_when_clocks_in_its_zone_say_so() {
        let tokyo = days("2026-11-20", "2026-11-20", "asia/tokyo").unwrap();
        assert_eq!(tokyo.begin().try_to_rfc3339_string().unwrap(), "2026-11-19T15:00:00Z");
        assert_eq!(tokyo.end().try_to_rfc3339_string().unwrap(), "2026-11-20T15:00:00Z");
        assert_eq!(tokyo.zone(), "Asia/Tokyo");
        // The day clocks go back has 25 hours.
        let berlin = days("2026-10-25", "2026-10-25", "Europe/Berlin").unwrap();
        assert_eq!(berlin.end().timestamp_millis() - berlin.begin().timestamp_millis(), 25 * 3_600_000);
    }

    #[test]
    fn a_year_and_no_more() {
        assert_eq!(days("2024-01-01", "2024-12-31", "UTC").unwrap().count(), 366);
        for (from, to, zone, field) in [
            ("2025-01-01", "2026-01-02", "UTC", "to"),
            ("2026-01-02", "2026-01-01", "UTC", "to"),
            ("2026-01-02", "2026-01-02", "Nowhere/AtAll", "timezone"),
            ("2026-1-2", "2026-01-02", "UTC", "day"),
            ("2026-02-30", "2026-01-02", "UTC", "day"),
            ("-002026-01-01", "2026-01-02", "UTC", "day"),
        ] {
            assert_eq!(days(from, to, zone).unwrap_err().field, field, "{from} {to} {zone}");
        }
    }

    #[test]
    fn the_last_days_end_with_today() {
        let now = DateTime::parse_rfc3339_str("2026-11-20T16:00:00Z").unwrap();
        let last = Days::last(30, now, "Asia/Tokyo").unwrap();
        let each: Vec<String> = last.each().map(|day| day.to_string()).collect();
        assert_eq!((each.len(), each[0].as_str(), each[29].as_str()), (30, "2026-10-23", "2026-11-21"));
    }
}
