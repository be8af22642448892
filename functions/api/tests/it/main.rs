//! The API on real parts.

mod crud;
mod openapi;
mod world;
