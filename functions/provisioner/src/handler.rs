//! `tenants.fifo` ends here. A message only says that something is to be done; what, and how far it
//! is, stands in the operation.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use matome_domain::queue::TenantJob;
use matome_runtime::batch::{Batch, BatchError};
use matome_runtime::lambda::Chain;

use crate::context::Context;
use crate::error::ProvisionError;
use crate::run::run;

/// Deals with a batch, one operation after the other: the template sends one at a time.
///
/// # Errors
/// [`BatchError`] when the event is not SQS's: the whole invocation fails.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let Batch { deliveries, mut outcome } = Batch::<TenantJob>::read(event)?;
    for delivery in &deliveries {
        let job = &delivery.message;
        match run(context, job).await {
            Ok(state) => tracing::info!(
                tenant.id = %job.tenant_id, operation.id = %job.operation_id, operation.state = ?state, "worked on"
            ),
            // The other one ends it, or the scheduler finds it when the lease runs out.
            Err(ProvisionError::Overtaken) => tracing::info!(
                tenant.id = %job.tenant_id, operation.id = %job.operation_id, "left to another provisioner"
            ),
            Err(error) => {
                metrics::counter!("OperationsInterrupted").increment(1);
                tracing::error!(
                    tenant.id = %job.tenant_id, operation.id = %job.operation_id,
                    attempt = delivery.receive_count, error = %Chain(&error), "interrupted"
                );
                outcome.fail(&delivery.message_id);
            }
        }
    }
    Ok(outcome.response())
}
