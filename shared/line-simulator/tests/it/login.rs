//! LINE Login: ID tokens and where they are verified.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use matome_line_simulator::login::{IdTokenAlgorithm, Login, LoginChannel, VALID};
use matome_line_simulator::{Endpoint, Fault};
use serde_json::{Value, json};

use crate::stage::Stage;

const BOTH: [IdTokenAlgorithm; 2] = [IdTokenAlgorithm::Hs256, IdTokenAlgorithm::Es256];

fn login(s: &Stage, channel: &LoginChannel) -> Login {
    Login {
        channel_id: channel.channel_id.clone(),
        user_id: s.yui.clone(),
        nonce: Some("n-1".into()),
        email: Some("yui@example.com".into()),
        ..Login::default()
    }
}

async fn verify(s: &Stage, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/oauth2/v2.1/verify", s.simulator.api_url());
    let answer = reqwest::Client::new().post(url).form(form).send().await.unwrap();
    assert!(answer.headers().contains_key("x-line-request-id"));
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What LINE says is wrong; empty when nothing is.
async fn complaint(s: &Stage, form: &[(&str, &str)]) -> String {
    let (status, answer) = verify(s, form).await;
    if status == 200 {
        return String::new();
    }
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_request")));
    answer["error_description"].as_str().unwrap().to_owned()
}

fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_good_token_is_answered_with_its_claims() {
    let s = Stage::new().await;
    let channel = s.simulator.add_login_channel(Some("1234567890"));
    for algorithm in BOTH {
        let token = s.simulator.id_token(&Login { algorithm, ..login(&s, &channel) }).unwrap();
        let form = [
            ("id_token", token.as_str()),
            ("client_id", "1234567890"),
            ("nonce", "n-1"),
            ("user_id", s.yui.as_str()),
        ];
        let (status, claims) = verify(&s, &form).await;
        assert_eq!(status, 200, "{claims}");
        let expected = json!({
            "iss": "https://access.line.me", "sub": s.yui, "aud": "1234567890",
            "exp": 1_783_404_300, "iat": 1_783_400_700, "amr": ["linesso"],
            "name": "Yui", "nonce": "n-1", "email": "yui@example.com",
        });
        assert_eq!(claims, expected);
        assert_eq!(complaint(&s, &form[..2]).await, "", "nonce and user_id may be left out");
    }
}

#[tokio::test]
async fn each_thing_that_is_wrong_is_named_as_line_names_it() {
    let s = Stage::new().await;
    let (channel, other) = (s.simulator.add_login_channel(None), s.simulator.add_login_channel(None));
    let id = channel.channel_id.as_str();
    for algorithm in BOTH {
        let token = s.simulator.id_token(&Login { algorithm, ..login(&s, &channel) }).unwrap();
        let with = |name: &'static str, value: Value| {
            let mut claims = claims_of(&token);
            claims[name] = value;
            s.simulator.sign_id_token(id, algorithm, &claims).unwrap()
        };
        let issuer = with("iss", json!("https://access.example.com"));
        let text = with("exp", json!("4000000000"));
        let cases = [
            (vec![("id_token", issuer.as_str()), ("client_id", id)], "Invalid IdToken Issuer."),
            (vec![("id_token", &text), ("client_id", id)], "IdToken expired."),
            (vec![("id_token", &token), ("client_id", &other.channel_id)], "Invalid IdToken Audience."),
            (vec![("id_token", &token), ("client_id", id), ("nonce", "n-2")], "Invalid IdToken Nonce."),
            (
                vec![("id_token", &token), ("client_id", id), ("user_id", &s.somchai)],
                "Invalid IdToken Subject Identifier.",
            ),
        ];
        for (form, expected) in cases {
            assert_eq!(complaint(&s, &form).await, expected);
        }
    }
}

#[tokio::test]
async fn what_line_has_not_signed_is_no_token() {
    let s = Stage::new().await;
    let (channel, other) = (s.simulator.add_login_channel(None), s.simulator.add_login_channel(None));
    let good = s.simulator.id_token(&login(&s, &channel)).unwrap();
    let (text, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = text.split_once('.').unwrap();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut changed = claims_of(&good);
    changed["sub"] = json!(s.somchai);
    // LINE's own key, but another channel's secret over this channel's claims.
    let stolen =
        s.simulator.sign_id_token(&other.channel_id, IdTokenAlgorithm::Hs256, &claims_of(&good)).unwrap();
    let forged = [
        String::new(),
        "a.b.c".to_owned(),
        text.to_owned(),
        format!("{header}.{}.{signature}", part(changed)),
        format!("{}.{claims}.", part(json!({ "alg": "none" }))),
        format!("{}.{claims}.{signature}", part(json!({ "alg": "ES256", "kid": "x" }))),
        stolen,
    ];
    let form = |token| [("id_token", token), ("client_id", channel.channel_id.as_str())];
    for token in &forged {
        assert_eq!(complaint(&s, &form(token)).await, "Invalid IdToken.", "{token}");
    }
    assert_eq!(complaint(&s, &form(&good)).await, "");
    assert!(!complaint(&s, &form(&good)[..1]).await.is_empty(), "client_id is required");
}

#[tokio::test]
async fn a_token_ends_by_the_simulators_clock() {
    let s = Stage::new().await;
    let channel = s.simulator.add_login_channel(None);
    let token = s.simulator.id_token(&login(&s, &channel)).unwrap();
    let form = [("id_token", token.as_str()), ("client_id", channel.channel_id.as_str())];
    s.clock.advance(VALID - Duration::from_secs(1));
    assert_eq!(complaint(&s, &form).await, "");
    s.clock.advance(Duration::from_secs(1));
    assert_eq!(complaint(&s, &form).await, "IdToken expired.");
}

#[tokio::test]
async fn the_published_key_is_the_one_that_signs() {
    let s = Stage::new().await;
    let channel = s.simulator.add_login_channel(None);
    let login = Login { algorithm: IdTokenAlgorithm::Es256, ..login(&s, &channel) };
    let token = s.simulator.id_token(&login).unwrap();
    let url = format!("{}/oauth2/v2.1/certs", s.simulator.api_url());
    let keys: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let key = &keys["keys"][0];
    let (text, signature) = token.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!((&header["kid"], &header["alg"]), (&key["kid"], &key["alg"]));
    assert_eq!((key["kty"].as_str(), key["crv"].as_str()), (Some("EC"), Some("P-256")));
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(text.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn line_login_can_be_out_of_order_too() {
    let s = Stage::new().await;
    let channel = s.simulator.add_login_channel(None);
    let token = s.simulator.id_token(&login(&s, &channel)).unwrap();
    let form = [("id_token", token.as_str()), ("client_id", channel.channel_id.as_str())];
    s.simulator.fail_next(Endpoint::VerifyIdToken, Fault::Status(503), 1);
    assert_eq!(verify(&s, &form).await.0, 503);
    assert_eq!(verify(&s, &form).await.0, 200);
    let kept = s.simulator.inspect(|w| format!("{:?}", w.calls));
    assert!(!kept.contains(&token), "a token is nobody else's to read");
}

#[tokio::test]
async fn another_process_can_have_somebody_sign_in() {
    let s = Stage::new().await;
    let post = async |path: &str, body: Value| -> (u16, Value) {
        let url = format!("{}/_sim/{path}", s.simulator.api_url());
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (_, channel) = post("login/channels", json!({})).await;
    let id = channel["channelId"].as_str().unwrap();
    let asked = json!({ "channelId": id, "userId": s.yui, "nonce": "n", "algorithm": "ES256" });
    let (_, given) = post("login", asked).await;
    let token = given["idToken"].as_str().unwrap();
    assert_eq!(complaint(&s, &[("id_token", token), ("client_id", id), ("nonce", "n")]).await, "");
    let (status, refused) = post("login", json!({ "channelId": id, "userId": "U0" })).await;
    assert_eq!((status, refused["message"].as_str()), (404, Some("user: nobody is called U0")));
}
