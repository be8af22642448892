//! The API on real parts.

mod account;
mod accounts;
mod analytics;
mod auth;
mod bad_tokens;
mod catch_up;
mod conduct;
mod crud;
mod data_subjects;
mod external;
mod issuer;
mod mails;
mod messages;
mod openapi;
mod operations;
mod room_members;
mod rooms;
mod s3;
mod search;
mod sessions;
mod summaries;
mod talk;
mod users;
mod walk;
mod world;
