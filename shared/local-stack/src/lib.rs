//! Real parts on one machine, without Docker: a one-node MongoDB replica set, MiniStack for AWS and
//! SAM CLI to deploy the real `template.yaml` to it.
//!
//! `cargo xtask` and the tests both stand on this crate. Everything it needs is installed into the
//! checkout's `.local/` once and then works offline; ports are free ones remembered per checkout, so
//! that two checkouts run side by side; processes are recorded by pid *and* start time, so that a
//! record left by a crash never makes us stop a stranger.

pub mod artifacts;
mod checkout;
pub mod command;
mod environment;
mod error;
pub mod install;
pub mod lambda;
mod lock;
mod mailbox;
mod ministack;
mod mongod;
mod port;
mod process;
mod progress;
pub mod sam;
pub mod shared;
mod stack;

pub use checkout::Checkout;
pub use environment::variable;
pub use error::{Error, Result};
pub use mailbox::{Mailbox, SentMail};
pub use ministack::{MiniStack, REGION};
pub use mongod::Mongod;
pub use process::Record;
pub use progress::{Progress, Step};
pub use stack::{Stack, StackOptions, records};
