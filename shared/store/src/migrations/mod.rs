//! Changes of what is stored, in order, up and down, in every place there is: the platform's database,
//! the shared database of each cell, each collection set, each dedicated database.
//!
//! * Each place has a `migrations` collection (`{tenant}_migrations` in a set) with what was applied
//!   there, and how far an interrupted one is: the next run goes on behind its last batch.
//! * Every change is idempotent and finds what it has to do by the *old* shape, so a place that is
//!   new, or was restored, runs through all of them without harm.
//! * A lock in the platform's database keeps two runs apart, by the server's clock; see [`Lock`].
//! * No migration runs while a tenant is being moved, and no tenant is moved while one runs: a
//!   document copied in its old shape would arrive where the change is done already.

mod carry;
mod change;
mod error;
mod list;
mod lock;
mod migrator;
mod place;
mod record;
mod report;

pub(crate) use carry::{forget, take_along};
pub use change::{Change, Compute, Down, Migration, Update};
pub use error::MigrationError;
pub use list::all;
pub use lock::{Holder, Lock};
pub use migrator::{Direction, Migrator, Options};
pub use place::Place;
pub use report::{ChangeReport, MigrationReport, PlaceReport, Report, Step};
