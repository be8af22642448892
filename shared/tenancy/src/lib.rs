//! From a tenant's id to what a consumer works with: the tenant's data in its placement, its
//! settings, and LINE as its channel. The id comes from a queue message that the webhook wrote, and
//! with it from the directory; nothing here takes a placement or a key from a payload.

mod cells;
mod channel_health;
mod channels;
mod error;
pub mod operations;
mod secrets;
mod sweeps;
mod tenants;

pub use cells::Cells;
pub use channel_health::HealthRecords;
pub use channels::Channels;
pub use error::TenancyError;
pub use sweeps::CellSweep;
pub use tenants::{Fenced, Tenants};
