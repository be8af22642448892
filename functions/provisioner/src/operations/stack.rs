//! The step that brings a dedicated tenant's own stack about, and the one that takes it down.

use bson::{Document, doc};
use matome_domain::tier::Tier;
use matome_stacks::TenantStatus;
use matome_tenancy::operations::{CreateTenant, Request};

use crate::error::ProvisionError;
use crate::stack::LOOK_AGAIN;
use crate::step::{Progress, Work};

/// Makes the stack of a new tenant, where its tier has one.
pub(super) async fn ensure(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = CreateTenant::from_document(&work.operation.input)?;
    if has_own(work, input.tier).await? { bring_about(work).await } else { Ok(Progress::done()) }
}

/// Whether a dedicated tenant of this tier has a stack here. Without code for stacks (see
/// `cargo xtask deploy`) the tenant's messages are worked on by the platform's functions.
pub(super) async fn has_own(work: &Work<'_>, tier: Tier) -> Result<bool, ProvisionError> {
    let terms = work.context.tenants.platform().terms(tier).await?;
    Ok(work.context.stacks.is_some() && terms.features.own_stack)
}

/// Makes the stack, or brings it up to date; nothing where there is no code for stacks.
pub(super) async fn bring_about(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(stacks) = &work.context.stacks else { return Ok(Progress::done()) };
    let status = stacks.ensure(work.tenant, &token(work, "create")).await?;
    match status {
        TenantStatus::Ready(own) => Ok(Progress::Done(doc! {
            "inboundQueueUrl": own.inbound_queue_url,
            "mediaQueueUrl": own.media_queue_url,
            "summariesQueueUrl": own.summaries_queue_url,
            "outboundQueueUrl": own.outbound_queue_url,
            "bucket": own.bucket,
            "keyArn": own.key_arn,
        })),
        TenantStatus::Missing | TenantStatus::InProgress => {
            Ok(Progress::Wait(LOOK_AGAIN, work.detail.clone()))
        }
        TenantStatus::Failed { state, reason } => Err(failed(&state, &reason)),
    }
}

/// Takes the stack down, if there is one. Its bucket, key and logs stay, as its template says; the bucket
/// is empty by then.
pub(super) async fn remove(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(stacks) = &work.context.stacks else { return Ok(Progress::done()) };
    let had = work.detail.get_bool("had").unwrap_or(false);
    match stacks.remove(work.tenant, &token(work, "remove")).await? {
        TenantStatus::Missing if had => Ok(Progress::Done(doc! { "removed": true })),
        TenantStatus::Missing => Ok(Progress::Done(Document::new())),
        TenantStatus::InProgress | TenantStatus::Ready(_) => {
            Ok(Progress::Wait(LOOK_AGAIN, doc! { "had": true }))
        }
        TenantStatus::Failed { state, reason } => Err(failed(&state, &reason)),
    }
}

/// The same for every repeat of the step, for CloudFormation takes the request once; another when somebody tries
/// an operation again that has failed: what failed under a token stays failed under it.
fn token(work: &Work<'_>, what: &str) -> String {
    format!("{what}-{}-{}", work.operation.id.to_hex(), work.operation.retries)
}

fn failed(state: &str, reason: &str) -> ProvisionError {
    ProvisionError::NotYet(format!("the tenant's stack is {state}: {reason}"))
}
