//! The first two steps: an empty target, and a position in the source's changes.

use bson::{Document, doc};

use crate::migrations;
use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage};
use crate::relocate::clean_up::{ARRIVING, empty, is_empty, set_state, state};
use crate::relocate::error::RelocateError;
use crate::relocate::stream::{Follower, mark, marker_id};
use crate::store::TenantStore;
use crate::validators::RELOCATIONS;

/// Makes the target's collections, validators and indexes, and empties it of what an aborted move left.
/// Call it only while the directory says that the tenant lives in the source.
///
/// # Errors
/// [`RelocateError::Refused`] when the tenant is known to live in the target, or is fenced in the source;
/// [`RelocateError::Unmigrated`] when the documents would miss a migration in the target.
pub async fn prepare(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::Prepare)? {
        return Ok(Progress::Done(checkpoint));
    }
    if source.tenant != target.tenant {
        return Err(RelocateError::OtherTenant);
    }
    if are_same(source, target).await? {
        return Err(RelocateError::SamePlace);
    }
    if source.count_fences().await? > 0 {
        return Err(RelocateError::Refused("the tenant is fenced in the source: another move is not over"));
    }
    match state(target).await?.as_deref() {
        Some(ARRIVING) => {
            if !empty(target, budget).await? {
                return Ok(Progress::Again(checkpoint));
            }
        }
        Some(_) => return Err(RelocateError::Refused("the tenant lives in the target")),
        None => {
            if !is_empty(target).await? {
                return Err(RelocateError::Refused("the target holds documents that no move has left there"));
            }
        }
    }
    source.ensure_collections().await?;
    target.ensure_collections().await?;
    target.unfence().await?;
    set_state(target, ARRIVING).await?;
    migrations::take_along(source, target).await?;
    Ok(Progress::Done(checkpoint.at(Stage::Position)))
}

/// Remembers where the source's changes stand, before anything is copied.
///
/// # Errors
/// [`RelocateError`].
pub async fn position(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::Position)? {
        return Ok(Progress::Done(checkpoint));
    }
    // The token of a stream without events is the server's time: everything later comes after it.
    let token = Follower::open(source, target, None).await?.token();
    let mut next = checkpoint.at(Stage::Copy);
    next.token = Some(token.ok_or(RelocateError::HistoryLost)?);
    Ok(Progress::Done(next))
}

/// Two handles can lead to one place by different connection strings: a marker written here is
/// looked for there.
pub(super) async fn are_same(source: &TenantStore, target: &TenantStore) -> Result<bool, RelocateError> {
    if source.database.name() != target.database.name() {
        return Ok(false);
    }
    let same_names = source.placement == target.placement;
    let number = mark(source).await?;
    let markers = target.database.collection::<Document>(RELOCATIONS);
    let found = markers.find_one(doc! { "_id": marker_id(target), "number": number }).await?.is_some();
    mark(source).await?;
    let still = markers.find_one(doc! { "_id": marker_id(target), "number": number }).await?.is_some();
    Ok(same_names && found && !still)
}
