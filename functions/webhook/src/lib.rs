//! The webhook function: takes what LINE posts, checks that it is LINE's, and puts each event on
//! `inbound.fifo`. It answers within LINE's two seconds because it does nothing else: one cached
//! look-up, one HMAC, one batch.

mod context;
mod event;
mod handler;
mod json;
mod request;
mod response;

pub use context::Context;
pub use handler::handle;
pub use request::{MAX_BODY, Request};
pub use response::{Problem, Response};
