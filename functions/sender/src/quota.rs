//! What the month's quota still has room for. Pure.
//!
//! LINE tells what was consumed, by us and by everybody else who sends for the account, a little
//! after it happened. What we booked and LINE cannot have counted yet comes on top: everything
//! beyond what was settled before LINE was asked. Some of it LINE may have counted already, so the
//! answer errs towards refusing; the reading is made anew before a refusal is final.

use std::time::Duration;

use matome_domain::clock::Timestamp;
use matome_store::entities::PushLedger;
use matome_store::time::timestamp;

/// How old a reading may be.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How old it may be when it says that little is left: others may be sending too.
const FRESH_NEAR_LIMIT: Duration = Duration::from_secs(60);

/// Messages used of the month's quota, as far as can be known.
#[must_use]
pub fn used(ledger: &PushLedger) -> i64 {
    let on_top = ledger.booked.saturating_sub(ledger.settled_at_reading).max(0);
    ledger.consumed.saturating_add(on_top)
}

/// Whether `cost` more messages may be sent.
#[must_use]
pub fn has_room(ledger: &PushLedger, cost: i64) -> bool {
    ledger.limit.is_none_or(|limit| used(ledger).saturating_add(cost) <= limit)
}

/// Whether LINE has to be asked again before the ledger is believed to have room for `cost`, or to
/// have none.
#[must_use]
pub fn is_stale(ledger: &PushLedger, cost: i64, now: Timestamp) -> bool {
    let near = ledger.limit.is_some_and(|limit| used(ledger).saturating_add(cost) > limit - limit / 10);
    now.since(timestamp(ledger.read_at)) >= if near { FRESH_NEAR_LIMIT } else { FRESH }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::*;

    fn ledger(limit: Option<i64>, consumed: i64, booked: i64, settled_at_reading: i64) -> PushLedger {
        let at = DateTime::from_millis(0);
        PushLedger {
            id: ObjectId::from_bytes([0; 12]),
            tenant_id: "t".to_owned(),
            channel_id: "c".to_owned(),
            month: "2026-11".to_owned(),
            booked,
            settled: settled_at_reading,
            limit,
            consumed,
            settled_at_reading,
            read_at: at,
            created_at: at,
            updated_at: at,
            version: 0,
        }
    }

    #[test]
    fn what_is_under_way_while_line_counts_is_not_forgotten() {
        // 100 consumed, of which 40 ours and settled; 5 booked and under way, 3 booked since.
        let ledger = ledger(Some(110), 100, 48, 40);
        assert_eq!(used(&ledger), 108);
        assert!(has_room(&ledger, 2));
        assert!(!has_room(&ledger, 3));
    }

    #[test]
    fn the_last_message_of_the_month_may_be_sent() {
        assert!(has_room(&ledger(Some(200), 199, 0, 0), 1));
        assert!(!has_room(&ledger(Some(200), 200, 0, 0), 1));
        assert!(has_room(&ledger(None, 1_000_000, 0, 0), 500));
    }

    #[test]
    fn a_reading_ages_faster_near_the_limit() {
        let (far, near) = (ledger(Some(200), 10, 0, 0), ledger(Some(200), 185, 0, 0));
        let after = |seconds: u64| Timestamp(0).plus(Duration::from_secs(seconds));
        assert!(!is_stale(&far, 1, after(599)));
        assert!(is_stale(&far, 1, after(600)));
        assert!(!is_stale(&near, 1, after(59)));
        assert!(is_stale(&near, 1, after(60)));
        // A big group is near the limit sooner.
        assert!(is_stale(&far, 180, after(60)));
    }
}
