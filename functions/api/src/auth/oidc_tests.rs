//! An issuer on loopback, and tokens that it did and did not sign.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header};
use matome_runtime::clock::ManualClock;
use serde_json::json;

use super::*;
use crate::auth::signing_key::generate;

const NOW: Timestamp = Timestamp(1_795_165_200_000);

/// An issuer whose keys can be exchanged, and how often they were asked for.
struct TestIssuer {
    url: String,
    keys: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
    clock: Arc<ManualClock>,
}

struct Key {
    private: EncodingKey,
    public: Value,
    kid: String,
}

impl Key {
    fn new(kid: &str) -> Self {
        let private = EncodingKey::from_ec_der(&generate().unwrap());
        let jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
        let mut public = serde_json::to_value(jwk).unwrap();
        (public["kid"], public["use"]) = (json!(kid), json!("sig"));
        Self { private, public, kid: kid.to_owned() }
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

impl TestIssuer {
    async fn start(keys: &[&Key]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, asked) = (Arc::new(Mutex::new(of(keys))), Arc::new(AtomicUsize::new(0)));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
        let (served, count) = (Arc::clone(&keys), Arc::clone(&asked));
        let routes =
            Router::new().route("/.well-known/openid-configuration", get(async move || discovery)).route(
                "/keys",
                get(async move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    served.lock().unwrap().to_string()
                }),
            );
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, keys, asked, clock: Arc::new(ManualClock::at(NOW)) }
    }

    fn verifier(&self) -> OidcVerifier {
        let setting = json!([{ "name": "test", "issuer": self.url, "clientId": "us" }]).to_string();
        OidcVerifier::new(setting.parse().unwrap(), Web::new().unwrap(), self.clock.clone())
    }

    fn claims(&self) -> Value {
        let at = NOW.0 / 1000;
        json!({
            "iss": self.url, "sub": "somebody", "aud": "us", "iat": at, "exp": at + 3600, "nonce": "n",
            "name": "Some Body", "email": "Some@Example.com", "email_verified": true,
        })
    }
}

fn of(keys: &[&Key]) -> Value {
    // One of a kind that nobody knows must not spoil the others.
    let mut all = vec![json!({ "kty": "unknown", "kid": "u" })];
    all.extend(keys.iter().map(|key| key.public.clone()));
    json!({ "keys": all })
}

async fn refusal(verifier: &OidcVerifier, token: &str, nonce: Option<&str>) -> String {
    verifier.verify("test", token, nonce).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_good_token_tells_who_somebody_is_and_keys_are_asked_for_once_an_hour() {
    let key = Key::new("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    let token = key.sign(&issuer.claims());
    let identity = verifier.verify("test", &token, Some("n")).await.unwrap();
    assert_eq!((identity.issuer.as_str(), identity.subject.as_str()), (issuer.url.as_str(), "somebody"));
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("some@example.com"), true));
    issuer.clock.advance(KEEP - Duration::from_secs(1));
    verifier.verify("test", &token, Some("n")).await.unwrap();
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    issuer.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&verifier, &token, Some("n")).await, "the ID token is refused: it has expired");
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_a_minute() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = TestIssuer::start(&[&old]).await;
    let verifier = issuer.verifier();
    let token = new.sign(&issuer.claims());
    for _ in 0..3 {
        assert!(refusal(&verifier, &token, Some("n")).await.contains("key is not known"));
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    *issuer.keys.lock().unwrap() = of(&[&old, &new]);
    assert!(refusal(&verifier, &token, Some("n")).await.contains("key is not known"));
    issuer.clock.advance(AGAIN);
    verifier.verify("test", &token, Some("n")).await.unwrap();
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn tokens_that_are_not_for_us_or_not_now_are_refused() {
    let key = Key::new("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    let at = NOW.0 / 1000;
    let table = [
        ("iss", json!("https://other.example"), "another issuer"),
        ("iss", json!(format!("{}/", issuer.url)), "another issuer"),
        ("aud", json!("them"), "somebody else"),
        ("aud", json!(["them"]), "somebody else"),
        ("aud", json!(["us", "them"]), "given to another"),
        ("azp", json!("them"), "given to another"),
        ("exp", json!(at), "expired"),
        ("exp", json!((at + 9).to_string()), "claims"),
        ("exp", Value::Null, "claims"),
        ("iat", json!(at + 31), "not valid yet"),
        ("iat", Value::Null, "claims"),
        ("nbf", json!(at + 31), "not valid yet"),
        ("sub", json!(""), "names nobody"),
        ("sub", Value::Null, "claims"),
        ("nonce", json!("other"), "nonce"),
        ("nonce", Value::Null, "nonce"),
        ("email_verified", json!("true"), "claims"),
    ];
    for (name, value, expected) in table {
        let mut claims = issuer.claims();
        claims[name] = value.clone();
        let told = refusal(&verifier, &key.sign(&claims), Some("n")).await;
        assert!(told.contains(expected), "{name} {value}: {told}");
    }
    assert!(refusal(&verifier, &key.sign(&issuer.claims()), None).await.contains("nonce"));
    let mut claims = issuer.claims();
    (claims["aud"], claims["azp"]) = (json!(["us", "them"]), json!("us"));
    verifier.verify("test", &key.sign(&claims), Some("n")).await.unwrap();
}

#[tokio::test]
async fn other_algorithms_keys_and_headers_are_refused() {
    let (key, other) = (Key::new("k"), Key::new("k"));
    let issuer = TestIssuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    let claims = issuer.claims();
    assert!(refusal(&verifier, &other.sign(&claims), Some("n")).await.contains("signature"));
    let good = key.sign(&claims);
    let (_, rest) = good.split_once('.').unwrap();
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256", "kid": "k" }),
        json!({ "alg": "RS512", "kid": "k" }),
        json!({ "alg": "ES256", "kid": "k", "crit": ["x"] }),
        json!({ "kid": "k" }),
    ] {
        let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
        assert!(refusal(&verifier, &token, Some("n")).await.contains("header"), "{header}");
    }
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("k".to_owned());
    let secret = EncodingKey::from_secret(key.public.to_string().as_bytes());
    let swapped = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    assert!(refusal(&verifier, &swapped, Some("n")).await.contains("header"));
    assert!(refusal(&verifier, &"a".repeat(MAX_TOKEN + 1), None).await.contains("too long"));
    let unknown = verifier.verify("other", &good, Some("n")).await;
    assert!(matches!(unknown, Err(ExternalError::UnknownProvider)));
}

#[tokio::test]
async fn an_issuer_that_is_away_is_not_a_bad_token() {
    let clock = Arc::new(ManualClock::at(NOW));
    let setting = json!([{ "name": "test", "issuer": "http://127.0.0.1:9", "clientId": "us" }]).to_string();
    let verifier = OidcVerifier::new(setting.parse().unwrap(), Web::new().unwrap(), clock);
    let key = Key::new("k");
    let answer = verifier.verify("test", &key.sign(&json!({ "exp": 1 })), None).await;
    assert!(matches!(answer, Err(ExternalError::Provider(_))));
}

#[test]
fn the_setting_is_checked() {
    let one = |name: &str, issuer: &str| json!({ "name": name, "issuer": issuer, "clientId": "c" });
    let parse = |all: Value| all.to_string().parse::<Issuers>();
    assert_eq!(
        parse(json!([one("a", "https://a.example"), one("b", "http://127.0.0.1:1")])).unwrap().0.len(),
        2
    );
    for bad in [
        json!([one("a", "http://a.example")]),
        json!([one("line", "https://a.example")]),
        json!([one("A b", "https://a.example")]),
        json!([one("a", "https://a.example"), one("a", "https://b.example")]),
        json!([one("a", "nowhere")]),
        json!({}),
    ] {
        parse(bad.clone()).unwrap_err();
    }
}
