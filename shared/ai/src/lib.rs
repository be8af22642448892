//! Writes summaries of talks: by an AI provider where one is configured, else, and whenever that
//! fails, by the built-in summarizer. Also reads LINE's exported chats and files of dialogues.

pub mod builtin;
