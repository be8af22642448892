//! How far a move is, as the caller keeps it between two calls, and how much a call may do.

use bson::Document;
use matome_domain::clock::{Clock, Timestamp};
use mongodb::change_stream::event::ResumeToken;
use serde::{Deserialize, Serialize};

use crate::relocate::error::RelocateError;
use crate::relocate::place::PAGE;

/// The step that is next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// [`crate::relocate::prepare`].
    #[default]
    Prepare,
    /// [`crate::relocate::position`].
    Position,
    /// [`crate::relocate::copy`].
    Copy,
    /// [`crate::relocate::follow`].
    Follow,
    /// [`crate::relocate::compare`].
    Compare,
    /// [`crate::relocate::fence`].
    Fence,
    /// The caller's flip, then [`crate::relocate::verify`].
    Verify,
    /// [`crate::relocate::clean_up`].
    CleanUp,
    /// Nothing is left to do.
    Done,
}

impl Stage {
    /// As operators read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Position => "position",
            Self::Copy => "copy",
            Self::Follow => "follow",
            Self::Compare => "compare",
            Self::Fence => "fence",
            Self::Verify => "verify",
            Self::CleanUp => "clean_up",
            Self::Done => "done",
        }
    }
}

/// How far a move is. Written by a step, kept by the caller, opaque but for `stage` and `measured`.
/// Best kept as BSON: positions hold values of any type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The step that is next.
    pub stage: Stage,
    /// What was done so far.
    #[serde(default)]
    pub measured: Measured,
    /// Up to where the source's changes are in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<ResumeToken>,
    /// Where a step that goes through all documents is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) walk: Option<Walk>,
    /// When the fence was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fenced_at: Option<Timestamp>,
    /// What [`crate::relocate::verify`] has found so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified: Option<super::verify::Verified>,
}

/// A place among all documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Walk {
    /// The entity's collection.
    pub(super) collection: String,
    /// Going through the target, looking for what the source has not; else through the source.
    pub(super) backwards: bool,
    /// The last document's key in [`crate::schema::Declaration::walk`]'s index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Document>,
}

/// Counts of a move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Measured {
    /// Documents copied.
    pub documents: u64,
    /// Their bytes, as BSON.
    pub bytes: u64,
    /// Changed documents brought after their copy.
    pub changes: u64,
    /// Documents the comparison found different and brought again. Those that changed just then
    /// are among them.
    pub repaired: u64,
    /// Milliseconds from asking for the fence to the last write being in the target.
    pub fence_ms: u64,
    /// Fences lifted again because the rest did not come in time.
    pub fences_given_up: u64,
    /// Fences lifted again because both sides differed; compared, and repaired, once more then.
    pub fences_differing: u64,
    /// Documents both sides were counted to have under the fence; `None` when counting took too long
    /// and the comparison before it has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
}

impl Checkpoint {
    /// A move that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same move with everything to be copied again.
    #[must_use]
    pub fn from_the_beginning(&self) -> Self {
        let Measured { fences_given_up, fences_differing, .. } = self.measured;
        let measured = Measured { fences_given_up, fences_differing, ..Measured::default() };
        Self { measured, ..Self::default() }
    }

    /// When the fence was asked for, once it was.
    #[must_use]
    pub fn fenced_at(&self) -> Option<Timestamp> {
        self.fenced_at
    }

    /// Whether a step that begins from `stage` was done before; an error if it is not its turn yet.
    pub(super) fn is_past(&self, stage: Stage) -> Result<bool, RelocateError> {
        if self.stage < stage {
            return Err(RelocateError::OutOfTurn { wanted: stage.name(), found: self.stage.name() });
        }
        Ok(self.stage > stage)
    }

    pub(super) fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self.walk = None;
        self
    }

    pub(super) fn token(&self) -> Result<ResumeToken, RelocateError> {
        // A checkpoint without one was tampered with; beginning again is right then as well.
        self.token.clone().ok_or(RelocateError::HistoryLost)
    }
}

/// What became of a step. Keep the checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The budget is spent (or the step wants a fresh start): call it again.
    Again(Checkpoint),
    /// The step is done.
    Done(Checkpoint),
}

impl Progress {
    /// What to keep.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        match self {
            Self::Again(checkpoint) | Self::Done(checkpoint) => checkpoint,
        }
    }

    /// Whether the step is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// How much a call may do. It is asked between batches; one batch is always done, so that every
/// call gets on.
pub struct Budget<'a> {
    clock: &'a dyn Clock,
    deadline: Timestamp,
    batches: u32,
    pub(super) page_size: usize,
}

impl<'a> Budget<'a> {
    /// Until `deadline`; leave the time a batch takes (a second or two).
    #[must_use]
    pub fn until(clock: &'a dyn Clock, deadline: Timestamp) -> Self {
        Self { clock, deadline, batches: u32::MAX, page_size: PAGE }
    }

    /// At most this many batches.
    #[must_use]
    pub fn batches(clock: &'a dyn Clock, batches: u32) -> Self {
        Self { clock, deadline: Timestamp(i64::MAX), batches, page_size: PAGE }
    }

    /// Documents are gone through in pages of this many, instead of 1,000: fewer where they are large
    /// and memory is small.
    #[must_use]
    pub fn in_pages_of(mut self, documents: usize) -> Self {
        self.page_size = documents.max(1);
        self
    }

    /// A batch was done.
    pub(super) fn spend(&mut self) {
        self.batches = self.batches.saturating_sub(1);
    }

    /// Whether the call should end.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.batches == 0 || self.clock.now() >= self.deadline
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("deadline", &self.deadline).field("batches", &self.batches).finish()
    }
}
