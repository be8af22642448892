//! The API on real parts.

mod accounts;
mod crud;
mod mails;
mod openapi;
mod operations;
mod walk;
mod world;
