//! Taking a move back: the tenant is served where it was, and nothing of it is left in the target.

use bson::doc;
use matome_runtime::directory::Relocation;
use matome_store::entities::{Operation, OrganizationStatus};
use matome_store::relocate;

use super::directory::{change_status, tell};
use super::fence::open;
use super::progress::{budget, latest, remember};
use super::route::Route;
use super::{media, own};
use crate::error::ProvisionError;
use crate::step::{Progress, Step, Work, step};

/// The way back of a move, from wherever it is before the flip.
pub(in crate::operations) const WAY_BACK: &[Step] = &[
    step!("reopen", reopen),
    step!("wipe", wipe),
    step!("unmedia", media::unmedia),
    step!("unstack", own::unstack),
    step!("own_key_again", own::own_key_again),
];

/// Whether it is too late to go back: somebody may have written to the new place.
pub(in crate::operations) fn is_over(operation: &Operation) -> bool {
    let begun = |name| operation.steps.iter().any(|step| step.name == name);
    begun("flip")
}

async fn reopen(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    open(work, &route, &route.ends(work).await?).await?;
    work.context.faults.boundary("reopen.open")?;
    tell(work, &route.from, Relocation::Settled).await?;
    change_status(work, OrganizationStatus::Moving, route.status).await?;
    metrics::counter!("MovesTakenBack").increment(1);
    Ok(Progress::Done(doc! {}))
}

async fn wipe(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let ends = route.ends(work).await?;
    let checkpoint = latest(work.operation)?;
    let slice = relocate::abort(&ends.source, &ends.target, checkpoint, &mut budget(work.context)).await?;
    work.context.faults.boundary("wipe.slice")?;
    remember(&slice)
}
