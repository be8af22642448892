//! What of a change may be written into the trail.

use serde_json::Value;

/// What takes the place of what is not to be read.
pub const REDACTED: &str = "[redacted]";

/// A key that has one of these in it is a secret's, however it is written (`channelSecret`, `API_TOKEN`).
const SECRET_PARTS: [&str; 9] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "cookie",
    "credential",
    "privatekey",
    "recoverycode",
];
/// These are, as they stand.
const SECRETS: [&str; 14] = [
    "apikey",
    "card",
    "cardnumber",
    "code",
    "cvc",
    "cvv",
    "hash",
    "keyhash",
    "otp",
    "pin",
    "sealed",
    "signature",
    "tag",
    "refreshtag",
];
/// What people wrote, or what was made of it.
const TEXTS: [&str; 8] = ["content", "text", "alttext", "caption", "body", "raw", "messagetext", "search"];
/// What our own keys and tokens begin with, and JWTs; whatever the key they stand under.
const TOKENS: [&str; 4] = ["mtm_", "mrt_", "eyJ", "Bearer "];

/// Replaces secrets and message texts, at any depth, by [`REDACTED`]. Flags and nulls say nothing and stay;
/// so do counts of tokens, which are AI's.
pub fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if is_hidden(key, value) { *value = REDACTED.into() } else { redact(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::String(text) if TOKENS.iter().any(|token| text.starts_with(token)) => *value = REDACTED.into(),
        _ => {}
    }
}

fn is_hidden(key: &str, value: &Value) -> bool {
    let key: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(_) => {
            SECRETS.contains(&key.as_str())
                || SECRET_PARTS.iter().any(|part| *part != "token" && key.contains(part))
        }
        _ => {
            SECRETS.contains(&key.as_str())
                || TEXTS.contains(&key.as_str())
                || SECRET_PARTS.iter().any(|part| key.contains(part))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_and_texts_are_replaced_and_the_rest_is_not() {
        let mut value = json!({
            "name": "A shop", "email": "someone@example.com", "status": "active", "tags": ["vip"],
            "password": "p", "channelSecret": "s", "Channel_Access_Token": "t", "authorization": "a",
            "recoveryCodes": ["1", "2"], "code": 123_456, "keyHash": "h", "tag": "t", "pin": 1234,
            "secondFactor": { "secret": { "sealed": "x" }, "enabled": true }, "passwordSet": true, "token": null,
            "messages": [{ "id": "m", "text": "hello", "content": { "title": "hello" } }],
            "aiSettings": { "maxTokens": 500, "monthlyTokenLimit": 1 }, "prefix": "mtm_abc", "note": "Bearer x",
            "context": "kept", "languageCode": "th",
        });
        redact(&mut value);
        let gone = REDACTED;
        assert_eq!(
            value,
            json!({
                "name": "A shop", "email": "someone@example.com", "status": "active", "tags": ["vip"],
                "password": gone, "channelSecret": gone, "Channel_Access_Token": gone, "authorization": gone,
                "recoveryCodes": gone, "code": gone, "keyHash": gone, "tag": gone, "pin": gone,
                "secondFactor": { "secret": gone, "enabled": true }, "passwordSet": true, "token": null,
                "messages": [{ "id": "m", "text": gone, "content": gone }],
                "aiSettings": { "maxTokens": 500, "monthlyTokenLimit": 1 }, "prefix": gone, "note": gone,
                "context": "kept", "languageCode": "th",
            })
        );
        let once = value.clone();
        redact(&mut value);
        assert_eq!(value, once);
    }
}
