//! Logging in and all around it, over HTTP.

use bson::doc;
use jsonwebtoken::jwk::JwkSet;
use matome_api_testing::call::Reply;
use matome_api_testing::sign_in::{EMAIL, PASSWORD};
use matome_api_testing::world::World;
use matome_store::entities::{AccountAuditEntry, Credentials};
use serde_json::{Value, json};

/// Status, code and what else the answer says: what somebody outside can tell two answers apart by.
pub(crate) fn told(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("requestId");
    }
    (reply.status.as_u16(), body)
}

#[tokio::test]
async fn somebody_registers_verifies_logs_in_refreshes_and_logs_out() {
    let world = World::start().await;
    let body = json!({ "email": EMAIL, "name": "Some Body", "password": PASSWORD, "language": "ja" });
    let first = world.send("/auth/register", body.clone()).await;
    assert_eq!(first.status, 202);
    let token = world.mailed();
    let early = world.log_in(PASSWORD).await;
    assert_eq!((early.status.as_u16(), early.code()), (403, "email_not_verified"));
    let verify =
        async || world.send("/auth/verify-email", json!({ "token": token, "password": PASSWORD })).await;
    assert_eq!(verify().await.status, 204);
    let again = verify().await;
    assert_eq!((again.status.as_u16(), again.code()), (401, "login_failed"));

    let tokens = world.log_in(PASSWORD).await.ok();
    assert_eq!((tokens["tokenType"].as_str(), tokens["expiresIn"].as_u64()), (Some("Bearer"), Some(600)));
    assert_eq!(world.own(&tokens).await, 200);
    let next = world.refresh(&tokens).await.ok();
    assert_eq!(next["sessionId"], tokens["sessionId"]);
    let token = next["accessToken"].as_str().unwrap();
    assert_eq!(world.post("/v1/auth/logout").with_token(token).send().await.status, 204);
    assert_eq!((world.own(&next).await, world.own(&tokens).await), (401, 401));
    assert_eq!(world.refresh(&next).await.code(), "login_failed");
}

#[tokio::test]
async fn no_answer_tells_whether_an_address_has_an_account() {
    let world = World::start().await;
    world.register(EMAIL).await;
    for (path, more) in [
        ("/auth/register", json!({ "name": "N", "password": "an attacker's password" })),
        ("/auth/login", json!({ "password": "wrong horse battery" })),
        ("/auth/password/forgot", json!({})),
        ("/auth/verify-email/resend", json!({})),
    ] {
        let mut answers = Vec::new();
        for email in [EMAIL, "nobody@example.com"] {
            let mut body = more.clone();
            body["email"] = json!(email);
            answers.push(told(&world.send(path, body).await));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    let subjects = world.subjects();
    assert!(subjects.contains(&"You already have an account".to_owned()), "{subjects:?}");
    // The attacker's password is nobody's.
    assert_eq!(world.log_in(PASSWORD).await.status, 200);
}

#[tokio::test]
async fn wrong_fields_are_named_and_a_weak_password_is_one() {
    let world = World::start().await;
    let register = async |body: Value| world.send("/auth/register", body).await;
    for (body, field) in [
        (json!({ "email": "nowhere", "name": "N", "password": PASSWORD }), "email"),
        (json!({ "email": EMAIL, "name": "", "password": PASSWORD }), "name"),
        (json!({ "email": EMAIL, "name": "N", "password": "short" }), "password"),
        (json!({ "email": EMAIL, "name": "N", "password": "somebody somebody" }), "password"),
        (json!({ "email": EMAIL, "name": "N", "password": PASSWORD, "role": "owner" }), "role"),
        (json!({ "email": EMAIL, "name": "N" }), "password"),
    ] {
        let reply = register(body).await;
        assert_eq!(reply.status, 422, "{field}");
        assert_eq!(reply.body["errors"][0]["field"], field);
    }
    assert!(world.mails.take().is_empty());
}

#[tokio::test]
async fn guessing_closes_an_account_for_a_while_and_its_owner_sees_it() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    for _ in 0..5 {
        assert_eq!(world.log_in("wrong horse battery").await.code(), "login_failed");
    }
    let closed = world.log_in(PASSWORD).await;
    assert_eq!((closed.status.as_u16(), closed.code()), (401, "login_failed"));
    world.later(61);
    assert_eq!(world.log_in("wrong horse battery").await.status, 401);
    world.later(61);
    assert_eq!(world.log_in(PASSWORD).await.status, 401, "the second time for twice as long");
    world.later(61);
    assert_eq!(world.log_in(PASSWORD).await.status, 200);
    let token = tokens["accessToken"].as_str().unwrap();
    let audit = world.get("/v1/account/audit?limit=200").with_token(token).send().await.ok();
    let mut log_ins: Vec<_> = audit["items"].as_array().unwrap().iter().collect();
    log_ins.retain(|entry| entry["operation"] == "logIn" && entry["phase"] == "ended");
    log_ins.sort_by_key(|entry| entry["seq"].as_i64());
    let statuses: Vec<_> = log_ins.iter().map(|entry| entry["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401, 401, 200]);
    assert!(!audit.to_string().contains("horse"));
}

#[tokio::test]
async fn an_address_is_tried_only_so_often_from_wherever_and_nobody_elses_suffers() {
    let world = World::start().await;
    let attempt = async |email: &str, host: u8| {
        let body = json!({ "email": email, "password": "wrong horse battery" });
        let address = std::net::Ipv4Addr::new(198, 51, 100, host).into();
        world.post("/v1/auth/login").json(&body).from(address).send().await
    };
    for host in 0..10 {
        assert_eq!(attempt("Nobody@example.com", host).await.status, 401);
    }
    let refused = attempt("nobody@example.com", 11).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (429, "rate_limited"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(attempt("other@example.com", 11).await.status, 401);
}

#[tokio::test]
async fn one_address_of_the_internet_tries_only_so_many_accounts() {
    let world = World::start().await;
    // Three of the thirty.
    let tokens = world.logged_in().await;
    for number in 0..27 {
        let body = json!({ "email": format!("n{number}@example.com"), "password": "wrong horse battery" });
        assert_eq!(world.send("/auth/login", body).await.status, 401);
    }
    assert_eq!(world.log_in(PASSWORD).await.status, 429);
    // Who is signed in there stays so.
    assert_eq!(world.refresh(&tokens).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_stolen_one_ends_the_session() {
    let world = World::start().await;
    let first = world.logged_in().await;
    let second = world.refresh(&first).await.ok();
    let repeated = world.refresh(&first).await;
    assert_eq!((repeated.status.as_u16(), repeated.code()), (409, "conflict"));
    assert!(!repeated.body.to_string().contains("mrt_"));
    let third = world.refresh(&second).await.ok();
    world.later(11);
    let reused = world.refresh(&second).await;
    assert_eq!((reused.status.as_u16(), reused.code()), (401, "login_failed"));
    // Access and refresh tokens of the session are dead at once.
    assert_eq!(world.own(&third).await, 401);
    let over = world.refresh(&third).await;
    assert_eq!(told(&over), told(&reused));
    for forged in ["", "mrt_", "mrt_671f0a2b9d3c4e5f6071829c_secret", "x"] {
        let reply = world.send("/auth/refresh", json!({ "refreshToken": forged })).await;
        assert!([401, 422].contains(&reply.status.as_u16()), "{forged}: {}", reply.status);
    }
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_once() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    assert_eq!(world.send("/auth/password/forgot", json!({ "email": EMAIL })).await.status, 202);
    let token = world.mailed();
    let reset = async |token: &str, password: &str| {
        world.send("/auth/password/reset", json!({ "token": token, "password": password })).await
    };
    let weak = reset(&token, "short").await;
    assert_eq!((weak.status.as_u16(), &weak.body["errors"][0]["field"]), (422, &json!("password")));
    assert_eq!(reset(&token, "a new long password").await.status, 204);
    assert_eq!(reset(&token, "another long password").await.code(), "login_failed");
    assert_eq!(world.own(&tokens).await, 401);
    assert_eq!(world.subjects(), ["Your password was changed"]);
    assert_eq!(world.log_in(PASSWORD).await.status, 401);
    assert_eq!(world.log_in("a new long password").await.status, 200);
    world.send("/auth/password/forgot", json!({ "email": EMAIL })).await;
    world.subjects();
    world.later(3_600);
    assert_eq!(reset(&token, "a third long password").await.status, 401);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_is_taken_twice() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    let (factor, recovery) = world.factor(&tokens).await;
    assert_eq!(recovery.len(), 10);
    let challenge = async || {
        let asked = world.log_in(PASSWORD).await.ok();
        assert_eq!((asked["mfaRequired"].as_bool(), asked.get("accessToken")), (Some(true), None));
        asked["mfaToken"].as_str().unwrap().to_owned()
    };
    let show = async |token: &str, kind: &str, code: &str| {
        world.send("/auth/mfa", json!({ "mfaToken": token, kind: code })).await
    };
    let token = challenge().await;
    assert_eq!(show(&token, "code", "000000").await.code(), "login_failed");
    let both = json!({ "mfaToken": token, "code": "000000", "recoveryCode": "x" });
    assert_eq!(world.send("/auth/mfa", both).await.status, 422);
    let code = world.code(&factor);
    let done = show(&token, "code", &code).await.ok();
    assert_eq!(world.own(&done).await, 200);
    // Neither the challenge nor the code a second time.
    assert_eq!(show(&token, "code", &code).await.status, 401);
    assert_eq!(show(&challenge().await, "code", &code).await.status, 401);
    // Recovery codes: each once.
    assert_eq!(show(&challenge().await, "recoveryCode", &recovery[0]).await.status, 200);
    assert_eq!(show(&challenge().await, "recoveryCode", &recovery[0]).await.status, 401);
    assert_eq!(show(&challenge().await, "recoveryCode", &recovery[1]).await.status, 200);
    let late = challenge().await;
    world.later(5 * 60);
    assert_eq!(show(&late, "code", &world.code(&factor)).await.status, 401);
}

#[tokio::test]
async fn an_account_that_is_closed_is_told_so_after_the_right_password_only() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    let admin = world.super_admin().await;
    let path = format!("/v1/accounts/{}", tokens["accountId"].as_str().unwrap());
    world.patch(&path).by(&admin).json(&json!({ "status": "suspended" })).send().await.ok();
    let (right, wrong) = (world.log_in(PASSWORD).await, world.log_in("wrong horse battery").await);
    assert_eq!((right.status.as_u16(), right.code()), (403, "account_closed"));
    assert_eq!((wrong.status.as_u16(), wrong.code()), (401, "login_failed"));
    assert_eq!((world.own(&tokens).await, world.refresh(&tokens).await.status.as_u16()), (401, 401));
}

#[tokio::test]
async fn the_keys_are_public_and_fit_the_tokens() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    let keys = world.get("/v1/.well-known/jwks.json").send().await;
    assert_eq!(keys.header("cache-control"), Some("public, max-age=300"));
    let keys: JwkSet = serde_json::from_value(keys.ok()).expect("a key set");
    let token = tokens["accessToken"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).expect("the token's key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[matome_api_testing::world::AUDIENCE]);
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!((&claims["sid"], &claims["sub"]), (&tokens["sessionId"], &tokens["accountId"]));
}

#[tokio::test]
async fn nothing_secret_is_in_the_trail_or_in_a_refusal() {
    let world = World::start().await;
    let tokens = world.logged_in().await;
    world.factor(&tokens).await;
    world.log_in("a wrong canary password").await;
    let refused = world.send("/auth/login", json!({ "email": EMAIL, "password": ["canary"] })).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.body.to_string().contains("canary"));
    let entries = world.system.store.platform_collection::<AccountAuditEntry>();
    let entries = entries.clone_with_type::<bson::Document>().find(doc! {}).await.unwrap();
    let entries: Vec<bson::Document> = futures::TryStreamExt::try_collect(entries).await.unwrap();
    let dump = format!("{entries:?}");
    assert!(entries.len() > 4 && dump.contains("confirmSecondFactor"));
    for secret in ["canary", PASSWORD, tokens["refreshToken"].as_str().unwrap(), EMAIL] {
        assert!(!dump.contains(secret), "{secret}");
    }
    let stored = world.system.store.platform_collection::<Credentials>();
    assert_eq!(stored.count_documents(doc! { "failedAttempts": 1_i64 }).await.unwrap(), 1);
}
