//! The months of LINE's quota, which begin at midnight in Japan.
//! <https://developers.line.biz/en/docs/messaging-api/pricing/>

use jiff::tz::{Offset, TimeZone};
use matome_domain::clock::Timestamp;

/// Hours east of UTC, all year round.
const JAPAN: i8 = 9;

/// The month of `at` as `YYYY-MM`.
#[must_use]
pub fn month_of(at: Timestamp) -> String {
    let japan = TimeZone::fixed(Offset::constant(JAPAN));
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let at = japan.to_datetime(at);
    format!("{:04}-{:02}", at.year(), at.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_in_japan() {
        // 2026-11-30T15:00:00Z is the first moment of December there.
        let december = Timestamp(1_796_050_800_000);
        assert_eq!(month_of(december), "2026-12");
        assert_eq!(month_of(Timestamp(december.0 - 1)), "2026-11");
    }
}
