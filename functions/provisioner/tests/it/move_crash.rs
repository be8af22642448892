//! A move whose provisioner dies, at every step and in the middle of slices.

use std::collections::BTreeMap;

use matome_domain::placement::Placement;
use matome_local_stack::shared::OwnMongod;
use matome_store::entities::OperationState;
use matome_testing::TestSystem;
use matome_testing::crash::{Boundaries, once_at};

use crate::mover::Mover;

/// The first time each boundary is come by, and the last time those within a step are.
fn some(all: Vec<(&'static str, usize)>) -> Vec<(&'static str, usize)> {
    let last: BTreeMap<_, _> = all.iter().copied().collect();
    let wanted = |name: &str, time| time == 1 || (name.contains('.') && time == last[name]);
    all.into_iter().filter(|(name, time)| wanted(name, *time)).collect()
}

async fn dies_everywhere(name: &str, from: Placement, to: Placement) {
    // Dozens of tenants' collections: more files than the other tests' server should have.
    let mongod = OwnMongod::start(name).await.expect("a MongoDB of our own starts");
    let boundaries = Boundaries::default();
    let calm = Mover::over(TestSystem::on(&mongod.uri()).await, from).await;
    calm.record(0, 30).await;
    let before = calm.documents(from).await;
    let job = calm.ask(to, None).await;
    let done = calm.world.drive_with(&job, boundaries.watch()).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    calm.assert_lives(to, &before, 30).await;

    let boundaries = some(boundaries.all());
    let slices = |name| boundaries.iter().filter(|(boundary, _)| *boundary == name).count();
    assert!(slices("copy.slice") > 1 && slices("verify.slice") > 1, "{boundaries:?}");
    let mut mover = calm;
    for (boundary, time) in boundaries {
        mover = mover.again(from).await;
        mover.record(0, 30).await;
        let before = mover.documents(from).await;
        let job = mover.ask(to, None).await;
        let done = mover.world.drive_with(&job, once_at(boundary, time)).await;
        assert_eq!(done.state, OperationState::Done, "died at {boundary}, time {time}: {done:?}");
        mover.assert_lives(to, &before, 30).await;
    }
}

#[tokio::test]
async fn a_move_up_ends_the_same_wherever_the_provisioner_dies() {
    dies_everywhere("move-up", Placement::Shared, Placement::Dedicated).await;
}

#[tokio::test]
async fn a_move_down_ends_the_same_wherever_the_provisioner_dies() {
    dies_everywhere("move-down", Placement::CollectionSet, Placement::Shared).await;
}
