//! The scheduler against a real MongoDB.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod audit_tails;
mod cells;
mod crash;
mod due;
mod operations;
mod samples;
mod stage;
mod trials;
mod usage;
