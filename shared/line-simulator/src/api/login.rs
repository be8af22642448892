//! `POST /oauth2/v2.1/verify` and `GET /oauth2/v2.1/certs` of LINE Login v2.1.
//!
//! Errors are those of LINE's reference, word for word; in which order LINE looks is left open there, and so is
//! what it says when a required field is missing.

use serde_json::{Value, json};

use super::answer::Answer;
use crate::login::{ISSUER, seconds};
use crate::simulator::LineSimulator;

/// The claims of a good ID token; the first thing that is wrong with another.
pub(super) fn verify(simulator: &LineSimulator, body: &[u8]) -> Answer {
    match claims(simulator, body) {
        Ok(claims) => Answer::ok(&claims),
        Err(description) => {
            Answer::json(400, &json!({ "error": "invalid_request", "error_description": description }))
        }
    }
}

fn claims(simulator: &LineSimulator, body: &[u8]) -> Result<Value, &'static str> {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let token = field("id_token").ok_or("id_token is required")?;
    let client_id = field("client_id").ok_or("client_id is required")?;
    let claims = simulator.open_id_token(token).ok_or("Invalid IdToken.")?;
    let differs = |claim: &str, wanted: &str| claims[claim].as_str() != Some(wanted);
    if differs("iss", ISSUER) {
        return Err("Invalid IdToken Issuer.");
    }
    if claims["exp"].as_i64().is_none_or(|ends| ends <= seconds(simulator.now())) {
        return Err("IdToken expired.");
    }
    if differs("aud", client_id) {
        return Err("Invalid IdToken Audience.");
    }
    if field("nonce").is_some_and(|nonce| differs("nonce", nonce)) {
        return Err("Invalid IdToken Nonce.");
    }
    if field("user_id").is_some_and(|user| differs("sub", user)) {
        return Err("Invalid IdToken Subject Identifier.");
    }
    Ok(claims)
}

/// LINE's public keys.
pub(super) fn certs(simulator: &LineSimulator) -> Answer {
    Answer::ok(&simulator.login_key().jwks())
}
