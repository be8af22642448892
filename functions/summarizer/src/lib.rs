//! The summarizer: writes the summary of a session that has closed, and has it sent.

pub mod context;
pub mod document;
pub mod error;
pub mod handler;
pub mod write;

pub use context::Context;
pub use handler::handle;
