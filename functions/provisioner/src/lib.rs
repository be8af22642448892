//! The provisioner runs a tenant's whole life: it is created, connected to LINE, moved, suspended,
//! resumed and removed by operations, each a list of recorded steps (`operations/`).

mod channel;
pub mod context;
pub mod error;
pub mod handler;
pub mod operations;
pub mod record;
mod resealing;
pub mod run;
pub mod stack;
pub mod standing;
pub mod step;

pub use context::Context;
pub use error::ProvisionError;
pub use handler::handle;
