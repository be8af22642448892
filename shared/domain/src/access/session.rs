//! How long somebody stays logged in.

use std::time::Duration;

use crate::clock::Timestamp;

/// An access token: what a revoked session can still do with one is over so soon.
pub const ACCESS: Duration = Duration::from_secs(10 * 60);
/// Between the password and the second factor.
pub const MFA_CHALLENGE: Duration = Duration::from_secs(5 * 60);

/// How long a login session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without being used.
    pub idle: Duration,
    /// However much it is used.
    pub absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { idle: 30 * day, absolute: 90 * day }
    }
}

impl Lifetimes {
    /// The shorter of these and what an organization's policy wants, each in minutes: a policy never
    /// prolongs.
    #[must_use]
    pub fn shortened(self, idle_minutes: Option<u32>, absolute_minutes: Option<u32>) -> Self {
        let shorter = |own: Duration, minutes: Option<u32>| {
            minutes.map_or(own, |minutes| own.min(Duration::from_secs(u64::from(minutes) * 60)))
        };
        Self { idle: shorter(self.idle, idle_minutes), absolute: shorter(self.absolute, absolute_minutes) }
    }

    /// When a session ends that began and was last used at these times.
    #[must_use]
    pub fn ends_at(self, began: Timestamp, last_used: Timestamp) -> Timestamp {
        last_used.plus(self.idle).min(began.plus(self.absolute))
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self, began: Timestamp, last_used: Timestamp, now: Timestamp) -> bool {
        now >= self.ends_at(began, last_used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn a_session_ends_after_a_month_unused_and_after_three_anyway() {
        let lifetimes = Lifetimes::default();
        let (began, used) = (Timestamp(0), Timestamp(10 * DAY));
        assert_eq!(lifetimes.ends_at(began, used), Timestamp(40 * DAY));
        assert_eq!(lifetimes.ends_at(began, Timestamp(80 * DAY)), Timestamp(90 * DAY));
        assert!(!lifetimes.is_over(began, used, Timestamp(40 * DAY - 1)));
        assert!(lifetimes.is_over(began, used, Timestamp(40 * DAY)));
    }

    #[test]
    fn a_policy_shortens_and_never_prolongs() {
        let lifetimes = Lifetimes::default();
        assert_eq!(lifetimes.shortened(None, None), lifetimes);
        assert_eq!(lifetimes.shortened(Some(u32::MAX), Some(u32::MAX)), lifetimes);
        let short = lifetimes.shortened(Some(15), Some(480));
        assert_eq!(short.ends_at(Timestamp(0), Timestamp(0)), Timestamp(15 * 60_000));
        assert_eq!(short.ends_at(Timestamp(0), Timestamp(479 * 60_000)), Timestamp(480 * 60_000));
    }
}
