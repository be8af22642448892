//! What can go wrong with a move.

use crate::error::StoreError;

/// A step that failed. Unless it says otherwise, calling it again with the last checkpoint is right.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source's oplog no longer reaches back to the checkpoint: go on with
    /// [`crate::relocate::Checkpoint::from_the_beginning`], which copies everything again.
    #[error("the source no longer has the changes since the checkpoint; the copy has to begin again")]
    HistoryLost,
    /// Source and target are one and the same place.
    #[error("source and target are the same place")]
    SamePlace,
    /// Source and target belong to different tenants.
    #[error("source and target belong to different tenants")]
    OtherTenant,
    /// The tenant already lives in the target, or is fenced in the source for another reason: what
    /// was asked would erase data in use.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// A step was called before its turn.
    #[error("the step is for a move at {wanted}, this one is at {found}")]
    OutOfTurn {
        /// What the step begins from.
        wanted: &'static str,
        /// Where the checkpoint stands.
        found: &'static str,
    },
    /// A document's unique key keeps being held by others in the target.
    #[error("{collection}: the target holds unique keys of documents that the source has otherwise")]
    Conflict {
        /// Collection.
        collection: &'static str,
    },
    /// Both sides are not the same although nothing can write to the source, and were not mended by a
    /// second comparison. The fence was lifted; calling again finds the same.
    #[error("{collection}: the target differs from the fenced source ({source_count} to {target_count})")]
    Differs {
        /// Collection.
        collection: &'static str,
        /// Documents in the source.
        source_count: u64,
        /// Documents in the target.
        target_count: u64,
    },
    /// The living target lacks what the frozen source has. Nothing was erased; somebody has to look.
    #[error(
        "{collection}: {missing} documents are not in the target, {different} are otherwise, \
         {unexplained} were not in the source"
    )]
    Unsound {
        /// Collection.
        collection: String,
        /// Not in the target.
        missing: u64,
        /// In the target otherwise, and not because of a later change.
        different: u64,
        /// Only in the target, and older than the fence.
        unexplained: u64,
    },
    /// The source's documents would arrive where a migration is done that they did not go through.
    #[error("migration {version} {state}: run `cargo xtask migrate` first")]
    Unmigrated {
        /// The migration's version.
        version: u32,
        /// Where it stands.
        state: &'static str,
    },
    /// The source's collections were dropped or renamed under the move.
    #[error("a collection of the source was dropped or renamed")]
    SourceGone,
}

impl From<mongodb::error::Error> for RelocateError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<bson::error::Error> for RelocateError {
    fn from(error: bson::error::Error) -> Self {
        Self::Store(StoreError::Encode(error))
    }
}
