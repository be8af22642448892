//! An OpenID provider on loopback.

use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use matome_api::auth::oidc::Issuers;
use matome_api::auth::signing_key::generate;
use serde_json::{Value, json};

/// See the module.
pub struct Issuer {
    url: String,
    key: EncodingKey,
}

impl Issuer {
    /// On a port of its own, with a key of its own.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let key = EncodingKey::from_ec_der(&generate().expect("a key"));
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public half");
        let mut public = serde_json::to_value(jwk).expect("JSON");
        (public["kid"], public["use"]) = (json!("k"), json!("sig"));
        let keys = json!({ "keys": [public] }).to_string();
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(async move || discovery))
            .route("/keys", get(async move || keys));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, key }
    }

    /// What it is called by.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `OIDC_ISSUERS` with this one.
    pub fn setting(&self, name: &str, client: &str) -> Issuers {
        let setting = json!([{ "name": name, "issuer": self.url, "clientId": client }]);
        setting.to_string().parse().expect("a setting")
    }

    /// An ID token of these claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k".to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).expect("signed")
    }

    /// What says that it is not signed at all.
    pub fn unsigned(&self, claims: &Value) -> String {
        let header = json!({ "alg": "none", "kid": "k" }).to_string();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()))
    }
}
