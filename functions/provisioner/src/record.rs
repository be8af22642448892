//! Reading and writing operations. Every write is guarded by the version, so that of two provisioners
//! that hold one operation only one goes on.

use bson::doc;
use bson::oid::ObjectId;
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_runtime::lambda::Chain;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{Operation, OperationKind, OperationState, Organization, StatusReason};
use matome_store::time::date;
use matome_tenancy::operations::{AskError, ask_after};

use crate::context::Context;
use crate::error::ProvisionError;
use crate::operations;

/// An operation of the tenant.
///
/// # Errors
/// [`StoreError`].
pub async fn load(
    context: &Context,
    tenant: &TenantId,
    id: ObjectId,
) -> Result<Option<Operation>, StoreError> {
    let operations = context.tenants.platform().platform_collection::<Operation>();
    Ok(operations.find_one(doc! { "_id": id, "tenantId": tenant.as_str() }).await?)
}

/// Writes an operation in the place of the version it was read as. A wish to give it up that came
/// meanwhile is taken along: an operation that was to wait is due at once.
///
/// # Errors
/// [`ProvisionError::Overtaken`] when somebody else went on with it.
pub async fn save(
    context: &Context,
    mut operation: Operation,
    now: Timestamp,
) -> Result<Operation, ProvisionError> {
    let operations = context.tenants.platform().platform_collection::<Operation>();
    operation.updated_at = date(now);
    for _ in 0..2 {
        let read = operation.version;
        operation.version += 1;
        let held = doc! { "_id": operation.id, "__v": read };
        let replaced = operations.replace_one(held, &operation).await.map_err(StoreError::from)?;
        if replaced.matched_count > 0 {
            return Ok(operation);
        }
        // The one other writer that is welcome: `request_abort` raises the version by one.
        let found = operations.find_one(doc! { "_id": operation.id }).await.map_err(StoreError::from)?;
        match found {
            Some(found)
                if found.version == read + 1 && found.abort_requested && !operation.abort_requested =>
            {
                operation.abort_requested = true;
                operation.version = found.version;
                if operation.state == OperationState::Waiting {
                    operation.not_before = found.not_before;
                }
            }
            _ => return Err(ProvisionError::Overtaken),
        }
    }
    Err(ProvisionError::Overtaken)
}

/// Ends an operation whose steps are all done. Where they were the way back it is aborted if somebody
/// wanted that, whatever else went wrong before, and failed if it took itself back.
///
/// # Errors
/// As [`save`].
pub async fn end(context: &Context, mut ended: Operation) -> Result<OperationState, ProvisionError> {
    let now = context.clock.now();
    ended.state = match (ended.taken_back, ended.abort_requested) {
        (true, true) => OperationState::Aborted,
        (true, false) => OperationState::Failed,
        (false, _) => OperationState::Done,
    };
    ended.open = false;
    ended.not_before = None;
    ended.finished_at = Some(date(now));
    let ended = save(context, ended, now).await?;
    tell_organization(context, &ended, now).await?;
    let name = if ended.state == OperationState::Failed { "OperationsFailed" } else { "OperationsEnded" };
    metrics::counter!(name).increment(1);
    follow(context, &ended).await?;
    Ok(ended.state)
}

/// Asks for what is to follow an operation that has ended, unless it was asked for already. What somebody asked
/// for in between comes first, and nothing follows then.
///
/// # Errors
/// [`ProvisionError`]; call again then.
pub async fn follow(context: &Context, ended: &Operation) -> Result<(), ProvisionError> {
    let Some(request) = operations::follow_up(ended)? else { return Ok(()) };
    context.faults.boundary("follow")?;
    let tenant = TenantId::new(ended.tenant_id.clone())?;
    let (platform, now) = (context.tenants.platform(), context.clock.now());
    match ask_after(platform, &context.queues, &tenant, &request, ended, now).await {
        Ok(()) => Ok(()),
        Err(AskError::Store(error)) => Err(error.into()),
        // It is written down by now: nobody asks twice, and the scheduler finds it.
        Err(AskError::Queue(error)) => Err(error.into()),
        Err(error @ (AskError::Busy(_) | AskError::NoSuchOperation(_))) => {
            metrics::counter!("FollowUpsDropped").increment(1);
            tracing::warn!(
                tenant.id = %tenant, operation.id = %ended.id, error = %Chain(&error),
                "what was to follow an operation was not asked for"
            );
            Ok(())
        }
    }
}

/// Shows in the organization why its last operation failed; nothing of it once one succeeds. A reason
/// that an operation gave itself, such as why the tenant is suspended, has no step and stays.
///
/// # Errors
/// [`StoreError`].
pub async fn tell_organization(
    context: &Context,
    operation: &Operation,
    now: Timestamp,
) -> Result<(), StoreError> {
    let organizations = context.tenants.platform().platform_collection::<Organization>();
    let mut steps = operation.steps.iter().filter(|_| operation.state == OperationState::Failed);
    let Some((step, error)) = steps.find_map(|s| Some((s.name.as_str(), s.error.as_deref()?))) else {
        let recovered = doc! { "tenantId": &operation.tenant_id, "statusReason.step": { "$exists": true } };
        organizations.update_one(recovered, doc! { "$unset": { "statusReason": "" } }).await?;
        return Ok(());
    };
    let reason = StatusReason {
        message: format!("{:?} failed: {error}", operation.kind),
        operation_id: Some(operation.id),
        step: Some(step.to_owned()),
        at: date(now),
    };
    let mut set = doc! { "statusReason": encode(&reason)?, "updatedAt": date(now) };
    if operation.kind == OperationKind::Create {
        set.insert("status", "failed");
    }
    let update = doc! { "$set": set, "$inc": { "__v": 1 } };
    organizations.update_one(doc! { "tenantId": &operation.tenant_id }, update).await?;
    Ok(())
}
