//! matome-line's client against the simulator: each of LINE's rules as both sides see it.

mod content;
mod control;
mod faults;
mod inward;
mod messages;
mod people;
mod sending;
mod stage;
mod tokens;
