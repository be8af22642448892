//! Moves as the provisioner does: one call a step, the checkpoint kept as bytes in between.

use matome_store::TenantStore;
use matome_store::relocate::{self, Budget, Checkpoint, FENCE_LIMIT, Progress, RelocateError, Stage};

use crate::world::Still;

/// One call of the step whose turn it is.
pub(crate) async fn call(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: &Checkpoint,
    batches: u32,
) -> Result<Progress, RelocateError> {
    call_in_pages(source, target, checkpoint, Budget::batches(&Still, batches)).await
}

/// The same, with a budget of one's own.
pub(crate) async fn call_in_pages(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: &Checkpoint,
    mut budget: Budget<'_>,
) -> Result<Progress, RelocateError> {
    let kept = bson::serialize_to_vec(checkpoint).expect("can be kept");
    let checkpoint: Checkpoint = bson::deserialize_from_slice(&kept).expect("can be read again");
    let budget = &mut budget;
    match checkpoint.stage {
        Stage::Prepare => relocate::prepare(source, target, checkpoint, budget).await,
        Stage::Position => relocate::position(source, target, checkpoint).await,
        Stage::Copy => relocate::copy(source, target, checkpoint, budget).await,
        Stage::Follow => relocate::follow(source, target, checkpoint, budget).await,
        Stage::Compare => relocate::compare(source, target, checkpoint, budget).await,
        Stage::Fence => relocate::fence(source, target, checkpoint, FENCE_LIMIT, budget).await,
        Stage::Verify => relocate::verify(source, target, checkpoint, budget).await,
        Stage::CleanUp => relocate::clean_up(source, target, checkpoint, budget).await,
        Stage::Done => Ok(Progress::Done(checkpoint)),
    }
}

/// Calls until `stage` is next.
pub(crate) async fn run_to(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    batches: u32,
    stage: Stage,
) -> Checkpoint {
    let mut checkpoint = checkpoint;
    while checkpoint.stage < stage {
        let at = checkpoint.stage;
        let progress = call(source, target, &checkpoint, batches).await;
        checkpoint = progress.unwrap_or_else(|e| panic!("{at:?}: {e:?}")).checkpoint().clone();
    }
    checkpoint
}

/// Gives a move up, a batch a call.
pub(crate) async fn abort(source: &TenantStore, target: &TenantStore, checkpoint: &Checkpoint) {
    loop {
        let budget = &mut Budget::batches(&Still, 1);
        let progress = relocate::abort(source, target, checkpoint.clone(), budget).await;
        if let Progress::Done(fresh) = progress.expect("given up") {
            assert_eq!(fresh, Checkpoint::new());
            return;
        }
    }
}
