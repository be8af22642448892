//! One job of `summaries.fifo` after the other.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use matome_domain::queue::SummaryJob;
use matome_runtime::batch::{Batch, BatchError};
use matome_runtime::lambda::Chain;

use crate::context::Context;
use crate::write::write;

/// Deals with a batch.
///
/// # Errors
/// [`BatchError`] when the event is not SQS's: the whole invocation fails.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let Batch { deliveries, mut outcome } = Batch::<SummaryJob>::read(event)?;
    for delivery in &deliveries {
        if outcome.is_returned(&delivery.message_id) {
            continue;
        }
        let job = &delivery.message;
        match write(context, job).await {
            Ok(done) => tracing::info!(
                tenant.id = %job.tenant_id, session.id = %job.session_id, job.revision,
                outcome = done.name(), "summary job done"
            ),
            Err(error) => {
                metrics::counter!("SummariesFailed").increment(1);
                tracing::warn!(
                    tenant.id = %job.tenant_id, session.id = %job.session_id, job.revision,
                    attempt = delivery.receive_count, error = %Chain(&error), "summary not stored"
                );
                outcome.fail(&delivery.message_id);
            }
        }
    }
    Ok(outcome.response())
}
