//! What tests of several crates need: isolated tenants in a real MongoDB, LINE events, videos, SQS batches,
//! crashes at every step boundary. Panics on failure, like any test.

pub mod counts;
pub mod crash;
pub mod events;
pub mod fixtures;
pub mod log;
pub mod mp4;
pub mod sqs;
pub mod tenant;

pub use tenant::{TestSystem, TestTenant};
