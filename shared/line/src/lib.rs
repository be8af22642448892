//! LINE's Messaging API as Matome sees it: what LINE sends (`events`), what we ask
//! LINE for (`client`), and what we say (`flex`, `postback`).
//!
//! The types are our own: generated SDKs use closed enums, and an unknown value must never fail
//! its neighbours.

pub mod client;
pub mod events;
pub mod flex;
mod locale;
pub mod postback;
pub mod render;
pub mod utf16;
