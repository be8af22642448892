//! Where migrations are done.

use std::fmt;

use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::TenantId;
use matome_domain::placement::{HOME_CELL, Placement};
use mongodb::Database;
use serde::Deserialize;

use crate::entities::Organization;
use crate::entity::{Entity, Scope};
use crate::error::StoreError;
use crate::migrations::error::MigrationError;
use crate::store::{Store, TenantStore};

/// One place: the platform's database, or the collections of one tenant or of all shared ones.
#[derive(Debug, Clone)]
pub struct Place {
    cell: String,
    database: Database,
    /// Whose it is; `None` for the platform and for the shared collections.
    tenant: Option<TenantId>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Platform(Store),
    Tenant(TenantStore),
}

/// An organization, as far as places need it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    tenant_id: TenantId,
    #[serde(default)]
    placement: Placement,
    cell: Option<String>,
}

impl Place {
    /// Every place: the platform first, then each cell's shared database, then the tenants that have
    /// places of their own. Tenants being set up are left out (what sets them up is up to date), and so are
    /// those that were erased.
    pub(super) async fn all(home: &Store, cells: &[(String, Store)]) -> Result<Vec<Self>, MigrationError> {
        let stores: Vec<(&str, &Store)> = std::iter::once((HOME_CELL, home))
            .chain(cells.iter().map(|(name, store)| (name.as_str(), store)))
            .collect();
        let mut places = vec![Self {
            cell: HOME_CELL.to_owned(),
            database: home.platform(),
            tenant: None,
            kind: Kind::Platform(home.clone()),
        }];
        // In the shared database no name depends on the tenant.
        let anyone = TenantId::new("anyone").expect("letters are a valid id");
        for (cell, store) in &stores {
            let tenant = store.tenant(&anyone, Placement::Shared);
            places.push(Self::of(cell, tenant, None));
        }
        for Placed { tenant_id, placement, cell } in apart(home).await? {
            let cell = cell.unwrap_or_else(|| HOME_CELL.to_owned());
            let Some((name, store)) = stores.iter().find(|(name, _)| *name == cell) else {
                return Err(MigrationError::UnknownCell { tenant: tenant_id.to_string(), cell });
            };
            places.push(Self::of(name, store.tenant(&tenant_id, placement), Some(tenant_id)));
        }
        Ok(places)
    }

    fn of(cell: &str, store: TenantStore, tenant: Option<TenantId>) -> Self {
        Self { cell: cell.to_owned(), database: store.database.clone(), tenant, kind: Kind::Tenant(store) }
    }

    /// Who its documents belong to.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self.kind {
            Kind::Platform(_) => Scope::Platform,
            Kind::Tenant(_) => Scope::Tenant,
        }
    }

    /// The tenant all of its documents belong to, if it is one.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// A collection, by its declared name.
    pub(super) fn collection(&self, name: &str) -> mongodb::Collection<Document> {
        let name = match &self.kind {
            Kind::Platform(_) => name.to_owned(),
            Kind::Tenant(store) => store.placement.collection(&store.tenant, name),
        };
        self.database.collection(&name)
    }

    /// Sends update statements (`{q, u}`), past validators; how many documents were changed.
    pub(super) async fn update(&self, name: &str, updates: Vec<Document>) -> Result<u64, StoreError> {
        let name = self.collection(name).name().to_owned();
        let command = doc! {
            "update": &name, "updates": updates, "bypassDocumentValidation": true,
            "writeConcern": { "w": "majority" },
        };
        let answer = self.database.run_command(command).await?;
        StoreError::of_writes(&name, &answer)?;
        Ok(answer.get_i32("nModified").map_or(0, |n| u64::try_from(n).unwrap_or_default()))
    }

    /// Makes what is declared and missing.
    pub(super) async fn ensure(&self) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Platform(store) => store.ensure_platform().await,
            Kind::Tenant(store) => store.ensure_collections().await,
        }
    }

    /// Drops the index with these keys; nothing when it, or the collection, is not there.
    pub(super) async fn drop_index(&self, collection: &str, keys: &Document) -> Result<(), StoreError> {
        /// NamespaceNotFound, MongoDB error code 26.
        const NOT_FOUND: i32 = 26;
        let collection = self.collection(collection);
        let indexes: Vec<_> = match collection.list_indexes().await {
            Ok(cursor) => cursor.try_collect().await?,
            Err(e) if matches!(e.kind.as_ref(), mongodb::error::ErrorKind::Command(c) if c.code == NOT_FOUND) =>
            {
                return Ok(());
            }
            Err(e) => return Err(e.into()),
        };
        let name = indexes.into_iter().find(|index| index.keys == *keys).and_then(|i| i.options?.name);
        if let Some(name) = name {
            collection.drop_index(name).await?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    /// Such as `main/matome_sets/<tenant>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cell, self.database.name())?;
        match &self.kind {
            Kind::Tenant(store) if store.placement == Placement::CollectionSet => {
                write!(f, "/{}", store.tenant)
            }
            _ => Ok(()),
        }
    }
}

/// Refuses while a tenant is being moved.
pub(super) async fn nobody_moves(home: &Store) -> Result<(), MigrationError> {
    let organizations = home.platform().collection::<Placed>(Organization::COLLECTION);
    let moving: Vec<Placed> = organizations.find(doc! { "status": "moving" }).await?.try_collect().await?;
    match moving.first() {
        None => Ok(()),
        Some(first) => {
            Err(MigrationError::Moving { tenants: moving.len(), first: first.tenant_id.to_string() })
        }
    }
}

async fn apart(home: &Store) -> Result<Vec<Placed>, MigrationError> {
    let organizations = home.platform().collection::<Placed>(Organization::COLLECTION);
    let filter = doc! {
        "placement": { "$in": ["collection_set", "dedicated"] },
        "status": { "$nin": ["provisioning", "offboarded"] },
    };
    Ok(organizations.find(filter).sort(doc! { "tenantId": 1 }).await?.try_collect().await?)
}
