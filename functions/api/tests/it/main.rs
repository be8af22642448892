//! The API on real parts.

mod accounts;
mod conduct;
mod crud;
mod mails;
mod openapi;
mod operations;
mod walk;
mod world;
