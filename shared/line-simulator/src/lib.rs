//! The LINE Platform on a loopback port, for tests and for `cargo xtask up`: it signs and posts
//! webhooks as LINE does and enforces LINE's rules on everything it is asked.
//!
//! Rules are those of LINE's OpenAPI files and reference (2026). Where LINE leaves a wording or a
//! number open, the code says so. It has no part in production and no dependency on the store.
//!
//! ```text
//! people ──act──► LineSimulator ──signed webhook──► Matome
//!   ▲                  │  ▲                           │
//!   └──── chat log ◄───┘  └──── Messaging API ◄───────┘
//! ```

mod act;
mod api;
mod chat;
mod compose;
mod control;
mod endpoint;
mod fault;
mod id;
mod listener;
pub mod login;
mod mention;
mod people;
pub mod signature;
mod simulator;
mod validate;
mod webhook;
mod world;

pub use act::{Act, Deed, Media};
pub use chat::{Author, ChatEntry, Sent};
pub use endpoint::Endpoint;
pub use fault::Fault;
pub use people::{NewChannel, NewGroup, NewUser, Place};
pub use simulator::{LineSimulator, SimulatorConfig, SimulatorError};
pub use webhook::{Attempt, Delivery, Performed};
pub use world::{ApiCall, Channel, Group, Person, World};
