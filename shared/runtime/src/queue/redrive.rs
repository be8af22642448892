//! Moving dead letters back to their queue, once what made them fail is repaired.
//!
//! By hand rather than with SQS's own `StartMessageMoveTask`: that keeps a FIFO message's
//! deduplication id, so that one which died within five minutes of being sent would be swallowed,
//! and the emulator does not have it.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};

/// Long enough to send and delete ten messages.
const HIDDEN_SECONDS: i32 = 60;
/// Short polls may overlook messages.
const WAIT_SECONDS: i32 = 1;

/// Why dead letters were not moved.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// SQS did not answer as it should. What was moved so far stays moved; run it again.
    #[error("{moved} dead letters were moved, then SQS refused")]
    Sqs {
        /// How many.
        moved: usize,
        /// The SDK's error.
        #[source]
        source: Box<aws_sdk_sqs::Error>,
    },
}

/// Moves every message at `dead` (a URL) to the queue at `queue`, in order; returns how many.
/// Cut off between sending and deleting one, it sends that one again next time: consumers see it
/// twice, as they may with any message.
///
/// # Errors
/// [`RedriveError`].
pub async fn redrive(client: &Client, dead: &str, queue: &str) -> Result<usize, RedriveError> {
    let mut moved = 0;
    loop {
        let page = receive(client, dead).await.map_err(|source| failed(moved, source))?;
        if page.is_empty() {
            return Ok(moved);
        }
        for message in page {
            pass_on(client, dead, queue, message).await.map_err(|source| failed(moved, source))?;
            moved += 1;
        }
    }
}

fn failed(moved: usize, source: aws_sdk_sqs::Error) -> RedriveError {
    RedriveError::Sqs { moved, source: Box::new(source) }
}

async fn receive(client: &Client, dead: &str) -> Result<Vec<Message>, aws_sdk_sqs::Error> {
    let receive = client.receive_message().queue_url(dead).max_number_of_messages(10);
    let receive = receive.visibility_timeout(HIDDEN_SECONDS).wait_time_seconds(WAIT_SECONDS);
    let page = receive.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
    Ok(page.send().await?.messages.unwrap_or_default())
}

async fn pass_on(
    client: &Client,
    dead: &str,
    queue: &str,
    message: Message,
) -> Result<(), aws_sdk_sqs::Error> {
    let mut send = client.send_message().queue_url(queue).set_message_body(message.body);
    if queue.ends_with(".fifo") {
        let group =
            message.attributes.unwrap_or_default().remove(&MessageSystemAttributeName::MessageGroupId);
        // Not its old id (see above); the same one again if we are cut off and repeat it.
        let id = format!("redrive-{}", message.message_id.unwrap_or_default());
        send = send.set_message_group_id(group).message_deduplication_id(id);
    }
    send.send().await?;
    client.delete_message().queue_url(dead).set_receipt_handle(message.receipt_handle).send().await?;
    Ok(())
}
