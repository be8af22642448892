//! Pushes: each retried as the same request, each paid for once.

use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_line_simulator::{Endpoint, Fault, Place, Sent};
use matome_store::entities::{OutboxEntry, OutboxKind, OutboxState, Purpose};
use matome_testing::crash::once_at;
use matome_testing::fixtures;
use serde_json::Value;

use crate::stage::Stage;

async fn assert_paid_once(stage: &Stage, cost: i64) {
    let ledger = stage.ledger().await.expect("a push is booked");
    assert_eq!((ledger.booked, ledger.settled), (cost, cost));
    assert_eq!(ledger.month, "2026-11");
    assert_eq!(i64::try_from(stage.quota_used()).unwrap(), cost);
}

fn accepted_push(entry: &OutboxEntry) -> bool {
    (entry.state, entry.sent_as) == (OutboxState::Accepted, Some(OutboxKind::Push))
}

#[tokio::test]
async fn a_push_to_a_group_costs_as_many_messages_as_it_has_members() {
    let stage = Stage::group(5).await;
    let after = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
    assert!(accepted_push(&after));
    assert_eq!((after.cost, after.booked_month.as_deref()), (5, Some("2026-11")));
    assert_eq!(after.push_body, None, "what was said is not kept in the outbox");
    assert_paid_once(&stage, 5).await;
}

#[tokio::test]
async fn members_are_counted_from_what_was_seen_when_line_does_not_tell() {
    for fault in [Fault::Status(403), Fault::Status(404)] {
        let stage = Stage::group(2).await;
        for user in ["U1", "U2", "U3"] {
            stage.insert(&fixtures::member(&stage.room, user)).await;
        }
        stage.line.fail_next(Endpoint::MemberCount, fault, 1);
        let after = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
        assert_eq!((after.state, after.cost), (OutboxState::Accepted, 3), "{fault:?}");
    }
}

#[tokio::test]
async fn a_push_whose_answer_is_lost_is_cleared_up_by_its_retry_key() {
    let stage = Stage::group(3).await;
    let entry = stage.queue(stage.the_summary(), None).await;
    stage.line.fail_next(Endpoint::Push, Fault::DropAfter, 1);
    let after = stage.deliver(&entry).await;
    assert!(accepted_push(&after));
    let first = stage
        .line
        .inspect(|w| w.calls.iter().find(|c| c.endpoint == Endpoint::Push).map(|c| c.request_id.clone()));
    assert_eq!(after.request_id, first, "the request that LINE took");
    assert_eq!(stage.seen_as(), [Sent::Push]);
    assert_paid_once(&stage, 3).await;
}

#[tokio::test]
async fn every_attempt_of_a_push_is_the_same_request_whatever_changed_meanwhile() {
    let stage = Stage::group(3).await;
    let entry = stage.queue(stage.the_summary(), None).await;
    stage.line.fail_next(Endpoint::Push, Fault::Status(500), 2);
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Queued, Some("unavailable_500")));
    let summaries = stage.tenant.store.collection::<matome_store::entities::Summary>();
    let rewritten = doc! { "$set": { "content.brief": "Something else." } };
    summaries.update(doc! { "_id": stage.summary.id }, rewritten).await.unwrap();
    stage.system.clock.advance(Duration::from_secs(6 * 60));
    assert!(accepted_push(&stage.deliver(&entry).await));
    let bodies: Vec<Option<Value>> = stage.line.inspect(|w| {
        w.calls.iter().filter(|c| c.endpoint == Endpoint::Push).map(|c| c.body.clone()).collect()
    });
    assert_eq!(bodies.len(), 3);
    assert!(bodies[0].is_some() && bodies.iter().all(|b| *b == bodies[0]));
    assert_paid_once(&stage, 3).await;
}

#[tokio::test]
async fn a_push_that_line_never_saw_begins_anew() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), None).await;
    stage.line.fail_next(Endpoint::Push, Fault::RateLimited(Some(1)), 2);
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Queued, Some("rate_limited")));
    assert_eq!((after.push_begun_at, after.push_body, after.booked_month), (None, None, None));
    assert_eq!(stage.ledger().await.unwrap().booked, 0);
    assert!(accepted_push(&stage.deliver(&entry).await));
    assert_paid_once(&stage, 1).await;
}

#[tokio::test]
async fn a_push_is_not_repeated_once_line_has_forgotten_its_retry_key() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), None).await;
    assert!(stage.deliver_with(&entry, once_at("sender.push_answered", 1)).await);
    stage.system.clock.advance(Duration::from_secs(24 * 60 * 60));
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Ambiguous, Some("retry_key_expired")));
    assert_eq!(stage.calls(Endpoint::Push), 1);
    assert_paid_once(&stage, 1).await;
}

#[tokio::test]
async fn what_line_refuses_for_good_fails_and_costs_nothing() {
    for (fault, code) in [(400, "rejected_400"), (403, "forbidden")] {
        let stage = Stage::chat().await;
        let entry = stage.queue(stage.the_summary(), None).await;
        stage.line.fail_next(Endpoint::Push, Fault::Status(fault), 1);
        let after = stage.deliver(&entry).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some(code)));
        assert_eq!((after.booked_month, after.push_body), (None, None));
        assert_eq!(stage.ledger().await.unwrap().booked, 0);
    }
}

#[tokio::test]
async fn a_recipient_without_a_room_is_pushed_to_for_one_message() {
    let stage = Stage::group(4).await;
    let organizations = stage.system.store.platform_collection::<matome_store::entities::Organization>();
    let deliver_to =
        doc! { "$set": { "settings.delivery": { "target": "recipients", "recipients": [&stage.user] } } };
    organizations.update_one(doc! { "tenantId": stage.tenant.id.as_str() }, deliver_to).await.unwrap();
    let entry = stage
        .queue_with(stage.the_summary(), None, |e| {
            e.room_id = None;
            e.conversation_id.clone_from(&stage.user);
        })
        .await;
    let after = stage.deliver(&entry).await;
    assert!(accepted_push(&after));
    let seen = stage.line.inspect(|w| w.sent_to(&Place::User(stage.user.clone())).len());
    assert_eq!((seen, stage.seen().len()), (1, 0));
    assert_paid_once(&stage, 1).await;
}

#[tokio::test]
async fn an_entry_that_nobody_takes_is_given_up_after_hours_and_many_attempts() {
    let stage = Stage::chat().await;
    let entry = stage.queue(Purpose::Welcome, None).await;
    for _ in 0..10 {
        stage.line.fail_next(Endpoint::Push, Fault::RateLimited(None), 2);
        assert_eq!(stage.deliver(&entry).await.state, OutboxState::Queued);
        stage.system.clock.advance(Duration::from_secs(20 * 60));
    }
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("gave_up")));
    assert_eq!(stage.ledger().await.unwrap().booked, 0);
    assert!(!stage.deliver_with(&entry, Faults::none()).await);
}

#[tokio::test]
async fn an_account_that_may_not_push_fails_before_anything_is_booked() {
    let (chat, group) = (Stage::chat().await, Stage::group(2).await);
    for stage in [&chat, &group] {
        stage
            .line
            .update_channel(stage.tenant.channel.as_str(), |c| c.channel_secret = "rotated".to_owned())
            .unwrap();
        let after = stage.deliver(&stage.queue(stage.the_summary(), None).await).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("unauthorized")));
        assert!(stage.ledger().await.is_none());
    }
}
