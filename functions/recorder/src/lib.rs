//! The recorder: turns LINE's events into rooms, sessions and messages, and fetches media.

pub mod context;
pub mod decide;
pub mod error;
pub mod fact;
pub mod handler;
pub mod media;
pub mod message;
pub mod picture;
pub mod preview;
pub mod profile;
pub mod record;
pub mod room_key;
pub mod seen;
pub mod state;
pub mod tracked;
pub mod video;

pub use context::Context;
pub use handler::handle;
