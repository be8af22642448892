//! Operations on tenants whose time has come: they waited for something, their message was lost, or
//! their provisioner died. The provisioner is told; it knows what is to be done.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::TenantId;
use matome_domain::queue::TenantJob;
use matome_store::entities::Operation;
use matome_store::id::document_id;
use matome_store::time::date;
use matome_store::{Entity, StoreError};
use serde::Deserialize;

use crate::error::SweepError;
use crate::handler::Run;

/// How long the provisioner has to take an operation on before it is told again. It then takes it for
/// longer than an invocation can last.
const AGAIN: Duration = Duration::from_secs(5 * 60);
/// Operations in one run; the next minute takes the rest.
const LIMIT: i64 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Due {
    #[serde(rename = "_id")]
    id: ObjectId,
    tenant_id: TenantId,
}

/// Queues the operations that are due; how many.
///
/// # Errors
/// [`SweepError`].
pub async fn sweep(run: Run<'_>) -> Result<usize, SweepError> {
    let platform = run.context.tenants.platform().platform();
    let operations = platform.collection::<Due>(Operation::COLLECTION);
    let is_due = doc! { "open": true, "notBefore": { "$lte": date(run.now) } };
    let find = operations.find(is_due.clone()).sort(doc! { "notBefore": 1 }).limit(LIMIT);
    let due = find.projection(doc! { "tenantId": 1 }).await.map_err(StoreError::from)?;
    let due: Vec<Due> = due.try_collect().await.map_err(StoreError::from)?;
    if due.is_empty() {
        return Ok(0);
    }
    let job = |due: &Due| TenantJob { tenant_id: due.tenant_id.clone(), operation_id: document_id(due.id) };
    run.context.queues.send_batch(&due.iter().map(job).collect::<Vec<_>>()).await?;
    run.context.faults.boundary("scheduler.operations_queued")?;
    let ids: Vec<ObjectId> = due.iter().map(|due| due.id).collect();
    // One that a provisioner has taken on meanwhile is not due any more. One that waited is queued: while
    // it waits, the provisioner would leave it alone until the time that is written here.
    let told = platform.collection::<Document>(Operation::COLLECTION);
    let mut still_due = is_due;
    still_due.insert("_id", doc! { "$in": ids });
    let waits = doc! { "$eq": ["$state", "waiting"] };
    let later = vec![doc! { "$set": {
        "notBefore": date(run.now.plus(AGAIN)),
        "state": { "$cond": [waits, "queued", "$state"] },
    } }];
    told.update_many(still_due, later).await.map_err(StoreError::from)?;
    Ok(due.len())
}
