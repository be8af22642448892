//! The provisioner over a real MongoDB: every operation, and its death at every step.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bucket;
mod canaries;
mod channel_secret;
mod connect;
mod create;
mod data_key;
mod disconnect;
mod isolation;
mod move_back;
mod move_crash;
mod move_load;
mod move_stack;
mod move_tier;
mod mover;
mod offboard;
mod settle_trial;
mod stacks;
mod stage;
mod suspend;
mod thousand;
mod world;
