//! The public halves of the signing keys, as others read them (`/v1/.well-known/jwks.json`, RFC 7517).

use schemars::JsonSchema;
use serde::Serialize;

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(example = example())]
pub struct Jwks {
    /// Keys that tokens in force may be signed with, and the one that comes next.
    pub keys: Vec<PublicKey>,
}

/// One public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PublicKey {
    /// Always `EC`.
    pub kty: &'static str,
    /// Always `P-256`.
    pub crv: &'static str,
    /// Always `ES256`.
    pub alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// Base64url.
    pub x: String,
    /// Base64url.
    pub y: String,
}

/// A key of RFC 7515, A.3.1.
fn example() -> Jwks {
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned();
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".to_owned();
    Jwks { keys: vec![PublicKey::p256("2ac1a0e8f9b34e7d".to_owned(), x, y)] }
}

impl PublicKey {
    /// A point on P-256, its coordinates as base64url.
    #[must_use]
    pub fn p256(kid: String, x: String, y: String) -> Self {
        Self { kty: "EC", crv: "P-256", alg: "ES256", usage: "sig", kid, x, y }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::signing_key::{SigningKey, generate};

    #[test]
    fn the_document_has_what_others_need_and_nothing_private() {
        let key = SigningKey::new(0, &generate().unwrap()).unwrap();
        let json = serde_json::to_value(Jwks { keys: vec![key.public().clone()] }).unwrap();
        let names: Vec<_> = json["keys"][0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["kty", "crv", "alg", "use", "kid", "x", "y"]);
        // What a client's library makes of it verifies what the key signs.
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(json).unwrap();
        let read = set.find(key.kid()).unwrap();
        assert_eq!(read.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), key.kid());
    }
}
