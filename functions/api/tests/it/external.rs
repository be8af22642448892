//! Logging in by who one is elsewhere, over HTTP.

use bson::doc;
use matome_api::auth::line_login::LineLogin;
use matome_api::auth::oidc::Issuers;
use matome_api::auth::web::Web;
use matome_domain::access::PlatformRole;
use matome_line_simulator::login::Login;
use matome_line_simulator::{LineSimulator, NewUser, SimulatorConfig};
use matome_store::entities::Account;
use matome_testing::TestSystem;
use serde_json::{Value, json};

use crate::auth::{EMAIL, PASSWORD};
use crate::issuer::Issuer;
use crate::world::World;

#[tokio::test]
async fn somebody_links_line_and_logs_in_with_it() {
    let system = TestSystem::start().await;
    let simulator = LineSimulator::start(SimulatorConfig::new(system.clock.clone())).await.unwrap();
    let channel = simulator.add_login_channel(None);
    let line = LineLogin::new(Web::new().unwrap(), &simulator.api_url(), channel.channel_id.clone());
    let world = World::over(system, Some(line), Issuers::default());
    let login = Login {
        channel_id: channel.channel_id,
        user_id: simulator.add_user(NewUser::named("Somebody")),
        nonce: Some("n".to_owned()),
        ..Login::default()
    };
    let token = simulator.id_token(&login).unwrap();
    let log_in = async |token: &str, nonce: &str| {
        world.send("/auth/line", json!({ "idToken": token, "nonce": nonce })).await
    };
    let tokens = world.logged_in().await;
    // A good token of somebody who is linked with nothing, and tokens that are none.
    assert_eq!(log_in(&token, "n").await.code(), "login_failed");
    let link = async |password: Option<&str>| {
        let mut body = json!({ "provider": "line", "idToken": token, "nonce": "n" });
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        let access = tokens["accessToken"].as_str().unwrap();
        world.post("/v1/account/identities").with_token(access).json(&body).send().await
    };
    // An access token alone is not enough to add a way in.
    assert_eq!(link(None).await.code(), "login_failed");
    assert_eq!(link(Some("wrong horse battery")).await.code(), "login_failed");
    assert_eq!(log_in(&token, "n").await.code(), "login_failed");
    let link = link(Some(PASSWORD)).await.ok();
    assert_eq!(link["items"][0]["provider"], "line");
    assert_eq!(log_in(&token, "other").await.status, 401);
    assert_eq!(log_in("a.b.c", "n").await.status, 401);
    let by_line = log_in(&token, "n").await.ok();
    assert_eq!(by_line["accountId"], tokens["accountId"]);
    assert_eq!(world.own(&by_line).await, 200);
    // Not an OpenID provider, and there are no others.
    let body = json!({ "idToken": token, "nonce": "n" });
    assert_eq!(world.send("/auth/oidc/line", body.clone()).await.status, 404);
    assert_eq!(world.send("/auth/oidc/nobody", body).await.status, 404);
    let unlink = async |provider: &str| {
        let path = format!("/v1/account/identities/{provider}");
        let token = by_line["accessToken"].as_str().unwrap();
        world.delete(path).with_token(token).send().await.status.as_u16()
    };
    assert_eq!((unlink("nobody").await, unlink("line").await, unlink("line").await), (404, 204, 404));
    assert_eq!(log_in(&token, "n").await.status, 401);
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
            "email": email, "email_verified": true,
        });
        world.send("/auth/oidc/acme", json!({ "idToken": issuer.sign(&claims) })).await
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
