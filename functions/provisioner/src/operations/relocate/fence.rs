//! Closes the tenant where it is, and brings the last changes over.

use matome_runtime::directory::Relocation;
use matome_store::relocate::{self, FENCE_LIMIT, Stage};
use matome_store::time::{date, timestamp};

use super::directory::tell;
use super::progress::{budget, detail, latest, remember};
use super::route::{Ends, Route};
use crate::error::ProvisionError;
use crate::step::{Progress, Work};

/// The directory says `fenced`; for as long as anybody may still believe otherwise nothing is refused, so
/// that what is being written gets through. Then the server refuses. Whatever goes wrong opens the tenant
/// again: it waits for nobody but a provisioner that died just here.
pub(in crate::operations) async fn fence(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let ends = route.ends(work).await?;
    if latest(work.operation)?.stage < Stage::Fence {
        // A fence was given up because the source's changes were lost: nobody is closed out for a copy.
        open(work, &route, &ends).await?;
        let (checkpoint, mut budget) = (latest(work.operation)?, budget(work.context));
        let copied = relocate::synchronize(&ends.source, &ends.target, checkpoint, &mut budget).await?;
        return Ok(Progress::Again(detail(copied.checkpoint())?));
    }
    match close(work, &route, &ends).await {
        Ok(Progress::Done(detail)) => Ok(Progress::Done(detail)),
        // A death leaves things as they are.
        Err(error) if error.ends_invocation() => Err(error),
        other => {
            let opened = open(work, &route, &ends).await;
            // Why it was not closed matters more; the next try closes it or opens it anyway.
            let progress = other?;
            opened?;
            Ok(progress)
        }
    }
}

async fn close(work: &Work<'_>, route: &Route, ends: &Ends) -> Result<Progress, ProvisionError> {
    let faults = &work.context.faults;
    tell(work, &route.from, Relocation::Fenced).await?;
    let closed_at = work.context.clock.now();
    faults.boundary("fence.closed")?;
    tokio::time::sleep(work.context.moving_age).await;
    let checkpoint = latest(work.operation)?;
    let mut budget = budget(work.context);
    let slice = relocate::fence(&ends.source, &ends.target, checkpoint, FENCE_LIMIT, &mut budget).await?;
    faults.boundary("fence.fenced")?;
    let mut progress = remember(&slice)?;
    if let Progress::Done(detail) = &mut progress {
        detail.insert("closedAt", date(closed_at));
    }
    Ok(progress)
}

/// Serves the tenant again where it was.
pub(super) async fn open(work: &Work<'_>, route: &Route, ends: &Ends) -> Result<(), ProvisionError> {
    ends.source.unfence().await?;
    tell(work, &route.from, Relocation::Moving).await
}

/// When the tenant was closed.
pub(super) fn closed_at(work: &Work<'_>) -> Option<matome_domain::clock::Timestamp> {
    work.operation.detail("fence")?.get_datetime("closedAt").ok().map(|at| timestamp(*at))
}
