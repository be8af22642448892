use std::time::Duration;

use matome_domain::fault::Faults;
use matome_domain::ids::{ChannelId, ConversationId, DocumentId, TenantId};
use matome_domain::queue::{Inbound, InboundEvent, MediaJob};

use super::*;
use crate::random::SeededRandom;

fn event(id: usize) -> Inbound {
    Inbound::Event(InboundEvent {
        tenant_id: TenantId::new("t1").unwrap(),
        channel_id: ChannelId::new("c1").unwrap(),
        conversation_id: ConversationId::new("U1").unwrap(),
        event_id: format!("e{id}"),
        received_at: matome_domain::clock::Timestamp(0),
        event: serde_json::json!({"n": id}),
    })
}

/// A message of a FIFO queue that leaves its deduplication id to the sender.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Anonymous(u32);

impl QueueMessage for Anonymous {
    const QUEUE: &'static str = "anonymous.fifo";

    fn group_id(&self) -> Option<String> {
        Some("g".to_owned())
    }

    fn deduplication_id(&self) -> Option<String> {
        None
    }
}

fn media() -> MediaJob {
    MediaJob { tenant_id: TenantId::new("t1").unwrap(), message_id: DocumentId::new("m1").unwrap() }
}

fn events(n: usize) -> Vec<Inbound> {
    (0..n).map(event).collect()
}

#[tokio::test]
async fn messages_go_out_in_order_ten_a_request() {
    let (queues, recording) = Queues::recording();
    queues.send_batch(&events(25)).await.unwrap();
    assert_eq!(recording.requests(), 3);
    assert_eq!(recording.sent::<Inbound>(), events(25));
    let entry = &recording.entries()[3];
    assert_eq!(entry.group.as_deref(), Some("t1#0"));
    assert_eq!(entry.deduplication.as_deref(), Some("c1#e3"));
}

#[tokio::test]
async fn a_message_without_its_own_id_gets_a_fresh_one_on_fifo_and_none_elsewhere() {
    let (queues, recording) = Queues::recording();
    queues.send_batch(&[Anonymous(1), Anonymous(1)]).await.unwrap();
    queues.send(&media()).await.unwrap();
    let ids: Vec<_> = recording.entries().into_iter().map(|e| e.deduplication).collect();
    assert!(ids[0].is_some() && ids[1].is_some() && ids[0] != ids[1]);
    assert_eq!(ids[2], None);
}

#[tokio::test]
async fn an_entry_refused_in_passing_is_sent_again() {
    let (queues, recording) = Queues::recording();
    recording.refuse([Refuse::Entry(1), Refuse::Entry(0)]);
    queues.send_batch(&[Anonymous(0), Anonymous(1), Anonymous(2)]).await.unwrap();
    assert_eq!(recording.requests(), 3);
    assert_eq!(recording.sent::<Anonymous>(), [Anonymous(0), Anonymous(2), Anonymous(1)]);
}

#[tokio::test]
async fn an_entry_that_stays_refused_fails_the_batch_and_stops_what_follows() {
    let (queues, recording) = Queues::recording();
    recording.refuse([Refuse::Entry(4), Refuse::Entry(0), Refuse::Entry(0)]);
    let err = queues.send_batch(&events(12)).await.unwrap_err();
    let QueueError::Batch(failure) = err else { panic!("{err:?}") };
    assert_eq!(failure.not_queued, [4, 10, 11]);
    assert_eq!((failure.total, failure.codes), (12, vec!["InternalError".to_owned()]));
    assert_eq!(recording.sent::<Inbound>().len(), 9);
}

#[tokio::test]
async fn an_entry_refused_for_good_is_not_sent_again() {
    let (queues, recording) = Queues::recording();
    recording.refuse([Refuse::EntryForGood(0)]);
    let err = queues.send_batch(&events(2)).await.unwrap_err();
    assert!(matches!(err, QueueError::Batch(f) if f.not_queued == [0]));
    assert_eq!(recording.requests(), 1);
}

#[tokio::test]
async fn a_message_too_large_for_sqs_is_named_and_nothing_is_sent() {
    let (queues, recording) = Queues::recording();
    let Inbound::Event(mut large) = event(1) else { unreachable!() };
    large.event = serde_json::json!("x".repeat(MAX_BYTES));
    let err = queues.send_batch(&[event(0), Inbound::Event(large)]).await.unwrap_err();
    assert!(matches!(err, QueueError::TooLarge { queue: "inbound.fifo", index: 1, .. }));
    assert_eq!(recording.requests(), 0);
}

#[tokio::test]
async fn a_delay_is_for_standard_queues_only() {
    let (queues, recording) = Queues::recording();
    queues.send_delayed(&media(), Duration::from_secs(5_000)).await.unwrap();
    assert_eq!(recording.entries()[0].delay, MAX_DELAY);
    let err = queues.send_delayed(&event(0), Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(err, QueueError::DelayOnFifo { queue: "inbound.fifo" }));
}

#[tokio::test]
async fn a_crash_before_leaves_nothing_and_a_crash_after_leaves_all() {
    for (boundary, left) in [("queue.send.before", 0), ("queue.send.after", 2)] {
        let (queues, recording) = Queues::recording_with(Faults::at(move |at| at == boundary));
        let err = queues.send_batch(&events(2)).await.unwrap_err();
        assert!(matches!(err, QueueError::Injected(_)));
        assert_eq!(recording.entries().len(), left, "{boundary}");
    }
}

#[tokio::test]
async fn a_queue_that_was_not_given_is_named() {
    let aws = Aws::from_env(
        &Env::from_map([
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
            ("AWS_REGION", "us-east-1"),
        ]),
        crate::aws::Patience::CONSUMER,
    )
    .unwrap();
    let queues = Queues::new(&aws, Arc::new(SeededRandom::new(0)));
    let err = queues.send(&media()).await.unwrap_err();
    assert_eq!(err.to_string(), "queue media is not configured for this function");
    let err = queues.with::<MediaJob>(&Env::from_map([("X", "")])).err().unwrap();
    assert_eq!(err.to_string(), "MEDIA_QUEUE_URL is not set");
}
