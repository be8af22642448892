//! The requests themselves.

use std::time::Duration;

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};

use super::entry::Entry;
use super::{QueueError, Refusal};

/// Sends one request's worth of entries; the result lists what SQS did not take.
pub(super) async fn send(
    client: &aws_sdk_sqs::Client,
    queue: &'static str,
    url: &str,
    chunk: &[Entry],
) -> Result<Vec<Refusal>, QueueError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| QueueError::Request { queue, source };
    let entries = chunk
        .iter()
        .enumerate()
        .map(|(position, entry)| {
            let delay = i32::try_from(entry.delay.as_secs()).unwrap_or(i32::MAX);
            SendMessageBatchRequestEntry::builder()
                .id(position.to_string())
                .message_body(&entry.body)
                .set_message_group_id(entry.group.clone())
                .set_message_deduplication_id(entry.deduplication.clone())
                .set_delay_seconds((delay > 0).then_some(delay))
                .build()
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failed(Box::new(e)))?;
    let answer = client
        .send_message_batch()
        .queue_url(url)
        .set_entries(Some(entries))
        .send()
        .await
        .map_err(|e| failed(Box::new(e.into_service_error())))?;

    let refused = answer
        .failed()
        .iter()
        .map(|e| {
            let position = e.id().parse().ok().filter(|p| *p < chunk.len());
            let position =
                position.ok_or_else(|| failed("SQS answered about an entry that was not sent".into()))?;
            Ok(Refusal { position, code: e.code().to_owned(), permanent: e.sender_fault() })
        })
        .collect::<Result<Vec<_>, QueueError>>()?;
    // Each entry is named in the answer once; one that is not named is not known to be queued.
    if refused.len() + answer.successful().len() != chunk.len() {
        return Err(failed("SQS's answer does not name every entry".into()));
    }
    Ok(refused)
}

/// Has a message that was received come back after `visibility`.
pub(super) async fn hide(
    client: &aws_sdk_sqs::Client,
    queue: &'static str,
    url: &str,
    handle: &str,
    visibility: Duration,
) -> Result<(), QueueError> {
    let seconds = i32::try_from(visibility.as_secs()).unwrap_or(i32::MAX);
    let change = client.change_message_visibility().queue_url(url).receipt_handle(handle);
    let answer = change.visibility_timeout(seconds).send().await;
    answer.map_err(|e| QueueError::Request { queue, source: Box::new(e.into_service_error()) })?;
    Ok(())
}

/// What SQS's three counts of a queue come to.
pub(super) async fn held(client: &aws_sdk_sqs::Client, url: &str) -> Result<u64, QueueError> {
    let counts = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let ask = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(counts.to_vec()));
    let answer = ask.send().await.map_err(|e| QueueError::Uncounted(Box::new(e.into_service_error())))?;
    let count = |name| {
        let value = answer.attributes().and_then(|attributes| attributes.get(&name));
        let value = value.and_then(|value| value.parse::<u64>().ok());
        value.ok_or_else(|| QueueError::Uncounted("a count is missing in SQS's answer".into()))
    };
    counts.into_iter().map(count).sum()
}
