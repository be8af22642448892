//! Copies every document, page by page, bytes untouched.

use crate::entities::tenant_declarations;
use crate::relocate::apply::Pair;
use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage, Walk};
use crate::relocate::error::RelocateError;
use crate::relocate::stream::Follower;
use crate::schema::Declaration;
use crate::store::TenantStore;

/// After how many pages the changes are followed for a turn, so that the position does not fall off
/// the oplog during a long walk.
pub(super) const KEEP_UP: usize = 16;

/// Copies the source to the target.
///
/// # Errors
/// [`RelocateError::HistoryLost`] when the source's changes could not be followed meanwhile.
pub async fn copy(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::Copy)? {
        return Ok(Progress::Done(checkpoint));
    }
    let mut next = checkpoint;
    let mut pages = 0;
    let declarations = tenant_declarations();
    for declaration in rest(&declarations, next.walk.as_ref()) {
        let pair = Pair::new(source, target, declaration).in_pages_of(budget);
        let mut after = next.walk.take().and_then(|walk| walk.after);
        loop {
            let page = pair.source.page(after.as_ref()).await?;
            if !page.documents.is_empty() {
                let there = pair.target.insert(&page.documents).await?;
                // Copied before, or its unique key is held by a document that has changed since.
                pair.refresh(there).await?;
                next.measured.documents += page.documents.len() as u64;
                next.measured.bytes += page.documents.iter().map(|d| d.as_bytes().len() as u64).sum::<u64>();
            }
            after = page.next;
            let Some(key) = &after else { break };
            next.walk = Some(walk(declaration, false, Some(key.clone())));
            pages += 1;
            if pages % KEEP_UP == 0 {
                keep_up(source, target, &mut next).await?;
            }
            budget.spend();
            if budget.is_spent() {
                return Ok(Progress::Again(next));
            }
        }
        if let Some(following) = after_this(&declarations, declaration) {
            next.walk = Some(walk(following, false, None));
            budget.spend();
            if budget.is_spent() {
                return Ok(Progress::Again(next));
            }
        }
    }
    Ok(Progress::Done(next.at(Stage::Follow)))
}

/// The collections still to be gone through, the one the walk stands in first. A collection that is no
/// longer declared lets the walk begin again.
pub(super) fn rest<'a>(declarations: &'a [Declaration], walk: Option<&Walk>) -> &'a [Declaration] {
    let at = walk.and_then(|walk| declarations.iter().position(|d| d.collection == walk.collection));
    &declarations[at.unwrap_or(0)..]
}

/// The collection that comes after this one.
pub(super) fn after_this<'a>(declarations: &'a [Declaration], this: &Declaration) -> Option<&'a Declaration> {
    declarations.iter().skip_while(|d| d.collection != this.collection).nth(1)
}

pub(super) fn walk(declaration: &Declaration, backwards: bool, after: Option<bson::Document>) -> Walk {
    Walk { collection: declaration.collection.to_owned(), backwards, after }
}

/// Brings what has changed, so that the position moves on.
pub(super) async fn keep_up(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: &mut Checkpoint,
) -> Result<(), RelocateError> {
    /// So that a busy database does not hold the walk up for good.
    const TURNS: usize = 4;
    let mut follower = Follower::open(source, target, Some(checkpoint.token()?)).await?;
    for _ in 0..TURNS {
        let turn = follower.turn(None).await?;
        checkpoint.measured.changes += turn.changes;
        checkpoint.token = follower.token();
        if turn.idle {
            break;
        }
    }
    Ok(())
}
