//! What a place says of migrations when a tenant is made there, comes, or goes.
//!
//! Documents move as they are. So a place of the tenant's own takes the source's records along: what the
//! documents went through is neither done again nor skipped, and can be undone. The shared collections
//! have records of their own; documents may come there if they went through all that is done there. What
//! they went through besides, the next run does once more in all of them, and finds nothing to do.

use std::collections::BTreeMap;

use bson::{DateTime, doc};
use futures::TryStreamExt;
use matome_domain::placement::Placement;
use mongodb::Collection;

use crate::collection::encode;
use crate::entity::Scope;
use crate::error::StoreError;
use crate::migrations::list;
use crate::migrations::record::{COLLECTION, Record, State};
use crate::relocate::RelocateError;
use crate::store::TenantStore;

/// What the records of a new place call the run that wrote them.
const CREATION: &str = "creation";

impl TenantStore {
    /// Writes down that the place is as this version of the code makes it: for one that has just been
    /// made for a new tenant. The shared collections are nobody's own, and are left alone; so is what is
    /// written down already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_migrated(&self, now: DateTime) -> Result<(), StoreError> {
        if self.placement == Placement::Shared {
            return Ok(());
        }
        for migration in list::all().iter().filter(|m| m.scopes.contains(&Scope::Tenant)) {
            let mut record = encode(&Record {
                version: migration.version,
                name: migration.name.to_owned(),
                state: State::Applied,
                change: u32::try_from(migration.up.len()).unwrap_or(u32::MAX),
                checkpoint: None,
                documents: 0,
                run: CREATION.to_owned(),
                started_at: now,
                updated_at: now,
            })?;
            let id = doc! { "_id": record.remove("_id") };
            records(self).update_one(id, doc! { "$setOnInsert": record }).upsert(true).await?;
        }
        Ok(())
    }
}

/// Has the target of a move know what the source's documents went through. Nobody migrates meanwhile, and
/// the target holds nothing of the tenant yet.
pub(crate) async fn take_along(source: &TenantStore, target: &TenantStore) -> Result<(), RelocateError> {
    let (from, to) = (read(source).await?, read(target).await?);
    for record in from.values().chain(to.values().filter(|_| target.placement == Placement::Shared)) {
        if record.state != State::Applied {
            return Err(RelocateError::Unmigrated { version: record.version, state: "is half done" });
        }
    }
    if target.placement != Placement::Shared {
        let records = records(target);
        records.delete_many(doc! {}).await?;
        if !from.is_empty() {
            records.insert_many(from.values()).await?;
        }
        return Ok(());
    }
    match to.keys().find(|version| !from.contains_key(version)) {
        None => Ok(()),
        Some(&version) => {
            Err(RelocateError::Unmigrated { version, state: "is done in the target, and not in the source" })
        }
    }
}

/// Drops the records of a collection set; those of a database go with it, and the shared ones are others'.
pub(crate) async fn forget(place: &TenantStore) -> Result<(), StoreError> {
    if place.placement == Placement::CollectionSet {
        records(place).drop().await?;
    }
    Ok(())
}

fn records(place: &TenantStore) -> Collection<Record> {
    place.database.collection(&place.placement.collection(&place.tenant, COLLECTION))
}

async fn read(place: &TenantStore) -> Result<BTreeMap<u32, Record>, StoreError> {
    let found: Vec<Record> = records(place).find(doc! {}).await?.try_collect().await?;
    Ok(found.into_iter().map(|record| (record.version, record)).collect())
}
