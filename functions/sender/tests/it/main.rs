//! The sender against a real MongoDB and the LINE simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod batch;
mod blocked;
mod crash;
mod forged;
mod health;
mod language;
mod logs;
mod push;
mod quota;
mod reply;
mod samples;
mod stage;
mod suspended;
