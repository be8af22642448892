//! What a dedicated tenant's own stack means for its records: where its events go, which KMS key wraps its
//! data key, where its media are.

use std::time::Duration;

use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_runtime::blobs::Blobs;
use matome_stacks::{Resources, TenantStatus};

use crate::context::Context;
use crate::error::ProvisionError;

/// How soon CloudFormation is asked again.
pub const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What the tenant has to itself; `None` where it has no stack, or one that is not ready.
///
/// # Errors
/// CloudFormation's failure.
pub async fn resources(context: &Context, tenant: &TenantId) -> Result<Option<Resources>, ProvisionError> {
    let Some(stacks) = &context.stacks else { return Ok(None) };
    match stacks.status(tenant).await? {
        TenantStatus::Ready(resources) => Ok(Some(resources)),
        TenantStatus::Missing | TenantStatus::InProgress | TenantStatus::Failed { .. } => Ok(None),
    }
}

/// The queue that the events of a tenant's channels go to, where that is not the deployment's: its own
/// stack's, or its cell's.
///
/// # Errors
/// An unknown cell, or CloudFormation's failure.
pub async fn inbound_queue(
    context: &Context,
    tenant: &TenantId,
    placement: Placement,
    cell: &str,
) -> Result<Option<String>, ProvisionError> {
    if placement == Placement::Dedicated
        && let Some(own) = resources(context, tenant).await?
    {
        return Ok(Some(own.inbound_queue_url));
    }
    Ok(context.tenants.cells().inbound_queue_url(cell)?.map(str::to_owned))
}

/// The buckets in which the tenant's media may be: the deployment's, and its own.
///
/// # Errors
/// [`ProvisionError::Refused`] when there is no bucket at all; CloudFormation's failure.
pub async fn buckets(context: &Context, tenant: &TenantId) -> Result<Vec<Blobs>, ProvisionError> {
    let shared = context.blobs.as_ref().ok_or_else(|| ProvisionError::Refused {
        field: Blobs::SETTING,
        reason: "is needed to back up and to erase a tenant".to_owned(),
    })?;
    let own = resources(context, tenant).await?.map(|own| shared.in_bucket(&own.bucket));
    Ok(std::iter::once(shared.clone()).chain(own).collect())
}
