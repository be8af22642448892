//! After the flip: compares the source, where nothing changes any more, with the target that lives on.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Context, SHA256, digest};
use bson::DateTime;
use bson::raw::RawDocument;
use matome_domain::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::entities::tenant_declarations;
use crate::relocate::apply::Pair;
use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage};
use crate::relocate::clean_up::{LIVES, set_state};
use crate::relocate::copy::{after_this, rest, walk};
use crate::relocate::error::RelocateError;
use crate::relocate::fence::EXPIRING;
use crate::relocate::page::Page;
use crate::relocate::place::Id;
use crate::store::TenantStore;
use crate::time::date;

/// How far the clocks of two functions may be apart: a document in the target that the source has not
/// must have been created after the fence.
const SKEW: Duration = Duration::from_secs(60);

/// What was found, by collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// By the entity's collection.
    pub collections: BTreeMap<String, VerifiedCollection>,
}

/// What was found in one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedCollection {
    /// Documents of the source.
    pub documents: u64,
    /// Their bytes, as BSON.
    pub bytes: u64,
    /// Hexadecimal SHA-256 over the source's documents in the order of their keys, chained:
    /// `d = SHA-256(d ‖ SHA-256(document))`, beginning with nothing.
    pub sha256: String,
    /// Of them, in the target byte by byte.
    pub equal: u64,
    /// Of them, changed in the target since.
    pub changed_later: u64,
    /// Of them, expired in the target.
    pub expired: u64,
    /// Only in the target, and younger than the fence or expired in the source.
    pub new: u64,
    /// Of the source's, not in the target although nothing may have deleted them.
    pub missing: u64,
    /// In the target otherwise, and not because of a later change.
    pub different: u64,
    /// Only in the target, and older than the fence.
    pub unexplained: u64,
}

impl VerifiedCollection {
    fn is_sound(&self) -> bool {
        self.missing + self.different + self.unexplained == 0
    }
}

impl Checkpoint {
    /// What [`verify`] has found so far.
    #[must_use]
    pub fn verified(&self) -> Option<&Verified> {
        self.verified.as_ref()
    }
}

/// Checks that every document of the source is in the target, equal or changed later, and that what the
/// target has besides is new. Marks the target as lived in.
///
/// # Errors
/// [`RelocateError::Unsound`] with the first collection that is not; [`RelocateError::Refused`] when the
/// source is not fenced.
pub async fn verify(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::Verify)? {
        return Ok(Progress::Done(checkpoint));
    }
    if !source.is_fenced().await? {
        return Err(RelocateError::Refused("the source is not fenced: it may have been written to"));
    }
    let fenced_at = checkpoint.fenced_at.unwrap_or_default();
    let mut next = checkpoint;
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
                let expiring = date(budget.now().plus(EXPIRING));
                let found = next.verified.get_or_insert_default();
                let found = found.collections.entry(declaration.collection.to_owned()).or_default();
                if backwards {
                    extra(&pair, &page, fenced_at, expiring, found).await?;
                } else {
                    present(&pair, &page, expiring, found).await?;
                }
                after = page.next;
                next.walk = match (&after, backwards) {
                    (Some(key), _) => Some(walk(declaration, backwards, Some(key.clone()))),
                    (None, false) => Some(walk(declaration, true, None)),
                    (None, true) => after_this(&declarations, declaration).map(|d| walk(d, false, None)),
                };
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
    let collections = next.verified.iter().flat_map(|verified| &verified.collections);
    if let Some((collection, found)) = collections.into_iter().find(|(_, found)| !found.is_sound()) {
        return Err(RelocateError::Unsound {
            collection: collection.clone(),
            missing: found.missing,
            different: found.different,
            unexplained: found.unexplained,
        });
    }
    set_state(target, LIVES).await?;
    Ok(Progress::Done(next.at(Stage::CleanUp)))
}

/// A page of the source: each document has to be in the target.
async fn present(
    pair: &Pair<'_>,
    page: &Page,
    expiring: DateTime,
    found: &mut VerifiedCollection,
) -> Result<(), RelocateError> {
    let ids = page.documents.iter().map(|document| Id::of(document)).collect::<Result<Vec<_>, _>>()?;
    let theirs = pair.target.get(&ids).await?;
    for (id, ours) in ids.iter().zip(&page.documents) {
        found.documents += 1;
        found.bytes += ours.as_bytes().len() as u64;
        found.sha256 = chained(&found.sha256, ours);
        match theirs.get(id) {
            Some(theirs) if theirs == ours => found.equal += 1,
            Some(theirs) if is_later(theirs, ours) => found.changed_later += 1,
            Some(_) => found.different += 1,
            None if expires(pair, ours, expiring) => found.expired += 1,
            None => found.missing += 1,
        }
    }
    Ok(())
}

/// A page of the target: what the source has not must be younger than the fence.
async fn extra(
    pair: &Pair<'_>,
    page: &Page,
    fenced_at: Timestamp,
    expiring: DateTime,
    found: &mut VerifiedCollection,
) -> Result<(), RelocateError> {
    let ids = page.documents.iter().map(|document| Id::of(document)).collect::<Result<Vec<_>, _>>()?;
    let existing: BTreeSet<Id> = pair.source.existing(&ids).await?;
    for (_, theirs) in ids.iter().zip(&page.documents).filter(|(id, _)| !existing.contains(id)) {
        let created = theirs.get_datetime("createdAt").ok();
        let young = created.is_some_and(|created| created >= date(fenced_at.minus(SKEW)));
        if young || expires(pair, theirs, expiring) {
            found.new += 1;
        } else {
            found.unexplained += 1;
        }
    }
    Ok(())
}

/// Every update raises `__v` or moves `updatedAt`.
fn is_later(theirs: &RawDocument, ours: &RawDocument) -> bool {
    let version = |document: &RawDocument| document.get_i64("__v").unwrap_or_default();
    let updated = |document: &RawDocument| document.get_datetime("updatedAt").ok();
    version(theirs) > version(ours) || updated(theirs) > updated(ours)
}

/// MongoDB may have deleted it by itself.
fn expires(pair: &Pair<'_>, document: &RawDocument, before: DateTime) -> bool {
    let field = pair.source.declaration.expiry();
    field.and_then(|field| document.get_datetime(field).ok()).is_some_and(|expiry| expiry <= before)
}

fn chained(before: &str, document: &RawDocument) -> String {
    let mut context = Context::new(&SHA256);
    context.update(before.as_bytes());
    context.update(digest(&SHA256, document.as_bytes()).as_ref());
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
