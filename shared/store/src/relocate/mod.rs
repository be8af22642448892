//! Moves a tenant's documents from one placement to another, or to another cluster, while they are
//! written to: everything of a move that is MongoDB's. Who calls it flips the directory.
//!
//! | step | what it does | undone by |
//! |---|---|---|
//! | [`prepare`] | makes the target's collections, empties it of leftovers | [`abort`] |
//! | [`position`] | remembers where the source's change stream stands | |
//! | [`copy`] | copies every document, unchanged to the byte | |
//! | [`follow`] | brings what changed meanwhile, until little is left | |
//! | [`compare`] | compares both sides document by document, and repairs | |
//! | [`fence`] | fences the source, brings the rest, counts | |
//! | (flip) | the caller writes the new placement to the directory | from here on: forward only |
//! | [`verify`] | compares the frozen source with the living target | |
//! | [`clean_up`] | empties the source and lifts its fence | |
//!
//! Each step may be cut short by its [`Budget`] or by a crash at any point, and be called again with
//! the last [`Checkpoint`] that was kept, or with an older one: everything written is written by id and
//! can be written twice. A step that is done does nothing. [`synchronize`] runs the first five.
//!
//! Why nothing is lost: changes are followed from a position that was taken *before* copying, so
//! whatever the copy read too early is brought again. A change names a document; what is written to
//! the target is always the source's *current* document, so it does not matter how often or how late
//! a change is seen. Once the fence stands no write of the tenant gets through; a marker written
//! after it is the last thing that can be in the stream.

mod apply;
mod checkpoint;
mod clean_up;
mod compare;
mod copy;
mod error;
mod fence;
mod follow;
mod page;
mod place;
mod prepare;
mod stream;
mod verify;
mod whole;

pub use checkpoint::{Budget, Checkpoint, Measured, Progress, Stage};
pub use clean_up::{abort, clean_up};
pub use compare::compare;
pub use copy::copy;
pub use error::RelocateError;
pub use fence::{FENCE_LIMIT, fence};
pub use follow::follow;
pub use prepare::{position, prepare};
pub use verify::{Verified, VerifiedCollection, verify};
pub use whole::{RawPage, count, erase_documents, erase_place, page};

use crate::store::TenantStore;

/// Runs the steps from [`prepare`] to [`compare`], wherever the checkpoint stands among them; begins
/// again by itself when the source no longer has the changes since the checkpoint.
///
/// # Errors
/// [`RelocateError`].
pub async fn synchronize(
    source: &TenantStore,
    target: &TenantStore,
    checkpoint: Checkpoint,
    budget: &mut Budget<'_>,
) -> Result<Progress, RelocateError> {
    let stage = checkpoint.stage;
    let fallback = checkpoint.from_the_beginning();
    let outcome = match stage {
        Stage::Prepare => prepare(source, target, checkpoint, budget).await,
        Stage::Position => position(source, target, checkpoint).await,
        Stage::Copy => copy(source, target, checkpoint, budget).await,
        Stage::Follow => follow(source, target, checkpoint, budget).await,
        Stage::Compare => compare(source, target, checkpoint, budget).await,
        _ => return Ok(Progress::Done(checkpoint)),
    };
    match outcome {
        Ok(Progress::Done(next)) if next.stage < Stage::Fence => {
            // Small slices keep their checkpoints small; the caller persists between them.
            if budget.is_spent() {
                return Ok(Progress::Again(next));
            }
            Box::pin(synchronize(source, target, next, budget)).await
        }
        Err(RelocateError::HistoryLost) => {
            source.unfence().await?;
            Ok(Progress::Again(fallback))
        }
        other => other,
    }
}
