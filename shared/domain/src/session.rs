//! When a session opens and closes.

use std::time::Duration;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::queue::CloseTrigger;

/// `settings.summarySchedule` of an organization: after which period everything said so far is summarized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummarySchedule {
    /// At midnight.
    Daily,
    /// At midnight before Monday.
    Weekly,
    /// At midnight before the first of the month.
    Monthly,
}

impl SummarySchedule {
    /// When the period ends that `at` lies in, by the calendar of `zone`.
    #[must_use]
    pub fn period_end(self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let day = zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).ok()?).date();
        let next = match self {
            Self::Daily => day.tomorrow(),
            Self::Weekly => day.nth_weekday(1, Weekday::Monday),
            Self::Monthly => day.last_of_month().tomorrow(),
        };
        let end = next.ok()?.to_zoned(zone.clone()).ok()?;
        Some(Timestamp(end.timestamp().as_millisecond()))
    }
}

/// How much a session may hold and how long it may stay open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLimits {
    /// Messages a session may hold; at least 1.
    pub message_count: u32,
    /// How long after its first message a session takes more.
    pub time_limit: Duration,
    /// It ends with the period that it began in, by that calendar.
    pub period: Option<(SummarySchedule, TimeZone)>,
}

impl Default for SessionLimits {
    /// The seed's defaults: 50 messages, 24 hours.
    fn default() -> Self {
        Self { message_count: 50, time_limit: Duration::from_secs(24 * 60 * 60), period: None }
    }
}

/// `settings.sessionTriggers` of an organization or a room: what is absent is inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionTriggers {
    /// Overrides [`SessionLimits::message_count`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_count: Option<u32>,
    /// Overrides [`SessionLimits::time_limit`], in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u64>,
}

impl SessionLimits {
    /// Room settings override organization settings override defaults. Zeros count as absent, so
    /// that no setting can make a session that can hold nothing.
    #[must_use]
    pub fn resolve(room: SessionTriggers, organization: SessionTriggers) -> Self {
        let default = Self::default();
        let pick = |of: fn(&SessionTriggers) -> Option<u64>| {
            of(&room).filter(|n| *n > 0).or_else(|| of(&organization).filter(|n| *n > 0))
        };
        Self {
            message_count: pick(|t| t.message_count.map(u64::from))
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(default.message_count),
            time_limit: pick(|t| t.time_limit).map_or(default.time_limit, Duration::from_millis),
            period: None,
        }
    }

    /// The same, and sessions end with the schedule's period in the zone of this IANA name (UTC where there
    /// is none such).
    #[must_use]
    pub fn ending_with(self, schedule: Option<SummarySchedule>, zone: &str) -> Self {
        let zone = || TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        Self { period: schedule.map(|schedule| (schedule, zone())), ..self }
    }

    /// When a session closes by itself that was opened at `opened_at`.
    #[must_use]
    pub fn closes_at(&self, opened_at: Timestamp) -> Timestamp {
        self.end(opened_at).0
    }

    /// The same, and why it does.
    fn end(&self, opened_at: Timestamp) -> (Timestamp, CloseTrigger) {
        let by_limit = opened_at.plus(self.time_limit);
        let by_period = self.period.as_ref().and_then(|(every, zone)| every.period_end(opened_at, zone));
        match by_period {
            Some(end) if end <= by_limit => (end, CloseTrigger::Schedule),
            _ => (by_limit, CloseTrigger::TimeLimit),
        }
    }
}

/// Why a closed session would be summarized, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SummaryWanted {
    /// `settings.aiEnabled` of the room; on by default.
    pub ai_enabled: Option<bool>,
    /// `settings.autoSummarize` of the organization.
    pub auto_summarize: bool,
    /// Why the session closed.
    pub trigger: Option<CloseTrigger>,
    /// It has a summary, or staff asked for one.
    pub expected: bool,
}

impl SummaryWanted {
    /// A summary that is there is kept true, and one that staff ask for is written, whatever settings say.
    /// Otherwise by itself where settings say so, and by hand unless the room is kept from AI.
    #[must_use]
    pub fn is_wanted(self) -> bool {
        let by_settings = self.auto_summarize || self.trigger == Some(CloseTrigger::Manual);
        self.expected || (self.ai_enabled.unwrap_or(true) && by_settings)
    }
}

/// The session a room is in, as far as the rules need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSession {
    /// `sessionNumber`.
    pub number: u64,
    /// Timestamp of the message that opened it.
    pub opened_at: Timestamp,
    /// Messages it holds.
    pub message_count: u32,
}

/// Walks through a room's new messages and says which session each belongs to.
#[derive(Debug, Clone)]
pub struct SessionCursor {
    limits: SessionLimits,
    open: Option<OpenSession>,
    last_number: u64,
}

/// A session that closed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// `sessionNumber`.
    pub number: u64,
    /// Why.
    pub trigger: CloseTrigger,
}

impl Closed {
    /// The same session, closed because somebody asked for it, whatever else closed it just then: what is
    /// asked for by hand is summarized where settings keep others from it ([`SummaryWanted`]).
    #[must_use]
    pub fn by_hand(self) -> Self {
        Self { trigger: CloseTrigger::Manual, ..self }
    }
}

/// Where a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The session that had to close first, because its time was up.
    pub closed_before: Option<Closed>,
    /// `sessionNumber` of the message's session.
    pub number: u64,
    /// The message opened it.
    pub opened: bool,
    /// The message filled it.
    pub closed_after: Option<Closed>,
}

impl SessionCursor {
    /// `last_number` is the highest `sessionNumber` the room ever gave out, 0 for none.
    #[must_use]
    pub fn new(limits: SessionLimits, open: Option<OpenSession>, last_number: u64) -> Self {
        Self { limits, open, last_number }
    }

    /// The open session now.
    #[must_use]
    pub fn open(&self) -> Option<OpenSession> {
        self.open
    }

    /// The highest number given out so far.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.last_number
    }

    /// Gives the message of time `at` a session. A message older than the open session joins it:
    /// where talk belongs is decided on arrival, reading order by timestamp.
    pub fn place(&mut self, at: Timestamp) -> Placed {
        let closed_before = self.expire(at);
        let opened = self.open.is_none();
        let session = self.open.get_or_insert_with(|| {
            self.last_number += 1;
            OpenSession { number: self.last_number, opened_at: at, message_count: 0 }
        });
        session.message_count += 1;
        let number = session.number;
        let full = session.message_count >= self.limits.message_count.max(1);
        let closed_after = if full { self.close(CloseTrigger::MessageCount) } else { None };
        Placed { closed_before, number, opened, closed_after }
    }

    /// Opens a session at `at` before anything is said in it, and tells its number; `None` while one is open.
    pub fn begin(&mut self, at: Timestamp) -> Option<u64> {
        if self.open.is_some() {
            return None;
        }
        self.last_number += 1;
        self.open = Some(OpenSession { number: self.last_number, opened_at: at, message_count: 0 });
        Some(self.last_number)
    }

    /// Closes the open session if its time is up at `at`.
    pub fn expire(&mut self, at: Timestamp) -> Option<Closed> {
        let (end, why) = self.limits.end(self.open?.opened_at);
        if at >= end { self.close(why) } else { None }
    }

    /// Closes the open session, if there is one.
    pub fn close(&mut self, trigger: CloseTrigger) -> Option<Closed> {
        self.open.take().map(|s| Closed { number: s.number, trigger })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn cursor(count: u32, hours: u64) -> SessionCursor {
        let limits = SessionLimits {
            message_count: count,
            time_limit: Duration::from_secs(hours * 3600),
            period: None,
        };
        SessionCursor::new(limits, None, 0)
    }

    #[test]
    fn the_message_that_fills_a_session_closes_it_and_the_next_opens_another() {
        let mut c = cursor(2, 24);
        let first = c.place(Timestamp(0));
        assert_eq!((first.number, first.opened, first.closed_after), (1, true, None));
        let second = c.place(Timestamp(1));
        assert_eq!(second.closed_after, Some(Closed { number: 1, trigger: CloseTrigger::MessageCount }));
        assert_eq!(c.place(Timestamp(2)).number, 2);
    }

    #[test]
    fn a_message_after_the_time_limit_closes_the_old_session_first() {
        let mut c = cursor(50, 24);
        c.place(Timestamp(0));
        assert_eq!(c.place(Timestamp(24 * HOUR - 1)).number, 1);
        let late = c.place(Timestamp(24 * HOUR));
        assert_eq!(late.closed_before, Some(Closed { number: 1, trigger: CloseTrigger::TimeLimit }));
        assert_eq!((late.number, late.opened), (2, true));
    }

    #[test]
    fn a_session_ends_with_the_day_the_week_or_the_month_where_that_comes_before_its_time_limit() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let days = |days: u64| SessionLimits {
            time_limit: Duration::from_secs(days * 24 * 3600),
            ..SessionLimits::default()
        };
        let closes = |limit: u64, every, opened: &str| {
            days(limit).ending_with(Some(every), "Asia/Tokyo").closes_at(at(opened))
        };
        // Saturday in Tokyo, still Friday in London.
        let opened = "2026-02-27T16:00:00Z";
        assert_eq!(closes(1, SummarySchedule::Daily, opened), at("2026-02-28T15:00:00Z"));
        assert_eq!(closes(30, SummarySchedule::Weekly, opened), at("2026-03-01T15:00:00Z"));
        assert_eq!(closes(30, SummarySchedule::Monthly, opened), at("2026-02-28T15:00:00Z"));
        assert_eq!(
            closes(1, SummarySchedule::Weekly, opened),
            at("2026-02-28T16:00:00Z"),
            "the limit is first"
        );
        // Opened on the stroke of midnight, Monday the first.
        let monday = "2026-05-31T15:00:00Z";
        assert_eq!(closes(30, SummarySchedule::Weekly, monday), at("2026-06-07T15:00:00Z"));
        assert_eq!(closes(90, SummarySchedule::Monthly, monday), at("2026-06-30T15:00:00Z"));
        assert_eq!(days(1).ending_with(None, "Asia/Tokyo").closes_at(at(monday)), at("2026-06-01T15:00:00Z"));
    }

    #[test]
    fn a_session_says_whether_its_time_or_its_period_was_up() {
        // 1970 began on a Thursday; the day ends an hour before the limit, or after it.
        for (hours, opened, why) in [
            (24, 1, CloseTrigger::Schedule),
            (24, 0, CloseTrigger::Schedule),
            (23, 0, CloseTrigger::TimeLimit),
        ] {
            let mut c = cursor(50, hours);
            c.limits = c.limits.ending_with(Some(SummarySchedule::Daily), "UTC");
            c.place(Timestamp(opened * HOUR));
            let closed = c.expire(Timestamp(24 * HOUR)).map(|closed| closed.trigger);
            assert_eq!(closed, Some(why), "{hours} {opened}");
        }
    }

    #[test]
    fn an_older_message_joins_the_open_session_and_does_not_shorten_it() {
        let mut c = cursor(50, 24);
        c.place(Timestamp(10 * HOUR));
        assert_eq!(c.place(Timestamp(0)).number, 1);
        assert_eq!(c.expire(Timestamp(30 * HOUR)), None);
    }

    #[test]
    fn a_summary_is_wanted_by_settings_by_hand_or_because_somebody_expects_it() {
        let none = SummaryWanted {
            ai_enabled: None,
            auto_summarize: false,
            trigger: Some(CloseTrigger::TimeLimit),
            expected: false,
        };
        assert!(!none.is_wanted());
        assert!(SummaryWanted { auto_summarize: true, ..none }.is_wanted());
        let by_hand = SummaryWanted { trigger: Some(CloseTrigger::Manual), ..none };
        assert!(by_hand.is_wanted());
        let kept_from_ai = SummaryWanted { ai_enabled: Some(false), auto_summarize: true, ..by_hand };
        assert!(!kept_from_ai.is_wanted());
        assert!(SummaryWanted { expected: true, ..kept_from_ai }.is_wanted());
    }

    #[test]
    fn closing_by_hand_needs_an_open_session() {
        let mut c = cursor(50, 24);
        assert_eq!(c.close(CloseTrigger::Manual), None);
        c.place(Timestamp(0));
        assert_eq!(c.close(CloseTrigger::Manual).map(|c| c.number), Some(1));
    }

    #[test]
    fn a_session_begun_by_hand_takes_the_next_message_and_is_the_only_open_one() {
        let mut c = cursor(50, 24);
        assert_eq!(c.begin(Timestamp(0)), Some(1));
        assert_eq!(c.begin(Timestamp(1)), None);
        let placed = c.place(Timestamp(2));
        assert_eq!((placed.number, placed.opened), (1, false));
    }

    #[test]
    fn room_settings_override_organization_settings_override_defaults() {
        let triggers = |n, t| SessionTriggers { message_count: n, time_limit: t };
        let r = SessionLimits::resolve(triggers(Some(5), None), triggers(Some(9), Some(1000)));
        assert_eq!(
            r,
            SessionLimits { message_count: 5, time_limit: Duration::from_millis(1000), period: None }
        );
        let r = SessionLimits::resolve(triggers(Some(0), Some(0)), triggers(None, None));
        assert_eq!(r, SessionLimits::default());
    }
}
