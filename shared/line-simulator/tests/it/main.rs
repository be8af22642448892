//! matome-line's client against the simulator: each of LINE's rules as both sides see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod content;
mod control;
mod faults;
mod inward;
mod login;
mod messages;
mod people;
mod sending;
mod stage;
mod tokens;
mod wire;
