//! Who somebody is: tokens, passwords, factors, external identities, and what accounts do with them.
//! Nothing here knows HTTP: the guard and the routes call it with plain types.

pub mod access_token;
pub mod accounts;
pub mod api_key;
pub mod external;
pub mod jwks;
pub mod line_login;
pub mod mac;
pub mod mail;
pub mod oidc;
pub mod one_time_token;
pub mod password;
pub mod recovery_code;
pub mod refresh_token;
mod secret_text;
pub mod signing_key;
mod texts;
pub mod totp;
pub mod vault;
pub mod web;

pub use accounts::{Accounts, AuthError};
