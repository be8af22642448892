//! Nouns and rules of Matome. Pure: no AWS, no MongoDB, no clock, no environment, no I/O,
//! so that every rule can be tested by calling it.

pub mod access;
pub mod activity;
pub mod audit;
pub mod clock;
pub mod command;
pub mod dialogue;
pub mod fault;
pub mod ids;
pub mod lane;
pub mod language;
pub mod limits;
pub mod month;
pub mod person;
pub mod placement;
pub mod plan;
pub mod queue;
pub mod rate;
pub mod session;
pub mod summary;
pub mod text;
pub mod tier;
pub mod trial;
pub mod words;
pub mod zone;
