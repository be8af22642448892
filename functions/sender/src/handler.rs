//! `outbound.fifo` ends here. A conversation's messages are sent in order, conversations side by
//! side; what cannot be sent now goes back to the queue with what follows it.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use matome_domain::queue::OutboundJob;
use matome_runtime::batch::{Batch, BatchError, Delivery};
use matome_runtime::lambda::Chain;

use crate::context::Context;
use crate::send::send;

/// `maxReceiveCount` of the queue in `template.yaml`. An entry outlives its job: the scheduler
/// queues it again.
const MAX_RECEIVE_COUNT: u32 = 5;

/// Deals with a batch.
///
/// # Errors
/// [`BatchError`] when the event is not SQS's: the whole invocation fails.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let (groups, mut outcome) = Batch::<OutboundJob>::read_within(event, MAX_RECEIVE_COUNT)?.into_groups();
    let failed = join_all(groups.iter().map(|group| handle_group(context, group))).await;
    for message_id in failed.into_iter().flatten() {
        outcome.fail(&message_id);
    }
    context.health.flush(context.tenants.platform()).await;
    Ok(outcome.response())
}

/// The messages that could not be dealt with. Those behind one wait for it, unless it does not come
/// back.
async fn handle_group(context: &Context, group: &[Delivery<OutboundJob>]) -> Vec<String> {
    let mut failed = Vec::new();
    for delivery in group {
        let job = &delivery.message;
        if let Err(error) = send(context, job).await {
            metrics::counter!("SendsPostponed").increment(1);
            tracing::warn!(
                tenant.id = %job.tenant_id, outbox.id = %job.outbox_id, attempt = delivery.receive_count,
                error = %Chain(&error), "not sent"
            );
            failed.push(delivery.message_id.clone());
            if delivery.receive_count < MAX_RECEIVE_COUNT {
                break;
            }
        }
    }
    failed
}
