//! How far the documents are, kept in the steps' details, and slices of the work on them.

use bson::{Document, doc};
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::Operation;
use matome_store::relocate::{Budget, Checkpoint, Progress as Slice};

use crate::context::Context;
use crate::error::ProvisionError;
use crate::step::Progress;

/// The steps that keep a checkpoint, the latest first.
const KEEPERS: [&str; 5] = ["wipe", "clean_up", "verify", "fence", "copy"];

/// How far the move is.
pub(super) fn latest(operation: &Operation) -> Result<Checkpoint, ProvisionError> {
    let kept = KEEPERS.iter().find_map(|step| operation.detail(step)?.get_document("checkpoint").ok());
    let Some(kept) = kept else { return Ok(Checkpoint::new()) };
    let checkpoint = bson::deserialize_from_document(kept.clone())
        .map_err(|why| StoreError::Decode { collection: "tenant_operations".to_owned(), why })?;
    Ok(checkpoint)
}

/// What a step remembers.
pub(super) fn detail(checkpoint: &Checkpoint) -> Result<Document, ProvisionError> {
    Ok(doc! {
        "next": checkpoint.stage.name(),
        "measured": encode(&checkpoint.measured)?,
        "checkpoint": encode(checkpoint)?,
    })
}

/// What came of a slice, remembered.
pub(super) fn remember(slice: &Slice) -> Result<Progress, ProvisionError> {
    let detail = detail(slice.checkpoint())?;
    Ok(if slice.is_done() { Progress::Done(detail) } else { Progress::Again(detail) })
}

/// How much one call does.
pub(super) fn budget(context: &Context) -> Budget<'_> {
    Budget::batches(&*context.clock, context.slice)
}
