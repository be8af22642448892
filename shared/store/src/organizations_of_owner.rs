//! How many organizations an owner has, with those that are on their way.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;

use crate::entities::{Operation, Organization};
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Organizations of an owner that are not gone, and those that somebody has asked for and that are not
    /// there yet. What is given up does not count.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn organizations_and_coming(&self, owner: ObjectId, email: &str) -> Result<u64, StoreError> {
        let there = doc! { "ownerId": owner, "status": { "$ne": "offboarded" } };
        // `tenantId` for the index of open operations, which are few.
        let coming = doc! {
            "open": true, "tenantId": { "$gt": "" }, "kind": "create", "input.owner.email": email,
            "abortRequested": { "$ne": true },
        };
        let only_whose = doc! { "tenantId": 1 };
        let organizations = self.platform_collection::<Organization>().clone_with_type::<Document>();
        let operations = self.platform_collection::<Operation>().clone_with_type::<Document>();
        let organizations = organizations.find(there).projection(only_whose.clone()).await?;
        let operations = operations.find(coming).projection(only_whose).await?;
        let found: Vec<Document> = organizations.try_collect().await?;
        let coming: Vec<Document> = operations.try_collect().await?;
        let tenants: BTreeSet<&str> =
            found.iter().chain(&coming).filter_map(|document| document.get_str("tenantId").ok()).collect();
        Ok(u64::try_from(tenants.len()).unwrap_or(u64::MAX))
    }
}
