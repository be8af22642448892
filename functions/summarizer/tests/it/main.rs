//! The summarizer against a real MongoDB and a scripted provider.

mod crash;
mod provider;
mod samples;
mod summarizer;
mod summary;
mod suspended;
mod wish;
