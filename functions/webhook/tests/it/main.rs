//! The webhook as LINE and AWS meet it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod caching;
mod logs;
mod ministack;
mod mutations;
mod outcomes;
mod process;
mod replaced_secret;
mod samples;
mod world;
