//! The API on real parts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod account;
mod accounts;
mod analytics;
mod api_keys;
mod audit;
mod auth;
mod bad_tokens;
mod begun;
mod canaries;
mod catch_up;
mod changes;
mod channels;
mod conduct;
mod crud;
mod data_subjects;
mod explain;
mod external;
mod held;
mod holes;
mod invitations;
mod ip_rules;
mod key_makers;
mod knowledge_entries;
mod mails;
mod members;
mod messages;
mod note;
mod openapi;
mod operations;
mod organizations;
mod pages;
mod room_members;
mod rooms;
mod scans;
mod schemathesis;
mod search;
mod security_policy;
mod seeded;
mod sessions;
mod summaries;
mod talk;
mod users;
mod walk;
