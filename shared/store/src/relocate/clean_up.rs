//! Emptying the side that is no longer needed: the source after a move, the target when it is aborted.
//!
//! What may be erased is written down beside the data: `prepare` marks the target as arriving,
//! `verify` marks it as lived in. Nothing is ever erased from a place that this module has not
//! marked for it, whatever the caller believes.

use std::time::Duration;

use bson::{Document, doc};
use futures::future::try_join_all;
use matome_domain::placement::Placement;

use crate::entities::tenant_declarations;
use crate::error::StoreError;
use crate::migrations;
use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage};
use crate::relocate::error::RelocateError;
use crate::relocate::place::{Id, Place};
use crate::relocate::prepare::are_same;
use crate::relocate::stream::marker_id;
use crate::store::TenantStore;
use crate::validators::RELOCATIONS;

/// A move is filling the place: it can be emptied.
pub(super) const ARRIVING: &str = "arriving";
/// The tenant lives here since a move was verified.
pub(super) const LIVES: &str = "lives";

/// Erases the tenant from the source and lifts the fence there. Call it when no process can believe any
/// more that the tenant lives in the source: after the longest cache and the longest invocation. (The fence
/// goes with collections that are dropped; who writes then makes new ones without.)
///
/// # Errors
/// [`RelocateError::Refused`] when the target was not verified.
pub async fn clean_up(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::CleanUp)? {
        return Ok(Progress::Done(checkpoint));
    }
    if state(target).await?.as_deref() != Some(LIVES) {
        return Err(RelocateError::Refused("the target was not verified"));
    }
    if are_same(source, target).await? {
        return Err(RelocateError::SamePlace);
    }
    if !empty(source, budget).await? {
        return Ok(Progress::Again(checkpoint));
    }
    source.unfence().await?;
    Ok(Progress::Done(checkpoint.at(Stage::Done)))
}

/// Gives a move up: the source takes writes again, then what was copied is erased from the target.
/// Only before the flip; afterwards a move can but go forward. At the end the checkpoint is a new one.
///
/// # Errors
/// [`RelocateError::Refused`] when the target was verified: the tenant lives there.
pub async fn abort(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    match state(target).await?.as_deref() {
        Some(ARRIVING) if checkpoint.stage <= Stage::Verify => {}
        // Never begun: nothing was written, and the fence, if any, is another move's.
        None if checkpoint.stage <= Stage::Verify => return Ok(Progress::Done(Checkpoint::new())),
        _ => return Err(RelocateError::Refused("the tenant lives in the target")),
    }
    if are_same(source, target).await? {
        return Err(RelocateError::SamePlace);
    }
    source.unfence().await?;
    if !empty(target, budget).await? {
        return Ok(Progress::Again(checkpoint));
    }
    Ok(Progress::Done(Checkpoint::new()))
}

/// What is written down about the tenant in a place.
pub(super) async fn state(place: &TenantStore) -> Result<Option<String>, RelocateError> {
    let markers = place.database.collection::<Document>(RELOCATIONS);
    let marker = markers.find_one(doc! { "_id": marker_id(place) }).await?;
    Ok(marker.and_then(|marker| marker.get_str("state").ok().map(str::to_owned)))
}

pub(super) async fn set_state(place: &TenantStore, state: &str) -> Result<(), RelocateError> {
    let markers = place.database.collection::<Document>(RELOCATIONS);
    let set = doc! { "$set": { "state": state } };
    markers.update_one(doc! { "_id": marker_id(place) }, set).upsert(true).await?;
    Ok(())
}

/// Whether the place holds any document of the tenant.
pub(super) async fn is_empty(place: &TenantStore) -> Result<bool, RelocateError> {
    let declarations = tenant_declarations();
    let pages = declarations.iter().map(async |declaration| {
        let side = Place::new(place, declaration);
        Ok::<_, RelocateError>(side.documents().find_one(doc! { "tenantId": side.tenant() }).await?.is_none())
    });
    Ok(try_join_all(pages).await?.into_iter().all(|empty| empty))
}

/// Erases the tenant from a place, what is written down about it last; `false` when the budget was spent
/// before the end.
pub(super) async fn empty(place: &TenantStore, budget: &mut Budget<'_>) -> Result<bool, RelocateError> {
    let declarations = tenant_declarations();
    match place.placement {
        Placement::Dedicated => {
            drop_database(place).await?;
            return Ok(true);
        }
        Placement::CollectionSet => {
            for declaration in &declarations {
                Place::new(place, declaration).documents().drop().await?;
            }
            migrations::forget(place).await?;
        }
        Placement::Shared => {
            for declaration in &declarations {
                let mut side = Place::new(place, declaration);
                side.page_size = budget.page_size;
                loop {
                    let page = side.page(None).await?;
                    if page.documents.is_empty() {
                        break;
                    }
                    let ids = page.documents.iter().map(|document| Id::of(document));
                    side.remove(&ids.collect::<Result<Vec<_>, _>>()?).await?;
                    budget.spend();
                    if budget.is_spent() {
                        return Ok(false);
                    }
                }
            }
        }
    }
    let markers = place.database.collection::<Document>(RELOCATIONS);
    markers.delete_one(doc! { "_id": marker_id(place) }).await?;
    Ok(true)
}

/// Drops a database, with somebody else who is just about to, say this step before it was killed.
async fn drop_database(place: &TenantStore) -> Result<(), RelocateError> {
    /// DatabaseDropPending, MongoDB error code 215.
    const PENDING: i32 = 215;
    const ATTEMPTS: u32 = 10;
    for attempt in 1.. {
        let Err(error) = place.database.drop().await.map_err(StoreError::from) else { break };
        if error.code() != Some(PENDING) || attempt == ATTEMPTS {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(10 << attempt.min(5))).await;
    }
    Ok(())
}
