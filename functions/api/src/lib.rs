//! The API function: what staff, back offices and partners use, under `/v1`.

pub mod auth;
