//! Consuming SQS: a Lambda event becomes typed messages, and what failed becomes the partial batch
//! response. On a FIFO queue a failure takes the later messages of its group with it: SQS would
//! otherwise deliver the failed one again *after* them.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::collections::HashSet;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use matome_domain::clock::Timestamp;
use matome_domain::queue::QueueMessage;

/// The batch cannot be answered message by message; the invocation must fail as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A record without `messageId` could not be named in the response, and would count as done.
    #[error("record {index} has no messageId")]
    NoMessageId {
        /// Its place in the event.
        index: usize,
    },
}

/// One message as SQS delivered it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<M> {
    /// SQS's id: what [`BatchOutcome::fail`] wants.
    pub message_id: String,
    /// FIFO group; `None` on a standard queue.
    pub group: Option<String>,
    /// `ApproximateReceiveCount`: 1 on the first delivery. At the queue's `maxReceiveCount` it is
    /// the last one before the dead-letter queue.
    pub receive_count: u32,
    /// When it was queued.
    pub sent_at: Option<Timestamp>,
    /// The message.
    pub message: M,
}

/// What SQS wants to hear when a message's visibility is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// SQS's id of the message.
    pub message_id: String,
    /// The queue it came from.
    pub queue_arn: String,
    /// Of this receive.
    pub handle: String,
    /// As [`Delivery::receive_count`].
    pub receive_count: u32,
}

/// A Lambda event from SQS, read.
#[derive(Debug)]
pub struct Batch<M> {
    /// The messages to work on, in order. Those that do not parse are failed already; those behind
    /// them in their FIFO group are left out where they must wait.
    pub deliveries: Vec<Delivery<M>>,
    /// Where failures are noted.
    pub outcome: BatchOutcome,
}

/// Which messages of a batch were not dealt with.
#[derive(Debug, Clone, Default)]
pub struct BatchOutcome {
    /// Every record, in the event's order.
    records: Vec<Record>,
    failed: HashSet<String>,
    /// Failed, without taking those behind them back.
    alone: HashSet<String>,
    /// Those of `alone` that will fail again.
    poison: HashSet<String>,
    unparsed: usize,
}

#[derive(Debug, Clone)]
struct Record {
    message_id: String,
    group: Option<String>,
    /// SQS will not deliver it again but move it to the dead-letter queue.
    last_delivery: bool,
    /// `None`: SQS's event came without handle or queue.
    receipt: Option<Receipt>,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    /// Goes back with those behind it, or behind one that does.
    Returned,
    /// Goes back, and nobody waits for it.
    ReturnedAlone,
}

impl<M: QueueMessage> Batch<M> {
    /// Reads the event. A body that is no `M` fails its own message (logged with its id and the
    /// place of the error, never its text) and reaches the dead-letter queue by the queue's
    /// `maxReceiveCount`.
    ///
    /// # Errors
    /// [`BatchError::NoMessageId`]: fail the invocation with it.
    pub fn read(event: SqsEvent) -> Result<Self, BatchError> {
        Self::read_as(event, u32::MAX, BatchOutcome::fail)
    }

    /// As [`Batch::read`], for consumers that put their work in order themselves: a body that is no
    /// `M` is poison ([`BatchOutcome::fail_as_poison`]), and nobody waits for it.
    ///
    /// # Errors
    /// As [`Batch::read`].
    pub fn read_unordered(event: SqsEvent) -> Result<Self, BatchError> {
        Self::read_as(event, u32::MAX, BatchOutcome::fail_as_poison)
    }

    /// As [`Batch::read`], for a queue with this `maxReceiveCount`: a message that fails on its last
    /// delivery goes back alone, and those behind it in its FIFO group are worked on. SQS counts a
    /// receive for every message that is returned, so those held back behind a poison message until
    /// its end would be moved to the dead-letter queue with it, healthy as they are; and order is
    /// not lost by it, for the poison message is not delivered again.
    ///
    /// # Errors
    /// As [`Batch::read`].
    pub fn read_within(event: SqsEvent, max_receive_count: u32) -> Result<Self, BatchError> {
        Self::read_as(event, max_receive_count, BatchOutcome::fail)
    }

    fn read_as(
        event: SqsEvent,
        max_receive_count: u32,
        fail: fn(&mut BatchOutcome, &str),
    ) -> Result<Self, BatchError> {
        let mut outcome = BatchOutcome::default();
        let mut deliveries = Vec::with_capacity(event.records.len());
        for (index, record) in event.records.into_iter().enumerate() {
            let message_id = record.message_id.clone().filter(|id| !id.is_empty());
            let message_id = message_id.ok_or(BatchError::NoMessageId { index })?;
            let group = group(&record);
            let receive_count = number(&record, "ApproximateReceiveCount").unwrap_or(1);
            let last_delivery = receive_count >= max_receive_count;
            outcome.records.push(Record {
                message_id: message_id.clone(),
                group: group.clone(),
                last_delivery,
                receipt: receipt(&record, &message_id, receive_count),
            });
            match serde_json::from_str::<M>(record.body.as_deref().unwrap_or_default()) {
                Ok(message) => deliveries.push(Delivery {
                    message_id,
                    group,
                    receive_count,
                    sent_at: number(&record, "SentTimestamp").map(Timestamp),
                    message,
                }),
                Err(e) => {
                    // serde's own text may repeat the value it stumbled over.
                    tracing::error!(
                        queue = M::QUEUE, message.id = %message_id, error.kind = ?e.classify(),
                        error.line = e.line(), error.column = e.column(), "a message does not parse"
                    );
                    outcome.unparsed += 1;
                    fail(&mut outcome, &message_id);
                }
            }
        }
        if outcome.unparsed > 0 {
            metrics::counter!("MessagesUnparsed").increment(outcome.unparsed as u64);
            let returned = outcome.returned();
            deliveries.retain(|d| !returned.contains(d.message_id.as_str()));
        }
        Ok(Self { deliveries, outcome })
    }

    /// The deliveries by FIFO group, each group in order, groups in the order of their first
    /// message. Groups can be worked on side by side. Each message of a standard queue is a group.
    #[must_use]
    pub fn into_groups(self) -> (Vec<Vec<Delivery<M>>>, BatchOutcome) {
        let mut groups: Vec<Vec<Delivery<M>>> = Vec::new();
        for delivery in self.deliveries {
            let same = |g: &&mut Vec<Delivery<M>>| g[0].group.is_some() && g[0].group == delivery.group;
            match groups.iter_mut().find(same) {
                Some(group) => group.push(delivery),
                None => groups.push(vec![delivery]),
            }
        }
        (groups, self.outcome)
    }
}

impl BatchOutcome {
    /// Notes that a message was not dealt with; on a FIFO queue the later ones of its group go
    /// back with it.
    pub fn fail(&mut self, message_id: &str) {
        self.failed.insert(message_id.to_owned());
    }

    /// Notes that a message was not dealt with and that nobody has to wait for it: for consumers
    /// that put their work in order themselves, and whose healthy messages would otherwise follow
    /// a poisonous one into the dead-letter queue.
    pub fn fail_alone(&mut self, message_id: &str) {
        self.alone.insert(message_id.to_owned());
    }

    /// As [`BatchOutcome::fail_alone`], for a message whose fault lies in itself: there is no use in
    /// waiting long before it is delivered again.
    pub fn fail_as_poison(&mut self, message_id: &str) {
        self.fail_alone(message_id);
        self.poison.insert(message_id.to_owned());
    }

    /// The poison of the batch, for [`crate::queue::Queues::return_soon`]. Without what goes back behind
    /// another message of its group, which keeps its place there.
    #[must_use]
    pub fn poison(&self) -> Vec<Receipt> {
        let poison = |(record, fate): &(&Record, Fate)| {
            *fate == Fate::ReturnedAlone && self.poison.contains(&record.message_id)
        };
        self.fates().into_iter().filter(poison).filter_map(|(record, _)| record.receipt.clone()).collect()
    }

    /// Whether this message goes back to the queue: it failed, or an earlier one of its FIFO group
    /// did, in which case it must not be worked on now.
    #[must_use]
    pub fn is_returned(&self, message_id: &str) -> bool {
        self.returned().contains(message_id)
    }

    /// How many messages did not parse.
    #[must_use]
    pub fn unparsed(&self) -> usize {
        self.unparsed
    }

    /// How many messages there are, and how many go back.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.records.len(), self.returned().len())
    }

    /// The answer to Lambda (the event source mapping must have `ReportBatchItemFailures`).
    #[must_use]
    pub fn response(&self) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let returned = self.returned();
        for record in self.records.iter().filter(|r| returned.contains(r.message_id.as_str())) {
            response.add_failure(record.message_id.clone());
        }
        response
    }

    fn returned(&self) -> HashSet<&str> {
        let fates = self.fates().into_iter();
        fates.filter(|(_, fate)| *fate != Fate::Done).map(|(record, _)| record.message_id.as_str()).collect()
    }

    fn fates(&self) -> Vec<(&Record, Fate)> {
        let mut stopped = HashSet::new();
        let fate = |record: &Record| {
            let Record { message_id, group, last_delivery, .. } = record;
            let behind = group.as_ref().is_some_and(|g| stopped.contains(g));
            if behind || self.failed.contains(message_id) {
                if behind || !last_delivery {
                    stopped.extend(group.clone());
                }
                Fate::Returned
            } else if self.alone.contains(message_id) {
                Fate::ReturnedAlone
            } else {
                Fate::Done
            }
        };
        let fates: Vec<Fate> = self.records.iter().map(fate).collect();
        self.records.iter().zip(fates).collect()
    }
}

/// The FIFO group. Standard queues may carry a group as well (fair queues), but keep no order.
fn group(record: &SqsMessage) -> Option<String> {
    let fifo = record.event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(".fifo"));
    if fifo { record.attributes.get("MessageGroupId").cloned() } else { None }
}

fn receipt(record: &SqsMessage, message_id: &str, receive_count: u32) -> Option<Receipt> {
    Some(Receipt {
        message_id: message_id.to_owned(),
        queue_arn: record.event_source_arn.clone()?,
        handle: record.receipt_handle.clone()?,
        receive_count,
    })
}

fn number<T: std::str::FromStr>(record: &SqsMessage, attribute: &str) -> Option<T> {
    record.attributes.get(attribute)?.parse().ok()
}

#[cfg(test)]
mod tests;
