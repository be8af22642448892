//! The table of bad tokens.

use jsonwebtoken::EncodingKey;
use matome_runtime::random::SystemRandom;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::auth::signing_key::{SigningKey, generate, period};

const NOW: Timestamp = Timestamp(1_795_165_200_000);

fn keys() -> SigningKeys {
    let key = |at| SigningKey::new(at, &generate().unwrap()).unwrap();
    SigningKeys::new(vec![key(period(NOW)), key(period(NOW) + 1)])
}

fn tokens() -> AccessTokens {
    AccessTokens::new("https://api.example.com", "matome")
}

fn subject() -> Subject {
    Subject {
        account: "0123456789abcdef01234567".parse().unwrap(),
        session: "76543210fedcba9876543210".parse().unwrap(),
        amr: vec![Amr::Pwd, Amr::Otp],
        authenticated_at: NOW,
    }
}

/// What a right token says.
fn claims() -> Value {
    let at = NOW.0 / 1000;
    json!({
        "iss": "https://api.example.com", "aud": "matome", "sub": "0123456789abcdef01234567",
        "sid": "76543210fedcba9876543210", "jti": "j", "iat": at, "nbf": at, "exp": at + 600,
        "amr": ["pwd", "otp"], "auth_time": at,
    })
}

fn header(keys: &SigningKeys) -> Value {
    json!({ "alg": "ES256", "typ": "at+jwt", "kid": keys.current(NOW).unwrap().kid() })
}

/// A token of exactly these texts, rightly signed with ES256.
fn signed(header: &str, claims: &str, key: &EncodingKey) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

fn with(mut value: Value, name: &str, to: Value) -> String {
    value[name] = to;
    value.to_string()
}

fn without(mut value: Value, name: &str) -> String {
    value.as_object_mut().unwrap().remove(name).unwrap();
    value.to_string()
}

#[test]
fn what_was_issued_is_verified_until_it_expires() {
    let (keys, tokens) = (keys(), tokens());
    let issued = tokens.issue(&keys, &SystemRandom, subject(), NOW).unwrap();
    let text = issued.text.expose_secret();
    let read = tokens.verify(&keys, text, NOW).unwrap();
    assert_eq!((read.sub, read.sid), (subject().account, subject().session));
    assert_eq!((read.amr, read.auth_time), (vec![Amr::Pwd, Amr::Otp], 1_795_165_200));
    assert_eq!(issued.expires_at, NOW.plus(LIFETIME));
    assert!(tokens.verify(&keys, text, issued.expires_at.minus(Duration::from_millis(1))).is_ok());
    assert_eq!(tokens.verify(&keys, text, issued.expires_at), Err(BadToken::Expired));
    assert!(text.len() < MAX_LEN / 2, "{}", text.len());
}

#[test]
fn the_token_that_the_table_spoils_is_good() {
    let keys = keys();
    let key = keys.current(NOW).unwrap();
    let good = signed(&header(&keys).to_string(), &claims().to_string(), &key.private);
    assert!(tokens().verify(&keys, &good, NOW).is_ok());
}

#[test]
fn bad_headers_are_refused() {
    let keys = keys();
    let key = keys.current(NOW).unwrap();
    let kid = key.kid();
    let good = header(&keys);
    let twice = format!(r#"{{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#);
    let table = [
        ("alg none", with(good.clone(), "alg", json!("none")), BadToken::Header),
        ("alg None", with(good.clone(), "alg", json!("None")), BadToken::Header),
        ("alg HS256", with(good.clone(), "alg", json!("HS256")), BadToken::Header),
        ("alg ES384", with(good.clone(), "alg", json!("ES384")), BadToken::Header),
        ("alg of another type", with(good.clone(), "alg", json!(["ES256"])), BadToken::Header),
        ("no alg", without(good.clone(), "alg"), BadToken::Header),
        ("no kid", without(good.clone(), "kid"), BadToken::Header),
        ("no typ", without(good.clone(), "typ"), BadToken::Header),
        ("typ JWT", with(good.clone(), "typ", json!("JWT")), BadToken::Header),
        ("crit", with(good.clone(), "crit", json!(["exp"])), BadToken::Header),
        ("jwk", with(good.clone(), "jwk", json!(key.public())), BadToken::Header),
        ("jku", with(good.clone(), "jku", json!("https://example.com/jwks")), BadToken::Header),
        ("alg twice", twice, BadToken::Header),
        ("no JSON", "x".to_owned(), BadToken::Header),
        ("wrong kid", with(good.clone(), "kid", json!("other")), BadToken::UnknownKey),
        ("kid with a path", with(good, "kid", json!("../../dev/null")), BadToken::UnknownKey),
    ];
    for (what, header, expected) in table {
        let token = signed(&header, &claims().to_string(), &key.private);
        assert_eq!(tokens().verify(&keys, &token, NOW), Err(expected), "{what}");
    }
}

#[test]
fn bad_claims_are_refused() {
    let keys = keys();
    let at = NOW.0 / 1000;
    let good = claims();
    let text = good.to_string();
    let longer = with(good.clone(), "exp", json!(at + 601));
    let mut table = vec![
        ("wrong iss", with(good.clone(), "iss", json!("https://evil.example")), BadToken::Issuer),
        ("iss as a list", with(good.clone(), "iss", json!(["https://api.example.com"])), BadToken::Claims),
        ("wrong aud", with(good.clone(), "aud", json!("other")), BadToken::Audience),
        ("aud as a list", with(good.clone(), "aud", json!(["matome", "other"])), BadToken::Claims),
        ("string exp", with(good.clone(), "exp", json!((at + 600).to_string())), BadToken::Claims),
        ("exp with a fraction", with(good.clone(), "exp", json!(1.0e12)), BadToken::Claims),
        ("negative exp", with(good.clone(), "exp", json!(-1)), BadToken::Claims),
        ("null exp", with(good.clone(), "exp", Value::Null), BadToken::Claims),
        ("exp beyond our lifetime", longer, BadToken::Claims),
        ("expired", with(good.clone(), "exp", json!(at)), BadToken::Expired),
        ("future nbf", with(good.clone(), "nbf", json!(at + 31)), BadToken::NotYet),
        ("future iat", with(good.clone(), "iat", json!(at + 31)), BadToken::NotYet),
        ("string nbf", with(good.clone(), "nbf", json!(at.to_string())), BadToken::Claims),
        ("sub that is no id", with(good.clone(), "sub", json!("admin")), BadToken::Claims),
        ("sub as an object", with(good.clone(), "sub", json!({ "$ne": "" })), BadToken::Claims),
        ("unknown amr", with(good.clone(), "amr", json!(["mind"])), BadToken::Claims),
        ("exp twice", text.replacen('{', &format!(r#"{{"exp":{},"#, at + 9), 1), BadToken::Claims),
        ("sub twice", text.replacen('{', r#"{"sub":"0123456789abcdef01234567","#, 1), BadToken::Claims),
        ("a list", "[]".to_owned(), BadToken::Claims),
        ("no JSON", "{".to_owned(), BadToken::Claims),
    ];
    for name in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "amr", "auth_time"] {
        table.push((name, without(good.clone(), name), BadToken::Claims));
    }
    for (what, claims, expected) in table {
        let token = signed(&header(&keys).to_string(), &claims, &keys.current(NOW).unwrap().private);
        assert_eq!(tokens().verify(&keys, &token, NOW), Err(expected), "{what}");
    }
    let late = with(good, "nbf", json!(at + 30));
    let token = signed(&header(&keys).to_string(), &late, &keys.current(NOW).unwrap().private);
    assert!(tokens().verify(&keys, &token, NOW).is_ok(), "within the leeway");
}

#[test]
fn bad_signatures_are_refused() {
    let keys = keys();
    let key = keys.current(NOW).unwrap();
    let (header, claims) = (header(&keys), claims().to_string());
    let good = signed(&header.to_string(), &claims, &key.private);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other = EncodingKey::from_ec_der(&generate().unwrap());
    let elevated = claims.replace("0123456789abcdef01234567", "0123456789abcdef01234568");
    let (_, body) = message.split_once('.').unwrap();
    let moved = good.replacen(body, &URL_SAFE_NO_PAD.encode(elevated), 1);
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    let table = [
        ("none", format!("{message}.")),
        ("of zeros", format!("{message}.{zeros}")),
        ("of another key", signed(&header.to_string(), &claims, &other)),
        ("of other claims", moved),
        ("shortened", good[..good.len() - 2].to_owned()),
        ("padded", format!("{good}==")),
        ("a fourth part", format!("{good}.x")),
        ("in base64's other alphabet", format!("{message}.+{}", &signature[1..])),
    ];
    for (what, token) in table {
        let refused = tokens().verify(&keys, &token, NOW).unwrap_err();
        assert!(
            matches!(refused, BadToken::Signature | BadToken::Claims | BadToken::Header),
            "{what}: {refused}"
        );
    }
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let keys = keys();
    let key = keys.current(NOW).unwrap();
    let point = key.verifying.try_get_as_bytes().unwrap().to_vec();
    let jwk = serde_json::to_vec(key.public()).unwrap();
    for secret in [point.as_slice(), &jwk, key.kid().as_bytes(), b""] {
        let secret = EncodingKey::from_secret(secret);
        for alg in ["HS256", "ES256"] {
            let mut header = header(&keys);
            header["alg"] = json!(alg);
            let message = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header.to_string()),
                URL_SAFE_NO_PAD.encode(claims().to_string())
            );
            let tag = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
            let token = format!("{message}.{tag}");
            let expected = if alg == "HS256" { BadToken::Header } else { BadToken::Signature };
            assert_eq!(tokens().verify(&keys, &token, NOW), Err(expected));
        }
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let keys = keys();
    for bad in ["", ".", "..", "...", "a.b.c", "mtm_x_y", "Bearer x", "あ.い.う"] {
        assert_eq!(tokens().verify(&keys, bad, NOW), Err(BadToken::Header), "{bad}");
    }
    let mut long = claims();
    long["jti"] = json!("j".repeat(MAX_LEN));
    let key = &keys.current(NOW).unwrap().private;
    let long = signed(&header(&keys).to_string(), &long.to_string(), key);
    assert_eq!(tokens().verify(&keys, &long, NOW), Err(BadToken::TooLong));
}

#[test]
fn a_token_of_a_retired_key_is_refused() {
    let (keys, tokens) = (keys(), tokens());
    let issued = tokens.issue(&keys, &SystemRandom, subject(), NOW).unwrap();
    let later = crate::auth::signing_key::retire_at(period(NOW));
    assert_eq!(tokens.verify(&keys, issued.text.expose_secret(), later), Err(BadToken::UnknownKey));
    let last = later.minus(Duration::from_millis(1));
    assert_eq!(tokens.verify(&keys, issued.text.expose_secret(), last), Err(BadToken::Expired));
}
