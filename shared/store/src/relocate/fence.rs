//! Closes the source and brings the last writes over: the only time a tenant's writes wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bson::DateTime;
use futures::future::try_join_all;

use crate::entities::tenant_declarations;
use crate::relocate::apply::Pair;
use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage};
use crate::relocate::error::RelocateError;
use crate::relocate::follow::catch_up;
use crate::relocate::place::Id;
use crate::relocate::stream::{Follower, mark};
use crate::relocate::synchronize;
use crate::store::TenantStore;
use crate::time::date;

/// How long a tenant may be fenced before the fence is lifted again and the move goes back to following.
pub const FENCE_LIMIT: Duration = Duration::from_secs(5);
/// Documents that MongoDB deletes by itself within this time are not counted: it does so on each
/// side when it gets round to it, once a minute.
pub(super) const EXPIRING: Duration = Duration::from_secs(600);

/// Fences the source, brings everything written before the fence, compares what was brought and counts
/// both sides. When it is done the source is closed for good, and the caller flips the directory.
///
/// The fence is lifted again when the rest does not come within `limit`, and on every error; then call
/// it again. After a crash the source may still be fenced: call it again soon, or [`crate::relocate::abort`].
/// When the source's changes are gone it copies everything again, like [`synchronize`]; when both sides
/// differ it goes back to comparing them, once.
///
/// # Errors
/// [`RelocateError::Differs`] when both sides differ under a second fence, too.
pub async fn fence(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    limit: Duration,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.stage < Stage::Fence {
        let next = synchronize(source, target, checkpoint, budget).await?.checkpoint().clone();
        return Ok(Progress::Again(next));
    }
    if checkpoint.is_past(Stage::Fence)? {
        return Ok(Progress::Done(checkpoint));
    }
    let mut next = checkpoint;
    let outcome = close(source, target, &mut next, limit, budget).await;
    if !matches!(outcome, Ok(Outcome::Closed)) {
        // An error of this is no reason to hide the first one: the next call fences again anyway.
        let lifted = source.unfence().await;
        if outcome.is_ok() {
            lifted?;
        }
    }
    match outcome {
        Ok(Outcome::Closed) => Ok(Progress::Done(next.at(Stage::Verify))),
        Ok(Outcome::NotYet) => Ok(Progress::Again(next)),
        Ok(Outcome::TooSlow) => {
            next.measured.fences_given_up += 1;
            Ok(Progress::Again(next))
        }
        Err(RelocateError::HistoryLost) => Ok(Progress::Again(next.from_the_beginning())),
        // Everything is compared and repaired once more while the tenant is served. What still differs
        // under the next fence is nothing that another try mends.
        Err(RelocateError::Differs { .. }) if next.measured.fences_differing == 0 => {
            next.measured.fences_differing = 1;
            Ok(Progress::Again(next.at(Stage::Compare)))
        }
        Err(error) => Err(error),
    }
}

enum Outcome {
    /// Everything is in the target.
    Closed,
    /// The budget was spent before it came to the fence.
    NotYet,
    /// The rest did not come in time.
    TooSlow,
}

async fn close(
    source: &TenantStore,
    target: &TenantStore,
    next: &mut Checkpoint,
    limit: Duration,
    budget: &mut Budget<'_>,
) -> Result<Outcome, RelocateError> {
    // The stream is opened and all but the last moment is brought before anybody has to wait.
    let mut follower = Follower::open(source, target, Some(next.token()?)).await?;
    follower.remember_changes();
    if !catch_up(source, &mut follower, next, budget).await? {
        return Ok(Outcome::NotYet);
    }
    next.fenced_at = Some(budget.now());
    let begun = Instant::now();
    source.fence().await?;
    let marker = mark(source).await?;
    loop {
        let turn = follower.turn(Some(marker)).await?;
        next.measured.changes += turn.changes;
        if turn.met {
            break;
        }
        if begun.elapsed() >= limit {
            return Ok(Outcome::TooSlow);
        }
    }
    next.token = follower.token();
    check_changed(source, target, &follower.take_changes()).await?;
    let rest = limit.saturating_sub(begun.elapsed());
    let expiring = date(budget.now().plus(EXPIRING));
    // The comparison has seen every document, and every change since was checked. Counting is
    // for peace of mind, and not worth a longer fence.
    next.measured.counted = match tokio::time::timeout(rest, count(source, target, expiring)).await {
        Ok(counted) => Some(counted?),
        Err(_too_many_to_count) => None,
    };
    next.measured.fence_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Outcome::Closed)
}

/// Every document that changed since the comparison is the same on both sides.
async fn check_changed(
    source: &TenantStore,
    target: &TenantStore,
    changed: &BTreeMap<&'static str, BTreeSet<Id>>,
) -> Result<(), RelocateError> {
    for declaration in &tenant_declarations() {
        let pair = Pair::new(source, target, declaration);
        let Some(ids) = changed.get(declaration.collection) else { continue };
        let mut differing = pair.differing(ids).await?;
        if !differing.is_empty() {
            // A document that has just expired on one side.
            pair.refresh(differing.clone()).await?;
            differing = pair.differing(&differing).await?;
        }
        if !differing.is_empty() {
            let (ours, theirs) = (pair.source.get(&differing).await?, pair.target.get(&differing).await?);
            return Err(RelocateError::Differs {
                collection: declaration.collection,
                source_count: ours.len() as u64,
                target_count: theirs.len() as u64,
            });
        }
    }
    Ok(())
}

/// Counts both sides; the documents of all collections.
async fn count(source: &TenantStore, target: &TenantStore, expiring: DateTime) -> Result<u64, RelocateError> {
    let declarations = tenant_declarations();
    let counts = declarations.iter().map(async |declaration| {
        let pair = Pair::new(source, target, declaration);
        let (source_count, target_count) =
            futures::try_join!(pair.source.count(expiring), pair.target.count(expiring))?;
        if source_count != target_count {
            let collection = declaration.collection;
            return Err(RelocateError::Differs { collection, source_count, target_count });
        }
        Ok(source_count)
    });
    Ok(try_join_all(counts).await?.into_iter().sum())
}
