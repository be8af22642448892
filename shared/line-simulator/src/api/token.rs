//! `POST /oauth2/v3/token`: stateless tokens, 15 minutes, from channel id and secret.

use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use crate::id;
use crate::simulator::LineSimulator;
use crate::world::AccessToken;

/// "Only valid for 15 minutes"; LINE's example says 899 seconds are left.
const VALID: Duration = Duration::from_secs(900);

pub(super) fn issue(simulator: &LineSimulator, body: &[u8]) -> Answer {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let refused = |error: &str, description: &str| {
        Answer::json(400, &json!({"error": error, "error_description": description}))
    };
    if field("grant_type") != Some("client_credentials") {
        return refused("unsupported_grant_type", "Unsupported grant type");
    }
    let (Some(channel_id), Some(secret)) = (field("client_id"), field("client_secret")) else {
        return refused("invalid_request", "client_id and client_secret are required");
    };
    let now = simulator.now();
    let issued = simulator.change(|w| {
        let channel = w.channels.get(channel_id)?;
        if channel.channel_secret != secret {
            return None;
        }
        let token = id::token();
        let kept = AccessToken { channel_id: channel_id.to_owned(), ends: now.plus(VALID) };
        w.access_tokens.insert(token.clone(), kept);
        Some(token)
    });
    match issued {
        Some(token) => Answer::ok(&json!({
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": VALID.as_secs() - 1,
        })),
        None => refused("invalid_client", "invalid client_id or client_secret"),
    }
}
