//! After the flip: what was left behind is compared, waited for, erased.

use std::time::Duration;

use bson::doc;
use matome_store::entities::OrganizationStatus;
use matome_store::relocate;
use matome_store::time::timestamp;

use super::directory::change_status;
use super::progress::{budget, latest, remember};
use super::route::Route;
use crate::error::ProvisionError;
use crate::step::{Progress, Work};

/// Compares the source, where nothing changes any more, with the target.
pub(in crate::operations) async fn verify(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let ends = route.ends(work).await?;
    let checkpoint = latest(work.operation)?;
    let slice = relocate::verify(&ends.source, &ends.target, checkpoint, &mut budget(work.context)).await?;
    work.context.faults.boundary("verify.slice")?;
    remember(&slice)
}

/// Waits until the longest cache and the longest invocation that can know the old place have passed.
pub(in crate::operations) async fn grace(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if Route::of(work.operation)?.is_none() {
        return Ok(Progress::done());
    }
    let now = work.context.clock.now();
    let flipped = work.operation.detail("flip").and_then(|flip| flip.get_datetime("flippedAt").ok());
    let flipped = flipped.map_or(now, |at| timestamp(*at));
    let context = work.context;
    let rest = (context.directory_age + context.longest_invocation).saturating_sub(now.since(flipped));
    Ok(if rest > Duration::ZERO { Progress::Wait(rest, doc! {}) } else { Progress::done() })
}

/// Erases the source, then lifts its fence.
pub(in crate::operations) async fn clean_up(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let ends = route.ends(work).await?;
    let checkpoint = latest(work.operation)?;
    let slice = relocate::clean_up(&ends.source, &ends.target, checkpoint, &mut budget(work.context)).await?;
    work.context.faults.boundary("clean_up.slice")?;
    remember(&slice)
}

/// The organization is what it was; what the move took is measured.
pub(in crate::operations) async fn settle(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    change_status(work, OrganizationStatus::Moving, route.status).await?;
    let measured = latest(work.operation)?.measured;
    let flip = work.operation.detail("flip");
    let closed = flip.and_then(|flip| flip.get_i64("closedMs").ok()).unwrap_or_default();
    metrics::counter!("TenantsMoved").increment(1);
    metrics::counter!("DocumentsMoved").increment(measured.documents);
    metrics::counter!("BytesMoved").increment(measured.bytes);
    // Milliseconds of a fence are far below 2^52.
    metrics::histogram!("MoveFenceMilliseconds").record(measured.fence_ms as f64);
    metrics::histogram!("MoveClosedMilliseconds").record(closed as f64);
    tracing::info!(
        tenant.id = %work.tenant, documents = measured.documents, bytes = measured.bytes,
        changes = measured.changes, fence.ms = measured.fence_ms, closed.ms = closed, "moved"
    );
    Ok(Progress::done())
}
