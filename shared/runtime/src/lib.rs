//! What every function does at cold start and at its boundary: configuration, AWS clients, logs,
//! metrics, queues, the directory, data keys and blobs. The one crate that reads the process's
//! environment, clock and randomness, so that everything else can be handed them.

pub mod api_calls;
pub mod aws;
pub mod batch;
pub mod blobs;
mod cache;
pub mod clock;
pub mod config;
pub mod directory;
pub mod ephemeral;
pub mod idempotency;
pub mod keys;
pub mod lambda;
pub mod line_signature;
pub mod queue;
pub mod random;
pub mod rate_limit;
pub mod scoped;
pub mod telemetry;
