//! `outbound.fifo` ends here. A conversation's messages are sent in order, conversations side by
//! side; what cannot be sent now goes back to the queue with what follows it.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use matome_domain::queue::OutboundJob;
use matome_runtime::batch::{Batch, BatchError, Delivery};
use matome_runtime::lambda::Chain;

use crate::context::Context;
use crate::send::send;

/// Deals with a batch.
///
/// # Errors
/// [`BatchError`] when the event is not SQS's: the whole invocation fails.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let (groups, mut outcome) = Batch::<OutboundJob>::read(event)?.into_groups();
    let stopped = join_all(groups.iter().map(|group| handle_group(context, group))).await;
    for message_id in stopped.into_iter().flatten() {
        outcome.fail(&message_id);
    }
    Ok(outcome.response())
}

/// The message that could not be dealt with, if there is one.
async fn handle_group(context: &Context, group: &[Delivery<OutboundJob>]) -> Option<String> {
    for delivery in group {
        let job = &delivery.message;
        if let Err(error) = send(context, job).await {
            metrics::counter!("SendsPostponed").increment(1);
            tracing::warn!(
                tenant.id = %job.tenant_id, outbox.id = %job.outbox_id, attempt = delivery.receive_count,
                error = %Chain(&error), "not sent"
            );
            return Some(delivery.message_id.clone());
        }
    }
    None
}
