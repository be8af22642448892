//! The summarizer against a real MongoDB, a real S3 and a scripted provider.

mod crash;
mod pictures;
mod provider;
mod samples;
mod summarizer;
mod summary;
mod suspended;
mod wish;
