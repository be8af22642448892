//! The provisioner over a real MongoDB: every operation, and its death at every step.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod channel_secret;
mod connect;
mod create;
mod data_key;
mod stage;
mod suspend;
mod world;
