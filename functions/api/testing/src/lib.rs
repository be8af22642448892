//! The API for tests and for the bench: its router over a real MongoDB, people who may call it, an OpenID
//! provider, and journeys that call every route which changes something, each as it is called in earnest.
//! Panics on failure, like any test.

pub mod call;
pub mod issuer;
pub mod journeys;
pub mod s3;
pub mod sign_in;
pub mod world;
