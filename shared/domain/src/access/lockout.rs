//! How long an account stays closed after wrong passwords or codes: guessing becomes slow, and nobody is
//! locked out for good by somebody else's guesses.

use std::time::Duration;

use crate::clock::Timestamp;

/// So many failures in a row change nothing.
pub const FREE: u32 = 4;
/// How long the next one closes the account; each further one twice as long.
pub const FIRST: Duration = Duration::from_secs(60);
/// Never longer.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Until when nothing is tried any more, after that many failures in a row of which the last was `now`.
#[must_use]
pub fn locked_until(failures: u32, now: Timestamp) -> Option<Timestamp> {
    let doublings = failures.checked_sub(FREE + 1)?;
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    Some(now.plus(FIRST.saturating_mul(factor).min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_costs_a_minute_and_each_further_one_twice_as_much_up_to_an_hour() {
        let minutes = |failures| locked_until(failures, Timestamp(7)).map(|until| (until.0 - 7) / 60_000);
        assert_eq!([0, 1, 4].map(minutes), [None; 3]);
        assert_eq!([5, 6, 7, 8, 9, 10, 11, 12].map(minutes), [1, 2, 4, 8, 16, 32, 60, 60].map(Some));
        assert_eq!([36, 37, 38, 1_000, u32::MAX].map(minutes), [Some(60); 5]);
    }
}
