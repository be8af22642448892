//! Poison comes back soon: a message whose fault lies in itself gains nothing by waiting, and on a FIFO
//! queue its group waits with it until it is among the dead letters.

use std::time::Duration;

use futures::future::join_all;
use matome_domain::queue::QueueMessage;

use super::{QueueError, Queues, Transport};
use crate::batch::Receipt;
use crate::lambda::Chain;

/// The visibility doubles with each receive up to this one: five receives are over after 31 s.
const LAST_DOUBLING: u32 = 5;

/// The longest that one call may take, retries included. What was recorded must not be undone by a
/// time-out of the function, only because SQS cannot be told to hurry.
const PATIENCE: Duration = Duration::from_secs(3);

impl Queues {
    /// Has poison that came from `M`'s queue, or from another one of the same account and region, delivered
    /// again after 1, 2, 4, 8, 16 s by receive count instead of the queue's visibility timeout. A failure is
    /// logged and counted, no more: the message comes back later then. Does nothing for a function that
    /// was not given `M`'s queue.
    pub async fn return_soon<M: QueueMessage>(&self, poison: &[Receipt]) {
        let Ok(known) = self.url(M::QUEUE) else { return };
        join_all(poison.iter().map(async |receipt| {
            let Err(error) = self.hide(M::QUEUE, known, receipt).await else { return };
            metrics::counter!("VisibilitiesUnchanged").increment(1);
            tracing::warn!(
                queue = M::QUEUE, message.id = %receipt.message_id, error = %Chain(&error),
                "poison comes back only after the queue's visibility timeout"
            );
        }))
        .await;
    }

    async fn hide(&self, queue: &'static str, known: &str, receipt: &Receipt) -> Result<(), QueueError> {
        let url = url_of(known, &receipt.queue_arn);
        let visibility = visibility(receipt.receive_count);
        let call = async {
            match &self.transport {
                Transport::Sqs(client) => {
                    super::sqs::hide(client, queue, &url, &receipt.handle, visibility).await
                }
                #[cfg(any(test, feature = "test-support"))]
                Transport::Recording(recording) => recording.hide(queue, url, receipt, visibility),
            }
        };
        let late = |e| QueueError::Request { queue, source: Box::new(e) };
        tokio::time::timeout(PATIENCE, call).await.map_err(late)?
    }
}

fn visibility(receive_count: u32) -> Duration {
    Duration::from_secs(1 << (receive_count.clamp(1, LAST_DOUBLING) - 1))
}

/// The URL of the queue at `arn`, from that of a queue of the same account and region: without a call.
fn url_of(known: &str, arn: &str) -> String {
    let name = arn.rsplit(':').next().unwrap_or_default();
    match known.rsplit_once('/') {
        Some((account, _)) => format!("{account}/{name}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use matome_domain::queue::Inbound;

    use super::*;
    use crate::queue::{Hidden, Refuse};

    fn receipt(queue: &str, receive_count: u32) -> Receipt {
        Receipt {
            message_id: "m".to_owned(),
            queue_arn: format!("arn:aws:sqs:ap-northeast-1:1:{queue}"),
            handle: format!("{queue}-{receive_count}"),
            receive_count,
        }
    }

    #[test]
    fn five_receives_take_half_a_minute_and_no_later_wait_is_longer() {
        let waits: Vec<u64> = (1..=5).map(|n| visibility(n).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        assert_eq!(visibility(u32::MAX), visibility(5));
        assert_eq!(visibility(0), visibility(1));
    }

    #[tokio::test]
    async fn each_message_is_hidden_in_the_queue_it_came_from() {
        let (queues, recording) = Queues::recording();
        let queues = queues.with_url::<Inbound>("https://sqs.ap-northeast-1.amazonaws.com/1/m-inbound.fifo");
        let receipts = [receipt("m-inbound.fifo", 1), receipt("m-tenant-t-inbound.fifo", 3)];
        queues.return_soon::<Inbound>(&receipts).await;
        let hidden = |queue: &str, receive_count: u32, seconds| Hidden {
            url: format!("https://sqs.ap-northeast-1.amazonaws.com/1/{queue}"),
            handle: format!("{queue}-{receive_count}"),
            visibility: Duration::from_secs(seconds),
        };
        let expected = [hidden("m-inbound.fifo", 1, 1), hidden("m-tenant-t-inbound.fifo", 3, 4)];
        assert_eq!(recording.hidden(), expected);
    }

    #[tokio::test]
    async fn a_refusal_keeps_no_other_message_from_being_hidden() {
        let (queues, recording) = Queues::recording();
        recording.refuse([Refuse::Request]);
        queues.return_soon::<Inbound>(&[receipt("a", 1), receipt("b", 1)]).await;
        let handles: Vec<String> = recording.hidden().into_iter().map(|hidden| hidden.handle).collect();
        assert_eq!(handles, ["b-1"]);
    }
}
