//! Tenants that were never made: their creation failed before there was an organization.

use bson::doc;
use futures::TryStreamExt;

use crate::entities::{Operation, Organization};
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Creations that failed before there was an organization, which would be `failed` otherwise, the oldest
    /// first. Each can be retried, or what it made offboarded. Looks over all operations: for operators.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed_creations(&self) -> Result<Vec<Operation>, StoreError> {
        let operations = self.platform_collection::<Operation>();
        let failed = doc! { "kind": "create", "state": "failed" };
        let failed: Vec<Operation> =
            operations.find(failed).sort(doc! { "_id": 1 }).await?.try_collect().await?;
        let tenants: Vec<&str> = failed.iter().map(|operation| operation.tenant_id.as_str()).collect();
        let organizations = self.platform_collection::<Organization>();
        let made = organizations.distinct("tenantId", doc! { "tenantId": { "$in": tenants } }).await?;
        let is_made = |operation: &Operation| made.iter().any(|id| id.as_str() == Some(&operation.tenant_id));
        Ok(failed.into_iter().filter(|operation| !is_made(operation)).collect())
    }
}
