//! Compares both sides byte by byte while the source is in use, and brings again what differs.

use std::collections::BTreeSet;

use crate::entities::tenant_declarations;
use crate::relocate::apply::Pair;
use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage};
use crate::relocate::copy::{KEEP_UP, after_this, keep_up, rest, walk};
use crate::relocate::error::RelocateError;
use crate::relocate::place::Id;
use crate::store::TenantStore;

/// Goes through the source and looks for each document in the target, then through the target for
/// what the source has not. Whatever differs, often because it has just changed, is brought again.
///
/// # Errors
/// [`RelocateError`].
pub async fn compare(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::Compare)? {
        return Ok(Progress::Done(checkpoint));
    }
    let mut next = checkpoint;
    let mut pages = 0;
    let declarations = tenant_declarations();
    for declaration in rest(&declarations, next.walk.as_ref()) {
        let pair = Pair::new(source, target, declaration).in_pages_of(budget);
        let begin = next.walk.take();
        let from = begin.as_ref().is_some_and(|walk| walk.backwards);
        let mut after = begin.and_then(|walk| walk.after);
        for backwards in [false, true].into_iter().skip_while(|backwards| from && !backwards) {
            loop {
                let side = if backwards { &pair.target } else { &pair.source };
                let page = side.page(after.as_ref()).await?;
                let ids = page.documents.iter().map(|document| Id::of(document));
                let ids: BTreeSet<Id> = ids.collect::<Result<_, _>>()?;
                next.measured.repaired += repair(&pair, &ids, backwards).await?;
                after = page.next;
                next.walk = match (&after, backwards) {
                    (Some(key), _) => Some(walk(declaration, backwards, Some(key.clone()))),
                    (None, false) => Some(walk(declaration, true, None)),
                    (None, true) => after_this(&declarations, declaration).map(|d| walk(d, false, None)),
                };
                pages += 1;
                if pages % KEEP_UP == 0 {
                    keep_up(source, target, &mut next).await?;
                }
                budget.spend();
                if next.walk.is_some() && budget.is_spent() {
                    return Ok(Progress::Again(next));
                }
                if after.is_none() {
                    break;
                }
            }
        }
    }
    Ok(Progress::Done(next.at(Stage::Fence)))
}

/// Brings again what differs among these; how many.
async fn repair(pair: &Pair<'_>, ids: &BTreeSet<Id>, backwards: bool) -> Result<u64, RelocateError> {
    let differing = if backwards {
        let existing = pair.source.existing(ids).await?;
        ids.difference(&existing).cloned().collect()
    } else {
        pair.differing(ids).await?
    };
    if differing.is_empty() {
        return Ok(0);
    }
    let repaired = differing.len() as u64;
    pair.refresh(differing).await?;
    Ok(repaired)
}
