//! Order within a conversation, independence between conversations.

use std::collections::BTreeSet;

use matome_domain::fault::Faults;
use matome_domain::ids::DocumentId;
use matome_domain::queue::{OutboundJob, QueueMessage};
use matome_line_simulator::{Endpoint, Fault};
use matome_store::entities::{OutboxState, Purpose};
use matome_testing::{fixtures, sqs};

use crate::stage::Stage;

#[tokio::test]
async fn what_follows_a_postponed_message_in_its_conversation_waits_for_it() {
    let stage = Stage::chat().await;
    let first = stage.queue(stage.the_summary(), None).await;
    let second = stage.queue(Purpose::Welcome, Some(stage.token())).await;
    stage.line.fail_next(Endpoint::Push, Fault::Status(500), 2);
    let jobs = [&first, &second].map(|e| fixtures::outbound_job(&stage.tenant, e));
    let sender = stage.sender(Faults::none());
    let response = matome_sender::handle(sqs::batch(&jobs), &sender).await.unwrap();
    assert_eq!(sqs::returned(&response), BTreeSet::from([0, 1]));
    assert_eq!(stage.stored(&second).await.attempts, 0);
    let response = matome_sender::handle(sqs::batch(&jobs), &sender).await.unwrap();
    assert_eq!(sqs::returned(&response), BTreeSet::new());
    for entry in [&first, &second] {
        assert_eq!(stage.stored(entry).await.state, OutboxState::Accepted);
    }
}

#[tokio::test]
async fn one_conversation_does_not_hold_up_another() {
    let stage = Stage::chat().await;
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    let good = fixtures::outbound_job(&stage.tenant, &entry);
    let bad = OutboundJob { outbox_id: DocumentId::new("no-document").unwrap(), ..good.clone() };
    let elsewhere = format!("{}#Uelsewhere", stage.tenant.id);
    let bodies = [
        (serde_json::to_string(&bad).unwrap(), elsewhere.clone()),
        ("{".to_owned(), "other".to_owned()),
        (serde_json::to_string(&good).unwrap(), good.group_id().unwrap()),
    ];
    let event = sqs::raw_batch(OutboundJob::QUEUE, bodies);
    let response = matome_sender::handle(event, &stage.sender(Faults::none())).await.unwrap();
    assert_eq!(sqs::returned(&response), BTreeSet::from([0, 1]));
    assert_eq!(stage.stored(&entry).await.state, OutboxState::Accepted);
}

#[tokio::test]
async fn a_job_on_its_last_delivery_does_not_take_its_followers_along() {
    let stage = Stage::chat().await;
    let first = stage.queue(stage.the_summary(), None).await;
    let second = stage.queue(Purpose::Welcome, Some(stage.token())).await;
    stage.line.fail_next(Endpoint::Push, Fault::Status(500), 2);
    let mut event = sqs::batch(&[&first, &second].map(|e| fixtures::outbound_job(&stage.tenant, e)));
    event.records[0].attributes.insert("ApproximateReceiveCount".to_owned(), "5".to_owned());
    let response = matome_sender::handle(event, &stage.sender(Faults::none())).await.unwrap();
    assert_eq!(sqs::returned(&response), BTreeSet::from([0]));
    assert_eq!(stage.stored(&first).await.state, OutboxState::Queued, "the scheduler brings it back");
    assert_eq!(stage.stored(&second).await.state, OutboxState::Accepted);
}

#[tokio::test]
async fn a_job_whose_entry_is_gone_is_done() {
    let stage = Stage::chat().await;
    let entry = fixtures::entry(&stage.room, Purpose::Welcome, None, String::new());
    assert!(!stage.deliver_with(&entry, Faults::none()).await);
    assert_eq!(stage.all_calls(), 0);
}

#[tokio::test]
async fn two_senders_with_the_same_entry_say_it_once() {
    let stage = Stage::group(2).await;
    for token in [true, false, true, false] {
        let before = stage.seen().len();
        let entry = stage.queue(stage.the_summary(), token.then(|| stage.token())).await;
        let (one, other) = tokio::join!(
            stage.deliver_with(&entry, Faults::none()),
            stage.deliver_with(&entry, Faults::none())
        );
        // Whoever was overtaken gets the job again, and finds it done or finishes it.
        if one || other {
            stage.deliver(&entry).await;
        }
        assert_ne!(stage.stored(&entry).await.state, OutboxState::Queued);
        assert_eq!(stage.seen().len(), before + 1);
    }
    let ledger = stage.ledger().await.unwrap();
    assert_eq!((ledger.booked, ledger.settled), (4, 4));
    assert_eq!(stage.quota_used(), 4);
}
