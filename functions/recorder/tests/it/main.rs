//! The recorder against a real MongoDB.

mod contents;
mod crash;
mod delivery;
mod edit;
mod events;
mod health;
mod kill;
mod limits;
mod media;
mod poison;
mod profile;
mod rating;
mod recorder;
mod samples;
mod session;
