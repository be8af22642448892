//! Creates collections, validators and indexes from the entities' declarations.

use std::time::Duration;

use bson::{Document, doc};
use futures::future::try_join_all;
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use crate::entities::{platform_declarations, tenant_declarations};
use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::shape::{Shape, string};
use crate::store::{Store, TenantStore};
use crate::validators::{self, Change};

/// What an entity declared, for code that goes over all of them.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its collection.
    pub collection: &'static str,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// What MongoDB checks of its documents.
    pub shape: Shape,
}

impl Declaration {
    /// Of an entity.
    #[must_use]
    pub fn of<E: Entity>() -> Self {
        let (mut indexes, mut shape) = (E::indexes(), E::shape());
        if E::SCOPE != Scope::Platform {
            shape = shape.required("tenantId", string());
            if !indexes.iter().any(walks) {
                indexes.push(Index::unique(doc! { "tenantId": 1, "_id": 1 }));
            }
        }
        Self { collection: E::COLLECTION, indexes, shape }
    }

    /// The keys of the index by which all documents of one tenant can be gone through page by page,
    /// even among those of other tenants. An entity's own unique index serves; one that has none is
    /// given `{tenantId, _id}`: an index more costs every write.
    ///
    /// # Panics
    /// For a platform entity.
    #[must_use]
    pub fn walk(&self) -> &Document {
        let index = self.indexes.iter().find(|index| walks(index));
        &index.expect("every tenant entity has such an index, see Declaration::of").keys
    }

    /// The field with the date after which MongoDB deletes a document by itself.
    #[must_use]
    pub fn expiry(&self) -> Option<&str> {
        let ttl = self.indexes.iter().find(|index| index.expire_after_seconds.is_some())?;
        ttl.keys.keys().next().map(String::as_str)
    }
}

/// Unique over all documents, the tenant first, and plain fields: each document has one key of its own.
fn walks(index: &Index) -> bool {
    index.unique
        && index.partial.is_none()
        && index.keys.keys().next().is_some_and(|first| first == "tenantId")
        && !index.keys.keys().any(|key| key.contains('.'))
}

impl Store {
    /// Creates the platform's collections, validators and indexes; harmless when they are there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_platform(&self) -> Result<(), StoreError> {
        let declarations = platform_declarations();
        let collections: Vec<_> = declarations.iter().map(|d| (d.collection.to_owned(), d)).collect();
        validators::bring_about(&self.platform(), &collections, Change::Ensure).await?;
        ensure_indexes(&self.platform(), &collections).await
    }
}

impl TenantStore {
    /// The name a declared entity's collection has in this placement.
    pub(crate) fn name_of(&self, declaration: &Declaration) -> String {
        self.placement.collection(&self.tenant, declaration.collection)
    }

    /// Creates the tenant's collections, validators and indexes, and brings validators up to date;
    /// harmless when they are there. Fences stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_collections(&self) -> Result<(), StoreError> {
        self.change_validators(Change::Ensure).await?;
        let declarations = tenant_declarations();
        let collections: Vec<_> = declarations.iter().map(|d| (self.name_of(d), d)).collect();
        ensure_indexes(&self.database, &collections).await
    }
}

async fn ensure_indexes(
    database: &Database,
    collections: &[(String, &Declaration)],
) -> Result<(), StoreError> {
    let with_indexes = collections.iter().filter(|(_, declaration)| !declaration.indexes.is_empty());
    try_join_all(with_indexes.map(async |(name, declaration)| {
        let models = declaration.indexes.iter().map(model);
        database.collection::<Document>(name).create_indexes(models).await
    }))
    .await?;
    Ok(())
}

fn model(index: &Index) -> IndexModel {
    let mut options = IndexOptions::default();
    options.unique = index.unique.then_some(true);
    options.partial_filter_expression.clone_from(&index.partial);
    options.expire_after = index.expire_after_seconds.map(Duration::from_secs);
    IndexModel::builder().keys(index.keys.clone()).options(options).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `docs/tenancy.md` reckons with: more than there are, so that an entity more does not change it.
    #[test]
    fn a_tenants_collections_have_no_more_files_than_the_capacity_arithmetic_says() {
        let declarations = tenant_declarations();
        let indexes: usize = declarations.iter().map(|d| d.indexes.len()).sum();
        // The collection, its `_id` index, and the others; and the two of its migrations' records.
        let files = 2 * declarations.len() + indexes + 2;
        let text = include_str!("../../../docs/tenancy.md");
        let said = text.split_once("reckons with ").and_then(|(_, rest)| rest.split_once(" files"));
        let reckoned: usize = said.expect("the arithmetic").0.parse().expect("a number");
        assert!(
            files <= reckoned,
            "a tenant's set has {files} files, docs/tenancy.md reckons with {reckoned}"
        );
        let fitting = |cluster: &str| {
            let row = text.lines().find(|line| line.starts_with(&format!("| {cluster}")));
            let last = row
                .and_then(|row| row.trim_end_matches(" |").rsplit("| ").next())
                .map(|n| n.replace(',', ""));
            last.and_then(|number| number.parse::<usize>().ok())
        };
        assert_eq!(fitting("Atlas M10"), Some(5_000 / reckoned));
        assert_eq!(fitting("M40"), Some(100_000 / reckoned));
    }
}
