//! Brings what changed since the position, until little is left.

use crate::relocate::checkpoint::{Budget, Checkpoint, Progress, Stage};
use crate::relocate::error::RelocateError;
use crate::relocate::stream::{Follower, mark};
use crate::store::TenantStore;

/// Follows the source's changes until one turn catches up with a marker that was written just before.
///
/// # Errors
/// [`RelocateError::HistoryLost`].
pub async fn follow(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    if checkpoint.is_past(Stage::Follow)? {
        return Ok(Progress::Done(checkpoint));
    }
    let mut next = checkpoint;
    let mut follower = Follower::open(source, target, Some(next.token()?)).await?;
    if catch_up(source, &mut follower, &mut next, budget).await? {
        return Ok(Progress::Done(next.at(Stage::Compare)));
    }
    Ok(Progress::Again(next))
}

/// Whether the end came in sight before the budget was spent.
pub(super) async fn catch_up(
    source: &TenantStore,
    follower: &mut Follower<'_>,
    checkpoint: &mut Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<bool, RelocateError> {
    loop {
        let marker = mark(source).await?;
        let mut turns = 0;
        loop {
            let turn = follower.turn(Some(marker)).await?;
            checkpoint.measured.changes += turn.changes;
            checkpoint.token = follower.token();
            turns += 1;
            budget.spend();
            if turn.met && turns == 1 {
                return Ok(true);
            }
            if budget.is_spent() {
                return Ok(false);
            }
            if turn.met {
                break;
            }
        }
    }
}
