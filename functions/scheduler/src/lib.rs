//! The scheduler: every minute, finds what ran out of time and what got stuck, and queues it for
//! those who do the work; every hour, measures what each tenant uses and looks after its trial. It reads ids across tenants, counts
//! within one, and nothing else.

pub mod context;
pub mod error;
pub mod handler;
pub mod operations;
pub mod place;
pub mod trials;
pub mod usage;

pub use context::Context;
pub use handler::handle;
