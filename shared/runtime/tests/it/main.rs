//! The runtime over real services (MiniStack): what a stand-in cannot show.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod api_calls;
mod blobs;
mod directory;
mod idempotency;
mod isolation;
mod keys;
mod queue;
mod rate_limit;
mod services;
