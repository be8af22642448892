//! Aggregations over one collection of a tenant.

use bson::{Document, doc};
use futures::TryStreamExt;
use serde::de::DeserializeOwned;

use crate::entity::Entity;
use crate::error::StoreError;
use crate::scope::{TENANT, check_stage};
use crate::store::TenantStore;

impl TenantStore {
    /// What `stages` make of the tenant's `E`s that match `filter`.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::BeyondTenant`] for a stage that sees more than what it is given.
    pub(crate) async fn aggregate<E: Entity, T: DeserializeOwned + Send + Sync + Unpin>(
        &self,
        mut filter: Document,
        stages: Vec<Document>,
    ) -> Result<Vec<T>, StoreError> {
        filter.insert(TENANT, self.tenant.as_str());
        let mut pipeline = vec![doc! { "$match": filter }];
        for stage in stages {
            check_stage(E::COLLECTION, &stage)?;
            pipeline.push(stage);
        }
        let collection = self.database.collection::<Document>(&self.name::<E>());
        let cursor = collection.aggregate(pipeline).allow_disk_use(true).with_type::<T>().await?;
        Ok(cursor.try_collect().await?)
    }
}
