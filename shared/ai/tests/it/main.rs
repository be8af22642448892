//! The crate from outside: a scripted provider, exports, files of dialogues, and how good the
//! built-in summarizer is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod builtin;
mod evaluation;
mod exports;
mod lines;
mod provider;
mod rouge;
mod talks;
