//! Logging in by who one is elsewhere, over HTTP.

use bson::doc;
use futures::future::join_all;
use matome_api::auth::line_login::LineLogin;
use matome_api::auth::oidc::Issuers;
use matome_api::auth::web::Web;
use matome_api_testing::issuer::Issuer;
use matome_api_testing::sign_in::{EMAIL, PASSWORD};
use matome_api_testing::world::World;
use matome_domain::access::PlatformRole;
use matome_line_simulator::login::{IdTokenAlgorithm, Login};
use matome_line_simulator::{LineSimulator, NewUser, SimulatorConfig};
use matome_store::entities::{Account, UsedIdToken};
use matome_testing::TestSystem;
use serde_json::{Value, json};

#[tokio::test]
async fn somebody_links_line_and_logs_in_with_it() {
    let system = TestSystem::start().await;
    let simulator = LineSimulator::start(SimulatorConfig::new(system.clock.clone())).await.unwrap();
    let channel = simulator.add_login_channel(None);
    let line = LineLogin::new(Web::new().unwrap(), &simulator.api_url(), channel.channel_id.clone());
    let world = World::over(system, Some(line), Issuers::default());
    let user_id = simulator.add_user(NewUser::named("Somebody"));
    // Each is taken once, and the nonce tells one from the other.
    let token = |nonce: &str| {
        let (channel_id, user_id) = (channel.channel_id.clone(), user_id.clone());
        let login = Login { channel_id, user_id, nonce: Some(nonce.to_owned()), ..Login::default() };
        simulator.id_token(&login).unwrap()
    };
    let log_in = async |token: &str, nonce: &str| {
        world.send("/auth/line", json!({ "idToken": token, "nonce": nonce })).await
    };
    let tokens = world.logged_in().await;
    // A good token of somebody who is linked with nothing, and tokens that are none.
    assert_eq!(log_in(&token("1"), "1").await.code(), "login_failed");
    let link = async |password: Option<&str>| {
        let mut body = json!({ "provider": "line", "idToken": token("2"), "nonce": "2" });
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        let access = tokens["accessToken"].as_str().unwrap();
        world.post("/v1/account/identities").with_token(access).json(&body).send().await
    };
    // An access token alone is not enough to add a way in.
    assert_eq!(link(None).await.code(), "login_failed");
    assert_eq!(link(Some("wrong horse battery")).await.code(), "login_failed");
    assert_eq!(log_in(&token("3"), "3").await.code(), "login_failed");
    let link = link(Some(PASSWORD)).await.ok();
    assert_eq!(link["items"][0]["provider"], "line");
    assert_eq!(log_in(&token("4"), "other").await.status, 401);
    assert_eq!(log_in("a.b.c", "n").await.status, 401);
    let by_line = log_in(&token("4"), "4").await.ok();
    assert_eq!(by_line["accountId"], tokens["accountId"]);
    assert_eq!(world.own(&by_line).await, 200);
    // Not an OpenID provider, and there are no others.
    let body = json!({ "idToken": token("5"), "nonce": "5" });
    assert_eq!(world.send("/auth/oidc/line", body.clone()).await.status, 404);
    assert_eq!(world.send("/auth/oidc/nobody", body).await.status, 404);
    let unlink = async |provider: &str| {
        let path = format!("/v1/account/identities/{provider}");
        let token = by_line["accessToken"].as_str().unwrap();
        world.delete(path).with_token(token).send().await.status.as_u16()
    };
    assert_eq!((unlink("nobody").await, unlink("line").await, unlink("line").await), (404, 204, 404));
    assert_eq!(log_in(&token("6"), "6").await.status, 401);
}

#[tokio::test]
async fn an_openid_provider_is_believed_by_its_keys_and_no_others() {
    let system = TestSystem::start().await;
    let (issuer, stranger) = (Issuer::start().await, Issuer::start().await);
    let world = World::over(system, None, issuer.setting("acme", "matome-client"));
    let tokens = world.logged_in().await;
    let now = world.seconds();
    let claims = json!({
        "iss": issuer.url(), "aud": "matome-client", "sub": "s-1", "nonce": "n", "iat": now, "exp": now + 300,
        "email": EMAIL, "email_verified": true,
    });
    let log_in =
        async |token: String| world.send("/auth/oidc/acme", json!({ "idToken": token, "nonce": "n" })).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        issuer.sign(&claims)
    };
    let bad = [
        stranger.sign(&claims),
        with("iss", json!(stranger.url())),
        with("aud", json!("another-client")),
        with("nonce", json!("other")),
        with("exp", json!(now - 1)),
        with("exp", json!("soon")),
        issuer.unsigned(&claims),
    ];
    for token in bad {
        let reply = log_in(token).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "login_failed"));
    }
    // Not of a verified address, and linked with nothing.
    assert_eq!(log_in(with("email_verified", json!(false))).await.status, 401);
    let by_acme = log_in(issuer.sign(&claims)).await.ok();
    assert_eq!(by_acme["accountId"], tokens["accountId"]);
    // Linked now: the address does not matter any more.
    assert_eq!(log_in(with("email", json!("other@example.com"))).await.status, 200);
}

#[tokio::test]
async fn no_address_makes_somebody_run_the_platform() {
    let system = TestSystem::start().await;
    let issuer = Issuer::start().await;
    let world = World::over(system, None, issuer.setting("acme", "matome-client"));
    let now = world.seconds();
    let log_in = async |email: &str| {
        let claims = json!({
            "iss": issuer.url(), "aud": "matome-client", "sub": email, "iat": now, "exp": now + 300,
            "email": email, "email_verified": true, "nonce": "n",
        });
        world.send("/auth/oidc/acme", json!({ "idToken": issuer.sign(&claims), "nonce": "n" })).await
    };
    for (email, role, status) in
        [("root@example.com", Some(PlatformRole::SuperAdmin), 401), ("anybody@example.com", None, 200)]
    {
        let change =
            |account: &mut Account| (account.email, account.platform_role) = (email.to_owned(), role);
        let person = world.person_with(change, &[]).await;
        assert_eq!(log_in(email).await.status, status, "{email}");
        let accounts = world.system.store.platform_collection::<Account>();
        let account = accounts.find_one(doc! { "_id": person.account }).await.unwrap().unwrap();
        assert_eq!(account.identities.is_empty(), role.is_some(), "{email}");
    }
}

/// Far beyond the machine's own clock, by which MongoDB forgets used tokens.
const FAR: i64 = 2 * matome_testing::tenant::BEGIN.0 / 1_000;

#[tokio::test]
async fn an_id_token_is_taken_once_for_logging_in_and_linking_together() {
    let system = TestSystem::start().await;
    let simulator = LineSimulator::start(SimulatorConfig::new(system.clock.clone())).await.unwrap();
    let channel = simulator.add_login_channel(None).channel_id;
    let line = LineLogin::new(Web::new().unwrap(), &simulator.api_url(), channel.clone());
    let issuer = Issuer::start().await;
    let world = World::over(system, Some(line), issuer.setting("acme", "matome-client"));
    let access = world.logged_in().await["accessToken"].as_str().unwrap().to_owned();
    let claims = |iss: &str, aud: &str, sub: &str, number: u32| json!({ "iss": iss, "aud": aud, "sub": sub, "nonce": "n", "iat": world.seconds(), "exp": FAR, "no": number });
    let user = simulator.add_user(NewUser::named("Somebody"));
    let of_line = |number: u32| {
        let claims = claims("https://access.line.me", &channel, &user, number);
        simulator.sign_id_token(&channel, IdTokenAlgorithm::Es256, &claims).unwrap()
    };
    let of_acme = |number: u32| issuer.sign(&claims(issuer.url(), "matome-client", "s-1", number));
    for (provider, path, token) in
        [("line", "/auth/line", &of_line as &dyn Fn(u32) -> String), ("acme", "/auth/oidc/acme", &of_acme)]
    {
        let log_in = async |token: &str| world.send(path, json!({ "idToken": token, "nonce": "n" })).await;
        let link = async |token: &str| {
            let body = json!({ "provider": provider, "idToken": token, "nonce": "n", "password": PASSWORD });
            world.post("/v1/account/identities").with_token(&access).json(&body).send().await
        };
        let first = token(1);
        assert_eq!(link(&first).await.status, 200, "{provider}");
        let (again, in_vain) = (link(&first).await, log_in(&first).await);
        assert_eq!((again.status.as_u16(), again.code()), (401, "login_failed"), "{provider}");
        assert_eq!((in_vain.status.as_u16(), in_vain.code()), (401, "login_failed"), "{provider}");
        let second = token(2);
        assert_eq!(log_in(&second).await.status, 200, "{provider}");
        assert_eq!(log_in(&second).await.status, 401, "{provider}");
        assert_eq!(link(&second).await.status, 401, "{provider}");
        // Spelled another way it is none, and signed anew it is the same.
        assert_eq!(log_in(&format!("{} ", token(3))).await.status, 401, "{provider}");
        let third = token(3);
        let signed = third.rsplit_once('.').unwrap().0;
        let replies = join_all((0..8).map(|_| log_in(&third))).await;
        let done = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(done, 1, "{provider}: of eight at once");
        let anew = token(3);
        assert_eq!(anew.rsplit_once('.').unwrap().0, signed);
        assert_eq!(log_in(&anew).await.status, 401, "{provider}");
    }
    // What is remembered is of no use to who reads it.
    let used = world.system.store.platform_collection::<UsedIdToken>();
    assert_eq!(used.count_documents(doc! {}).await.unwrap(), 6);
    let one = used.find_one(doc! {}).await.unwrap().unwrap();
    assert!(one.id.len() == 43 && one.expires_at.millis() > FAR * 1_000);
}

#[tokio::test]
async fn an_openid_providers_token_needs_a_nonce_and_lines_may_have_none() {
    let system = TestSystem::start().await;
    let simulator = LineSimulator::start(SimulatorConfig::new(system.clock.clone())).await.unwrap();
    let channel = simulator.add_login_channel(None).channel_id;
    let line = LineLogin::new(Web::new().unwrap(), &simulator.api_url(), channel.clone());
    let issuer = Issuer::start().await;
    let world = World::over(system, Some(line), issuer.setting("acme", "matome-client"));
    let access = world.logged_in().await["accessToken"].as_str().unwrap().to_owned();
    let now = world.seconds();
    let claims = json!({
        "iss": issuer.url(), "aud": "matome-client", "sub": "s", "iat": now, "exp": now + 300,
        "email": EMAIL, "email_verified": true,
    });
    let token = issuer.sign(&claims);
    assert_eq!(world.send("/auth/oidc/acme", json!({ "idToken": token })).await.status, 401);
    let with_one = issuer.sign(&{
        let mut claims = claims;
        claims["nonce"] = json!("n");
        claims
    });
    let body = json!({ "idToken": with_one, "nonce": "n" });
    assert_eq!(world.send("/auth/oidc/acme", body).await.status, 200);
    let user_id = simulator.add_user(NewUser::named("Somebody"));
    let login = Login { channel_id: channel, user_id, ..Login::default() };
    let id_token = simulator.id_token(&login).unwrap();
    let link = json!({ "provider": "line", "idToken": id_token, "password": PASSWORD });
    let linked = world.post("/v1/account/identities").with_token(&access).json(&link).send().await;
    assert_eq!(linked.status, 200, "{}", linked.body);
}
