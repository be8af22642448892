//! Writing an operation down and telling the provisioner.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_domain::queue::TenantJob;
use matome_runtime::queue::{QueueError, Queues};
use matome_store::entities::{Operation, OperationState};
use matome_store::id::{derived_at, document_id};
use matome_store::time::{date, timestamp};
use matome_store::{Store, StoreError};
use mongodb::options::{ReturnDocument, UpdateModifications};

use super::input::Request;

/// Why nothing was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// One thing at a time is done to a tenant.
    #[error("tenant {0} has an operation that has not ended; abort it or wait for it")]
    Busy(TenantId),
    /// There is no such operation, or it is not in a state for this.
    #[error("operation: there is none with this id that {0}")]
    NoSuchOperation(&'static str),
    /// MongoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is written down, but the provisioner could not be told; the scheduler does that within a minute.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Asks for an operation. `by` is `operator`, `scheduler` or an account's id.
///
/// # Errors
/// [`AskError::Busy`] while the tenant has an open one; [`AskError::Store`]; [`AskError::Queue`].
pub async fn ask<R: Request>(
    platform: &Store,
    queues: &Queues,
    tenant: &TenantId,
    request: &R,
    by: &str,
    now: Timestamp,
) -> Result<Operation, AskError> {
    let id = derived_at(now, &["operation", tenant.as_str(), &now.0.to_string()]);
    let operation = new::<R>(id, tenant, request, by, now)?;
    insert(platform, tenant, &operation).await?;
    tell(queues, tenant, &operation).await?;
    Ok(operation)
}

/// Asks for what is to follow another operation that has ended: once, however often it is called.
///
/// # Errors
/// As [`ask`]; [`AskError::Busy`] also when something else was asked for in between.
pub async fn ask_after<R: Request>(
    platform: &Store,
    queues: &Queues,
    tenant: &TenantId,
    request: &R,
    ended: &Operation,
    now: Timestamp,
) -> Result<(), AskError> {
    let at = timestamp(ended.finished_at.unwrap_or(ended.updated_at));
    let id = derived_at(at, &["operation after", &ended.id.to_hex()]);
    let operations = platform.platform_collection::<Operation>();
    if operations.find_one(doc! { "_id": id }).await.map_err(StoreError::from)?.is_some() {
        return Ok(());
    }
    let operation = new::<R>(id, tenant, request, &ended.requested_by, now)?;
    insert(platform, tenant, &operation).await?;
    Ok(tell(queues, tenant, &operation).await?)
}

fn new<R: Request>(
    id: ObjectId,
    tenant: &TenantId,
    request: &R,
    by: &str,
    now: Timestamp,
) -> Result<Operation, StoreError> {
    Ok(Operation {
        id,
        tenant_id: tenant.to_string(),
        kind: R::KIND,
        input: request.to_document()?,
        state: OperationState::Queued,
        open: true,
        abort_requested: false,
        taken_back: false,
        retries: 0,
        steps: Vec::new(),
        // Found by the scheduler when the message below is lost.
        not_before: Some(date(now)),
        requested_by: by.to_owned(),
        created_at: date(now),
        updated_at: date(now),
        finished_at: None,
        version: 0,
    })
}

async fn insert(platform: &Store, tenant: &TenantId, operation: &Operation) -> Result<(), AskError> {
    let inserted = platform.platform_collection::<Operation>().insert_one(operation).await;
    match inserted.map_err(StoreError::from) {
        Ok(_) => Ok(()),
        Err(error) if error.is_duplicate() => Err(AskError::Busy(tenant.clone())),
        Err(error) => Err(error.into()),
    }
}

/// Has a failed operation go on where it stopped, or begin anew where it took itself back.
///
/// # Errors
/// [`AskError::NoSuchOperation`] when it is not a failed one; otherwise as [`ask`].
pub async fn retry(
    platform: &Store,
    queues: &Queues,
    tenant: &TenantId,
    id: ObjectId,
    now: Timestamp,
) -> Result<Operation, AskError> {
    // What has failed begins to count anew.
    let counted_anew =
        doc! { "$cond": ["$$step.done", "$$step", { "$mergeObjects": ["$$step", { "attempts": 0_i64 }] }] };
    let go_on = doc! { "$map": { "input": "$steps", "as": "step", "in": counted_anew } };
    let update = vec![
        doc! { "$set": {
            "state": "queued", "open": true, "notBefore": date(now), "updatedAt": date(now),
            "steps": { "$cond": ["$takenBack", [], go_on] },
            "retries": { "$add": [{ "$ifNull": ["$retries", 0_i64] }, 1_i64] },
            "__v": { "$add": ["$__v", 1_i64] },
        } },
        doc! { "$unset": ["finishedAt", "abortRequested", "takenBack"] },
    ];
    let filter = doc! { "_id": id, "tenantId": tenant.as_str(), "state": "failed" };
    change(platform, queues, tenant, filter, update, "failed").await
}

/// Wants an open operation to be given up. It is at its next step, where that leaves nothing half
/// done; otherwise it goes on to its end, and a move is followed by the move back.
///
/// # Errors
/// [`AskError::NoSuchOperation`] when it is not open; otherwise as [`ask`].
pub async fn request_abort(
    platform: &Store,
    queues: &Queues,
    tenant: &TenantId,
    id: ObjectId,
    now: Timestamp,
) -> Result<Operation, AskError> {
    let update = doc! {
        "$set": { "abortRequested": true, "notBefore": date(now), "updatedAt": date(now) },
        "$inc": { "__v": 1 },
    };
    let filter = doc! { "_id": id, "tenantId": tenant.as_str(), "open": true };
    change(platform, queues, tenant, filter, update, "is open").await
}

async fn change(
    platform: &Store,
    queues: &Queues,
    tenant: &TenantId,
    filter: Document,
    update: impl Into<UpdateModifications>,
    wanted: &'static str,
) -> Result<Operation, AskError> {
    let operations = platform.platform_collection::<Operation>();
    let action = operations.find_one_and_update(filter, update).return_document(ReturnDocument::After);
    let changed = match action.await.map_err(StoreError::from) {
        Err(error) if error.is_duplicate() => return Err(AskError::Busy(tenant.clone())),
        other => other?.ok_or(AskError::NoSuchOperation(wanted))?,
    };
    tell(queues, tenant, &changed).await?;
    Ok(changed)
}

async fn tell(queues: &Queues, tenant: &TenantId, operation: &Operation) -> Result<(), QueueError> {
    let job = TenantJob { tenant_id: tenant.clone(), operation_id: document_id(operation.id) };
    queues.send(&job).await
}
