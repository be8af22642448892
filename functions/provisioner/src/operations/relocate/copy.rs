//! Copies the tenant while it is in use, in slices.

use matome_store::relocate::{Stage, synchronize};

use super::progress::{budget, latest, remember};
use super::route::Route;
use crate::error::ProvisionError;
use crate::step::{Progress, Work};

/// Prepares the target, copies, follows, compares: until little is left for the fence.
pub(in crate::operations) async fn copy(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let ends = route.ends(work).await?;
    let checkpoint = latest(work.operation)?;
    let prepares = checkpoint.stage == Stage::Prepare;
    let slice = synchronize(&ends.source, &ends.target, checkpoint, &mut budget(work.context)).await?;
    work.context.faults.boundary(if prepares { "copy.first" } else { "copy.slice" })?;
    remember(&slice)
}
