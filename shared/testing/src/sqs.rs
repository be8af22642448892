//! SQS batches as Lambda hands them over.

use std::collections::{BTreeSet, HashMap};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use matome_domain::queue::QueueMessage;

/// A batch of messages, `message_id`s `m0`, `m1`, … in order, receipt handles `r0`, `r1`, …
#[must_use]
pub fn batch<M: QueueMessage>(messages: &[M]) -> SqsEvent {
    let bodies = messages.iter().map(|m| {
        (serde_json::to_string(m).expect("queue messages are JSON"), m.group_id().unwrap_or_default())
    });
    raw_batch(M::QUEUE, bodies)
}

/// A batch of raw bodies with their FIFO groups.
#[must_use]
pub fn raw_batch(queue: &str, bodies: impl IntoIterator<Item = (String, String)>) -> SqsEvent {
    let records = bodies.into_iter().enumerate().map(|(index, (body, group))| {
        let mut record = SqsMessage::default();
        record.message_id = Some(format!("m{index}"));
        record.receipt_handle = Some(format!("r{index}"));
        record.body = Some(body);
        record.event_source_arn = Some(format!("arn:aws:sqs:ap-northeast-1:000000000000:test-{queue}"));
        record.attributes = HashMap::from([
            ("ApproximateReceiveCount".to_owned(), "1".to_owned()),
            ("MessageGroupId".to_owned(), group),
        ]);
        record
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}

/// The batch as it is delivered for the `receive_count`-th time.
#[must_use]
pub fn again(mut event: SqsEvent, receive_count: u32) -> SqsEvent {
    for record in &mut event.records {
        record.attributes.insert("ApproximateReceiveCount".to_owned(), receive_count.to_string());
    }
    event
}

/// The positions in the batch of the messages that go back to the queue.
#[must_use]
pub fn returned(response: &SqsBatchResponse) -> BTreeSet<usize> {
    let position = |id: &str| id.trim_start_matches('m').parse().expect("our own message ids");
    response.batch_item_failures.iter().map(|f| position(&f.item_identifier)).collect()
}
