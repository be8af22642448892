//! Death at every step boundary, then the next minute's run: the same is queued, the same is marked.

use std::collections::BTreeSet;

use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_runtime::queue::Recording;
use matome_testing::TestSystem;
use matome_testing::crash::{Boundaries, once_at};

use crate::stage::{Household, documents, household, marked, queued, scheduler, system};

async fn house() -> (TestSystem, Household, Vec<bson::Document>) {
    let system = system().await;
    let household = household(&system, Placement::CollectionSet).await;
    let before = documents(&household.tenant).await;
    (system, household, before)
}

async fn assert_all_done(
    household: &Household,
    before: Vec<bson::Document>,
    recordings: &[Recording],
    at: &str,
) {
    let mut all: Vec<_> = recordings.iter().flat_map(queued).collect();
    all.sort();
    all.dedup();
    assert_eq!(all, household.due, "{at}");
    assert_eq!(documents(&household.tenant).await, marked(before, &household.due), "{at}");
}

#[tokio::test]
async fn a_death_at_any_step_loses_nothing() {
    let boundaries = Boundaries::default();
    let (system, household, before) = house().await;
    let (context, recording) = scheduler(&system, boundaries.watch());
    matome_scheduler::handle(&context).await.unwrap();
    assert_all_done(&household, before, &[recording], "no death").await;
    let names: BTreeSet<_> = boundaries.all().iter().map(|(name, _)| *name).collect();
    let expected = [
        "queue.send.after",
        "queue.send.before",
        "scheduler.expired",
        "scheduler.marked",
        "scheduler.queued",
        "scheduler.usage_remembered",
        "scheduler.usage_written",
    ];
    assert_eq!(names, BTreeSet::from(expected));

    for (boundary, time) in boundaries.all() {
        let (system, household, before) = house().await;
        let (context, first) = scheduler(&system, once_at(boundary, time));
        let at = format!("{boundary} ({time})");
        assert!(matome_scheduler::handle(&context).await.is_err(), "{at}");
        let (context, second) = scheduler(&system, Faults::none());
        matome_scheduler::handle(&context).await.unwrap();
        assert_all_done(&household, before, &[first, second], &at).await;
    }
}
