//! Creates collections and indexes from the entities' declarations.

use bson::doc;
use futures::future::try_join_all;
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};
use std::time::Duration;

use crate::entities::{platform_declarations, tenant_declarations};
use crate::entity::{Entity, Index};
use crate::error::StoreError;
use crate::store::{Store, TenantStore};

/// What [`ensure`] needs to know about an entity.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its collection.
    pub collection: &'static str,
    /// Its indexes.
    pub indexes: Vec<Index>,
}

impl Declaration {
    /// Of an entity.
    #[must_use]
    pub fn of<E: Entity>() -> Self {
        Self { collection: E::COLLECTION, indexes: E::indexes() }
    }
}

impl Store {
    /// Creates the platform's collections and indexes; harmless when they are there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_platform(&self) -> Result<(), StoreError> {
        let database = self.platform();
        try_join_all(platform_declarations().iter().map(|d| ensure(&database, d.collection.to_owned(), d)))
            .await?;
        Ok(())
    }
}

impl TenantStore {
    /// Creates the tenant's collections and indexes; harmless when they are there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_collections(&self) -> Result<(), StoreError> {
        let name = |d: &Declaration| self.placement.collection(&self.tenant, d.collection);
        try_join_all(tenant_declarations().iter().map(|d| ensure(&self.database, name(d), d))).await?;
        Ok(())
    }
}

async fn ensure(database: &Database, name: String, declaration: &Declaration) -> Result<(), StoreError> {
    let models: Vec<IndexModel> = declaration
        .indexes
        .iter()
        .map(|index| {
            let mut options = IndexOptions::default();
            options.unique = index.unique.then_some(true);
            options.partial_filter_expression.clone_from(&index.partial);
            options.expire_after = index.expire_after_seconds.map(Duration::from_secs);
            IndexModel::builder().keys(index.keys.clone()).options(options).build()
        })
        .collect();
    let collection = database.collection::<bson::Document>(&name);
    if models.is_empty() {
        // An index makes its collection; without one it is made by hand, because a transaction
        // should not have to.
        match database.run_command(doc! { "create": &name }).await {
            Ok(_) => {}
            Err(e) if is_namespace_exists(&e) => {}
            Err(e) => return Err(e.into()),
        }
    } else {
        collection.create_indexes(models).await?;
    }
    Ok(())
}

/// NamespaceExists, MongoDB error code 48.
fn is_namespace_exists(error: &mongodb::error::Error) -> bool {
    matches!(error.kind.as_ref(), mongodb::error::ErrorKind::Command(c) if c.code == 48)
}
