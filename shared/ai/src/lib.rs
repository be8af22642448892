//! Writes summaries of talks: by an AI provider where one is configured, else, and whenever that
//! fails, by the built-in summarizer. Also reads LINE's exported chats and files of dialogues.

pub mod builtin;
pub mod config;
pub mod export;
#[cfg(feature = "fake")]
pub mod fake;
pub mod jsonl;
pub mod prices;
pub mod provider;
pub mod summarizer;
pub mod text;
pub mod verify;

pub use builtin::summarize_builtin;
pub use config::{AiConfig, ConfigError, Secret};
pub use summarizer::{Summarizer, TokenBudget, Written};
