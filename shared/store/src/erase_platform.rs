//! Erasing a tenant from the platform's own database.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::ids::TenantId;

use crate::entities::{ErasureCertificate, Operation, Organization};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// How many documents of the platform are about a tenant, by collection: those that
    /// [`Self::erase_from_platform`] would erase.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_on_platform(
        &self,
        tenant: &TenantId,
        operation: ObjectId,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for (name, filter) in self.about(tenant, operation).await? {
            let count = self.platform().collection::<Document>(&name).count_documents(filter).await?;
            counts.insert(name, count);
        }
        Ok(counts)
    }

    /// Erases every document of the platform that carries the tenant's id, whatever the collection. What
    /// stays: the organization, of which [`Organization::tombstone`] makes a tombstone; the operation that
    /// erases; certificates of erasure.
    ///
    /// # Errors
    /// [`StoreError`]; do it again.
    pub async fn erase_from_platform(
        &self,
        tenant: &TenantId,
        operation: ObjectId,
    ) -> Result<(), StoreError> {
        for (name, filter) in self.about(tenant, operation).await? {
            self.platform().collection::<Document>(&name).delete_many(filter).await?;
        }
        Ok(())
    }

    /// The collections to look in, and what is to be found there.
    pub(crate) async fn about(
        &self,
        tenant: &TenantId,
        operation: ObjectId,
    ) -> Result<Vec<(String, Document)>, StoreError> {
        let mut names = self.platform().list_collection_names().await?;
        names.sort();
        let stay = [Organization::COLLECTION, ErasureCertificate::COLLECTION];
        let names = names.into_iter().filter(|n| !stay.contains(&n.as_str()) && !n.starts_with("system."));
        let found = names.map(|name| {
            let mut filter = doc! { "tenantId": tenant.as_str() };
            if name == Operation::COLLECTION {
                filter.insert("_id", doc! { "$ne": operation });
            }
            (name, filter)
        });
        Ok(found.collect())
    }
}
