//! What a run did, or would do.

use serde::Serialize;

use crate::migrations::migrator::Direction;

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing was written.
    pub dry_run: bool,
    /// Which way.
    pub direction: Direction,
    /// Every place, also those with nothing to do.
    pub places: Vec<PlaceReport>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceReport {
    /// Such as `main/matome_shared`.
    pub place: String,
    /// The highest version it had before; 0 for none.
    pub version: u32,
    /// What was, or would be, done.
    pub migrations: Vec<MigrationReport>,
}

/// A migration in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationReport {
    /// Version.
    pub version: u32,
    /// Name.
    pub name: &'static str,
    /// An earlier run began it.
    pub resumed: bool,
    /// Its changes; without those that an earlier run did.
    pub changes: Vec<ChangeReport>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeReport {
    /// What.
    pub change: String,
    /// Documents changed; in a dry run those that would be, as they are now.
    pub documents: u64,
}

/// Told while a run goes on, after every batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub place: String,
    /// Version.
    pub version: u32,
    /// Name.
    pub name: &'static str,
    /// Documents changed by this change so far.
    pub documents: u64,
}
