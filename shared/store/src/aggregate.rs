//! Aggregations over one collection of a tenant.

use bson::{Document, doc};
use futures::TryStreamExt;
use mongodb::options::{AggregateOptions, Hint};
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
        filter: Document,
        stages: Vec<Document>,
    ) -> Result<Vec<T>, StoreError> {
        self.aggregated::<E, T>(filter, stages, None).await
    }

    /// [`Self::aggregate`] by the index with these keys. MongoDB would choose by trying, and what it finds out on
    /// the documents of one tenant it does with those of another.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn aggregate_by<E: Entity, T: DeserializeOwned + Send + Sync + Unpin>(
        &self,
        index: Document,
        filter: Document,
        stages: Vec<Document>,
    ) -> Result<Vec<T>, StoreError> {
        match self.aggregated::<E, T>(filter.clone(), stages.clone(), Some(Hint::Keys(index))).await {
            // The index is not made yet: a new version of the code runs before its migration.
            Err(error) if error.is_bad_value() => self.aggregated::<E, T>(filter, stages, None).await,
            found => found,
        }
    }

    async fn aggregated<E: Entity, T: DeserializeOwned + Send + Sync + Unpin>(
        &self,
        mut filter: Document,
        stages: Vec<Document>,
        hint: Option<Hint>,
    ) -> Result<Vec<T>, StoreError> {
        filter.insert(TENANT, self.tenant.as_str());
        let mut pipeline = vec![doc! { "$match": filter }];
        for stage in stages {
            check_stage(E::COLLECTION, &stage)?;
            pipeline.push(stage);
        }
        let collection = self.database.collection::<Document>(&self.name::<E>());
        let options = AggregateOptions::builder().allow_disk_use(true).hint(hint).build();
        let cursor = collection.aggregate(pipeline).with_options(options).with_type::<T>().await?;
        Ok(cursor.try_collect().await?)
    }
}
