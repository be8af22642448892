//! A large tenant moves while it keeps receiving.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bson::doc;
use futures::future::{join, try_join_all};
use matome_domain::placement::Placement;
use matome_store::entities::{Message, Operation, OperationStep};
use matome_tenancy::operations::Move;
use matome_testing::{TestSystem, TestTenant};

use crate::figure::{Figure, Limit};
use crate::provisioner::operate;
use crate::recording::{message, record, recorder};

/// Messages that there are when the move begins.
const MESSAGES: usize = 100_000;
const ROOMS: usize = 100;
/// Recorders that bring them there.
const RECORDERS: usize = 4;
/// What is recorded at a time while the tenant moves.
const MORE: usize = 10;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    fill(&system, &tenant).await?;

    let over = Cell::new(false);
    let moving = async {
        let operation =
            operate(&system, &tenant.id, &Move { placement: Placement::CollectionSet, cell: None }).await;
        over.set(true);
        operation
    };
    let (operation, written) = join(join(moving, tick(&system, &over)), write(&system, &tenant, &over)).await;
    let (operation, written) = (operation.0?, written?);

    let moved = system.store.tenant(&tenant.id, Placement::CollectionSet);
    let stored = moved.collection::<Message>().count(doc! {}).await?;
    ensure!(
        stored == (MESSAGES + written) as u64,
        "{stored} messages after the move, not {MESSAGES} and {written}"
    );
    let copying = seconds(step(&operation, "copy")?)?;
    let fence = step(&operation, "fence")?.detail.get_document("measured")?;
    let closed = step(&operation, "flip")?.detail.get_i64("closedMs")? as f64;
    let name = "move: messages copied, followed and compared, 100,000 while more are recorded";
    Ok(vec![
        Figure::known(name, "/s", MESSAGES as f64 / copying),
        Figure::known("move: messages recorded meanwhile", "", written as f64),
        Figure::new("move: nobody is served for", Limit::AtMost(3_000.0), "ms", closed),
        Figure::known(
            "move: of that, fence until the last write is there",
            "ms",
            fence.get_i64("fenceMs")? as f64,
        ),
    ])
}

async fn fill(system: &TestSystem, tenant: &TestTenant) -> anyhow::Result<()> {
    let each = MESSAGES / ROOMS;
    let work = (0..RECORDERS).map(async |of| {
        let (context, sent) = recorder(system);
        for room in (of..ROOMS).step_by(RECORDERS) {
            let messages: Vec<_> = (0..each).map(|n| message(tenant, room, n)).collect();
            record(&context, &messages).await?;
            sent.clear();
        }
        anyhow::Ok(())
    });
    try_join_all(work).await?;
    Ok(())
}

/// Time passes for everybody as it does outside, and jumps where the provisioner waits for minutes.
async fn tick(system: &TestSystem, over: &Cell<bool>) {
    let mut last = Instant::now();
    while !over.get() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = Instant::now();
        // The clock counts milliseconds: what is less is left for the next time.
        let passed = Duration::from_millis(now.duration_since(last).as_millis() as u64);
        system.clock.advance(passed);
        last += passed;
    }
}

/// Records messages in four rooms until the move is over; how many.
async fn write(system: &TestSystem, tenant: &TestTenant, over: &Cell<bool>) -> anyhow::Result<usize> {
    let (context, sent) = recorder(system);
    let mut written = 0;
    while !over.get() {
        let (room, first) = (ROOMS + written / MORE % 4, written);
        let messages: Vec<_> = (first..first + MORE).map(|n| message(tenant, room, n)).collect();
        record(&context, &messages).await?;
        sent.clear();
        written += MORE;
    }
    Ok(written)
}

fn step<'a>(operation: &'a Operation, name: &str) -> anyhow::Result<&'a OperationStep> {
    operation.steps.iter().find(|s| s.name == name).with_context(|| format!("the move has no step {name}"))
}

fn seconds(step: &OperationStep) -> anyhow::Result<f64> {
    let end = step.finished_at.context("the step did not end")?;
    Ok((end.timestamp_millis() - step.started_at.timestamp_millis()) as f64 / 1e3)
}
