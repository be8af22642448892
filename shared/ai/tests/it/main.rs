//! The crate from outside: a scripted provider, exports, files of dialogues, and how good the
//! built-in summarizer is.

mod exports;
mod lines;
mod provider;
mod talks;
