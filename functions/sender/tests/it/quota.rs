//! The month's quota: never exceeded, and nothing lost when it is spent.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use matome_domain::fault::Faults;
use matome_line_simulator::{Endpoint, Sent};
use matome_store::entities::OutboxState;

use crate::stage::Stage;

#[tokio::test]
async fn a_spent_quota_is_not_tried_and_the_summary_waits_for_a_free_token() {
    let stage = Stage::group(5).await;
    stage.set_quota(200, 196);
    let after = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::QuotaRefused, Some("quota_spent")));
    assert_eq!((after.cost, after.booked_month), (5, None));
    assert_eq!(stage.calls(Endpoint::Push), 0);
    assert_eq!(stage.room_now().await.waiting_summary_id, Some(stage.summary.id));
    assert_eq!(stage.ledger().await.unwrap().booked, 0);
}

#[tokio::test]
async fn the_last_messages_of_the_month_are_used() {
    let stage = Stage::group(5).await;
    stage.set_quota(200, 195);
    let after = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!(after.state, OutboxState::Accepted);
    assert_eq!(stage.quota_used(), 200);
}

#[tokio::test]
async fn a_quota_that_others_spent_meanwhile_is_lines_word() {
    let stage = Stage::chat().await;
    stage.set_quota(200, 0);
    let first = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!(first.state, OutboxState::Accepted);
    // Within the ten minutes in which the reading is believed.
    stage.set_quota(200, 200);
    let second = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!((second.state, second.error.as_deref()), (OutboxState::QuotaRefused, Some("quota_spent")));
    assert_eq!(stage.calls(Endpoint::Push), 2);
    assert_eq!(stage.room_now().await.waiting_summary_id, Some(stage.summary.id));
    let third = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!(third.state, OutboxState::QuotaRefused);
    assert_eq!(stage.calls(Endpoint::Push), 2, "LINE's word is remembered");
    let ledger = stage.ledger().await.unwrap();
    assert_eq!((ledger.booked, ledger.settled), (1, 1));
}

#[tokio::test]
async fn a_quota_is_asked_for_again_when_its_reading_is_old() {
    let stage = Stage::chat().await;
    stage.set_quota(200, 0);
    for _ in 0..3 {
        stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    }
    assert_eq!(stage.calls(Endpoint::QuotaConsumption), 1);
    stage.system.clock.advance(Duration::from_secs(10 * 60));
    stage.set_quota(300, 3);
    stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!(stage.calls(Endpoint::QuotaConsumption), 2);
    let ledger = stage.ledger().await.unwrap();
    assert_eq!((ledger.limit, ledger.consumed, ledger.booked), (Some(300), 3, 4));
}

#[tokio::test]
async fn a_new_month_has_a_quota_of_its_own() {
    let stage = Stage::chat().await;
    stage.set_quota(200, 200);
    let refused = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!(refused.state, OutboxState::QuotaRefused);
    // 2026-11-30T15:00:00Z: midnight in Japan.
    stage.system.clock.set(matome_domain::clock::Timestamp(1_796_050_800_000));
    stage.set_quota(200, 0);
    let sent = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert_eq!((sent.state, sent.booked_month.as_deref()), (OutboxState::Accepted, Some("2026-12")));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_senders_at_once_never_exceed_the_quota() {
    let stage = Stage::chat().await;
    stage.set_quota(105, 100);
    let mut entries = Vec::new();
    for _ in 0..10 {
        entries.push(stage.queue(stage.the_summary(), None).await);
    }
    let returned = join_all(entries.iter().map(|e| stage.deliver_with(e, Faults::none()))).await;
    assert!(returned.iter().all(|returned| !returned), "{returned:?}");
    let mut states = BTreeMap::new();
    for entry in &entries {
        *states.entry(format!("{:?}", stage.stored(entry).await.state)).or_insert(0) += 1;
    }
    assert_eq!(states, BTreeMap::from([("Accepted".to_owned(), 5), ("QuotaRefused".to_owned(), 5)]));
    assert_eq!(stage.calls(Endpoint::Push), 5, "nobody runs into LINE's own limit");
    assert_eq!(stage.seen_as(), [Sent::Push; 5]);
    assert_eq!(stage.quota_used(), 105);
    let ledger = stage.ledger().await.unwrap();
    assert_eq!((ledger.booked, ledger.settled), (5, 5));
}
