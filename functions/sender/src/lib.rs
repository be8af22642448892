//! The sender: says in LINE what the outbox holds, free of charge while a reply token lives, from
//! the month's quota otherwise. The only function that talks to people.

pub mod context;
pub mod error;
pub mod handler;
mod ledger;
pub mod month;
mod outbox;
mod push;
pub mod quota;
mod recipients;
mod reply;
mod send;
mod transact;
pub mod verdict;
mod words;

pub use context::Context;
pub use handler::handle;
