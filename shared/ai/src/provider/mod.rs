//! Summaries written by an AI provider. What people wrote travels as data in a JSON envelope; what
//! the provider answers is checked like any stranger's input.

mod answer;
mod client;
mod envelope;
mod failure;
mod pace;
mod parts;
mod run;
mod write;

pub(crate) use client::Provider;
pub(crate) use failure::Failure;
pub use pace::{Pace, RealPace};
pub(crate) use run::Run;
