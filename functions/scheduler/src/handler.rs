//! One invocation: every place is swept, a failing one does not keep the others from it.

use std::ops::AddAssign;
use std::time::Duration;

use matome_domain::clock::Timestamp;
use matome_runtime::lambda::Chain;
use serde::Serialize;

use crate::context::Context;
use crate::error::SweepError;
use crate::{operations, place, usage};

/// No new page is begun after this: the function's own time-out is a minute.
const BUDGET: Duration = Duration::from_secs(40);

/// What was queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Sessions to be closed because their time is up.
    pub expired: usize,
    /// Sessions whose summary is overdue.
    pub summaries: usize,
    /// Outbox entries that nobody sent.
    pub outbound: usize,
    /// Media that nobody fetched or erased.
    pub media: usize,
    /// Operations on tenants that are to go on.
    pub operations: usize,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.expired += other.expired;
        self.summaries += other.summaries;
        self.outbound += other.outbound;
        self.media += other.media;
        self.operations += other.operations;
    }
}

/// When this run began, and whether it may go on.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The function.
    pub context: &'a Context,
    /// When it began: the "now" of every question.
    pub now: Timestamp,
}

impl Run<'_> {
    /// Whether there is time for another page.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.context.clock.now().since(self.now) < BUDGET
    }
}

/// Finds what is due everywhere and queues it.
///
/// # Errors
/// [`SweepError`] when the places could not be listed, or some of them could not be swept.
pub async fn handle(context: &Context) -> Result<Swept, SweepError> {
    let run = Run { context, now: context.clock.now() };
    let places = in_turn(context.tenants.sweeps().await?, run.now);
    let mut swept = Swept::default();
    let mut failed = 0;
    match operations::sweep(run).await {
        Ok(queued) => swept.operations = queued,
        Err(error) => {
            failed += 1;
            tracing::warn!(error = %Chain(&error), "operations could not be swept");
        }
    }
    for place in &places {
        let place = match place {
            Ok(place) => place,
            Err(error) => {
                failed += 1;
                tracing::error!(error = %Chain(error), "a place cannot be reached");
                continue;
            }
        };
        if let Err(error) = place::sweep(run, place, &mut swept).await {
            failed += 1;
            tracing::warn!(cell = place.cell, place = %place.place, error = %Chain(&error), "a place could not be swept");
        }
    }
    metrics::counter!("SessionsExpired").increment(swept.expired as u64);
    metrics::counter!("SummariesRedriven").increment(swept.summaries as u64);
    metrics::counter!("OutboxRedriven").increment(swept.outbound as u64);
    metrics::counter!("MediaRedriven").increment(swept.media as u64);
    metrics::counter!("OperationsRedriven").increment(swept.operations as u64);
    metrics::counter!("PlacesFailed").increment(failed as u64);
    let Swept { expired, summaries, outbound, media, operations } = swept;
    tracing::info!(places = places.len(), failed, expired, summaries, outbound, media, operations, "swept");
    // Last: nobody waits for it.
    let measured = usage::measure(run).await;
    if let Err(error) = &measured {
        tracing::warn!(error = %Chain(error), "usage is not measured everywhere");
    }
    if failed > 0 {
        return Err(SweepError::Incomplete { failed, places: places.len() });
    }
    measured.map(|_| swept)
}

/// Another place comes first every minute, so that none is always the one time runs out for.
fn in_turn<P>(mut places: Vec<P>, now: Timestamp) -> Vec<P> {
    let minute = usize::try_from(now.0 / 60_000).unwrap_or_default();
    let first = minute % places.len().max(1);
    places.rotate_left(first);
    places
}
