//! The API on real parts.

mod accounts;
mod crud;
mod openapi;
mod world;
