//! Who somebody is: tokens, passwords, factors, external identities, and what accounts do with them.
//! Nothing here knows HTTP: the guard and the routes call it with plain types.

pub mod access_token;
pub mod api_key;
pub mod jwks;
pub mod mac;
pub mod one_time_token;
pub mod password;
pub mod recovery_code;
pub mod refresh_token;
mod secret_text;
pub mod signing_key;
pub mod totp;
