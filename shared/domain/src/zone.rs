//! Time zones, as far as days and hours shown to people need them.

use crate::clock::Timestamp;

/// Whether there is a zone with this IANA name.
#[must_use]
pub fn is_zone(zone: &str) -> bool {
    jiff::tz::TimeZone::get(zone).is_ok()
}

/// Minutes east of UTC that clocks in `zone` (an IANA name) show at `at`; 0 for an unknown zone.
#[must_use]
pub fn utc_offset_minutes(zone: &str, at: Timestamp) -> i32 {
    let offset = jiff::tz::TimeZone::get(zone)
        .ok()
        .zip(jiff::Timestamp::from_millisecond(at.0).ok())
        .map(|(zone, at)| zone.to_offset(at));
    offset.map_or(0, |o| o.seconds() / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zones_are_zones() {
        assert!(is_zone("Asia/Bangkok"));
        assert!(!is_zone("Nowhere/AtAll") && !is_zone(""));
    }

    #[test]
    fn summer_time_counts() {
        let (winter, summer) = (Timestamp(1_767_225_600_000), Timestamp(1_782_864_000_000));
        assert_eq!(utc_offset_minutes("Asia/Tokyo", summer), 540);
        assert_eq!(utc_offset_minutes("Asia/Bangkok", winter), 420);
        assert_eq!(utc_offset_minutes("Europe/Berlin", summer), 120);
        assert_eq!(utc_offset_minutes("Europe/Berlin", winter), 60);
        assert_eq!(utc_offset_minutes("Nowhere/AtAll", winter), 0);
    }
}
