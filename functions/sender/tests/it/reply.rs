//! Replies: free, and never said twice.

use matome_line_simulator::{Endpoint, Fault, Sent};
use matome_store::entities::{OutboxKind, OutboxState, Purpose, Session};

use crate::stage::{Stage, TOKEN_LIFE};

#[tokio::test]
async fn everything_there_is_to_say_goes_out_free_of_charge_while_the_token_is_fresh() {
    let stage = Stage::group(3).await;
    let summary_id = stage.summary.id;
    let purposes = [
        Purpose::Summary { summary_id },
        Purpose::Details { summary_id },
        Purpose::SummaryReady { summary_id },
        Purpose::NothingToSummarize,
        Purpose::RatingThanks { rating: 5 },
        Purpose::Welcome,
    ];
    let count = purposes.len();
    for purpose in purposes {
        let entry = stage.queue(purpose, Some(stage.token())).await;
        let sent = stage.deliver(&entry).await;
        assert_eq!((sent.state, sent.sent_as), (OutboxState::Accepted, Some(OutboxKind::Reply)), "{entry:?}");
        assert!(sent.request_id.is_some() && sent.accepted_at.is_some() && sent.error.is_none());
    }
    assert_eq!(stage.seen_as(), vec![Sent::Reply; count]);
    assert_eq!(stage.quota_used(), 0);
    assert_eq!(stage.calls(Endpoint::Push) + stage.calls(Endpoint::Quota), 0);
    assert!(stage.ledger().await.is_none());
}

#[tokio::test]
async fn a_job_delivered_again_says_nothing_again() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    let first = stage.deliver(&entry).await;
    assert_eq!(stage.deliver(&entry).await, first);
    assert_eq!(stage.seen_as(), [Sent::Reply]);
    assert_eq!(stage.calls(Endpoint::Reply), 1);
}

#[tokio::test]
async fn an_expired_token_is_not_tried() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    stage.system.clock.advance(TOKEN_LIFE);
    let sent = stage.deliver(&entry).await;
    assert_eq!((sent.state, sent.sent_as), (OutboxState::Accepted, Some(OutboxKind::Push)));
    assert_eq!(stage.calls(Endpoint::Reply), 0);
    assert_eq!(stage.seen_as(), [Sent::Push]);
}

#[tokio::test]
async fn a_token_that_somebody_else_used_costs_a_push_but_not_the_message() {
    let stage = Stage::chat().await;
    let token = stage.token();
    stage.deliver(&stage.queue(Purpose::Welcome, Some(token.clone())).await).await;
    let sent = stage.deliver(&stage.queue(stage.the_summary(), Some(token)).await).await;
    assert_eq!((sent.state, sent.sent_as), (OutboxState::Accepted, Some(OutboxKind::Push)));
    assert_eq!(sent.reply_token, None);
    assert_eq!(stage.seen_as(), [Sent::Reply, Sent::Push]);
}

#[tokio::test]
async fn a_reply_whose_answer_is_lost_is_ambiguous_and_said_once() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    stage.line.fail_next(Endpoint::Reply, Fault::DropAfter, 1);
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Ambiguous, Some("reply_unknown")));
    assert_eq!(stage.calls(Endpoint::Reply), 2, "the same token is tried again");
    assert_eq!(stage.calls(Endpoint::Push), 0, "a push could say it twice");
    assert_eq!(stage.seen_as(), [Sent::Reply]);
}

#[tokio::test]
async fn a_reply_that_did_not_go_out_is_made_good_with_the_same_token() {
    for fault in [Fault::DropBefore, Fault::Status(500), Fault::RateLimited(None)] {
        let stage = Stage::chat().await;
        let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
        stage.line.fail_next(Endpoint::Reply, fault, 2);
        let after = stage.deliver(&entry).await;
        assert_eq!(
            (after.state, after.sent_as),
            (OutboxState::Accepted, Some(OutboxKind::Reply)),
            "{fault:?}"
        );
        assert_eq!(after.error, None);
        assert_eq!(stage.seen_as(), [Sent::Reply], "{fault:?}");
    }
}

#[tokio::test]
async fn a_reply_of_unknown_outcome_is_never_followed_by_a_push() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    stage.line.fail_next(Endpoint::Reply, Fault::Status(500), 3);
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Queued, Some("unavailable_500")));
    stage.system.clock.advance(TOKEN_LIFE);
    let after = stage.deliver(&entry).await;
    assert_eq!(after.state, OutboxState::Ambiguous);
    assert_eq!((stage.calls(Endpoint::Reply), stage.calls(Endpoint::Push)), (3, 0));
}

#[tokio::test]
async fn a_reply_that_certainly_did_not_go_out_becomes_a_push_when_its_token_expires() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    stage.line.fail_next(Endpoint::Reply, Fault::RateLimited(Some(1)), 3);
    assert_eq!(stage.deliver(&entry).await.state, OutboxState::Queued);
    stage.system.clock.advance(TOKEN_LIFE);
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.sent_as), (OutboxState::Accepted, Some(OutboxKind::Push)));
    assert_eq!(stage.seen_as(), [Sent::Push]);
}

#[tokio::test]
async fn answers_to_taps_are_never_paid_for() {
    let stage = Stage::chat().await;
    for purpose in [stage.the_summary(), Purpose::RatingThanks { rating: 1 }, Purpose::NothingToSummarize] {
        let entry = stage.queue_answer(purpose, stage.token()).await;
        stage.system.clock.advance(TOKEN_LIFE);
        let after = stage.deliver(&entry).await;
        assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("token_expired")));
    }
    assert_eq!(stage.calls(Endpoint::Push), 0);
    assert!(stage.seen().is_empty());
}

#[tokio::test]
async fn an_announcement_that_came_too_late_waits_for_the_next_token() {
    let stage = Stage::chat().await;
    let ready = Purpose::SummaryReady { summary_id: stage.summary.id };
    let entry = stage.queue_answer(ready, stage.token()).await;
    stage.system.clock.advance(TOKEN_LIFE);
    let after = stage.deliver(&entry).await;
    assert_eq!((after.state, after.error.as_deref()), (OutboxState::Failed, Some("token_expired")));
    assert_eq!(stage.room_now().await.waiting_summary_id, Some(stage.summary.id));
    assert_eq!(stage.calls(Endpoint::Push), 0);
}

#[tokio::test]
async fn a_summary_that_is_being_written_anew_is_not_shown() {
    let stage = Stage::chat().await;
    let sessions = stage.tenant.store.collection::<Session>();
    let session = bson::doc! { "_id": stage.session.id };
    sessions.update(session.clone(), bson::doc! { "$set": { "revision": 1_i64 } }).await.unwrap();
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    let tap = stage.queue_answer(stage.the_summary(), stage.token()).await;
    assert_eq!(stage.deliver(&entry).await.state, OutboxState::Queued);
    assert_eq!(stage.deliver(&tap).await.error.as_deref(), Some("being_rewritten"));
    assert!(stage.seen().is_empty());
    sessions.update(session, bson::doc! { "$set": { "revision": 0_i64 } }).await.unwrap();
    assert_eq!(stage.deliver(&entry).await.state, OutboxState::Accepted);
}
