//! The API function: what staff, back offices and partners use, under `/v1`.
//!
//! `routes` is the table of all routes; `guard` is what stands around each of them; `crud` makes the routes
//! of an entity from its declaration; `auth` is who somebody is; `http` is what requests and answers look
//! like; `openapi` writes all of it down.

pub mod auth;
pub mod context;
pub mod crud;
pub mod guard;
mod handler;
pub mod http;
pub mod openapi;
pub mod routes;
pub mod settings;

pub use context::{Api, App, Context};
pub use handler::{Answer, handle};
