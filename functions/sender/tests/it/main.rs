//! The sender against a real MongoDB and the LINE simulator.

mod batch;
mod blocked;
mod crash;
mod forged;
mod push;
mod quota;
mod reply;
mod stage;
