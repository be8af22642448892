//! Who one is elsewhere.

use matome_api::auth::external::ExternalIdentity;
use matome_line_simulator::login::Login;
use matome_line_simulator::{LineSimulator, NewUser, SimulatorConfig};

use super::*;

fn identity(email_verified: bool) -> ExternalIdentity {
    ExternalIdentity {
        provider: "test".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        subject: "somebody".to_owned(),
        name: None,
        picture: None,
        email: Some("somebody@example.com".to_owned()),
        email_verified,
        expires_at: matome_domain::clock::Timestamp(i64::MAX),
    }
}

#[tokio::test]
async fn an_identity_is_linked_by_an_address_that_both_sides_have_verified_and_no_other() {
    let world = World::new().await;
    world.register(EMAIL, PASSWORD).await;
    let link = world.token();
    let log_in = async |verified| {
        world.accounts.log_in_by_identity(&identity(verified), &Origin::default(), unrecorded).await
    };
    refused!(log_in(true).await, AuthError::NotLinked);
    let account = world.verify(&link, PASSWORD).await.unwrap();
    refused!(log_in(false).await, AuthError::NotLinked);
    let tokens = done(log_in(true).await);
    assert_eq!((tokens.account, world.session(&tokens).await.amr), (account, vec!["oidc".to_owned()]));
    // Linked now: what the issuer says of the address does not matter any more.
    assert_eq!(done(log_in(false).await).account, account);
    assert_eq!(world.account(account).await.identities.len(), 1);
    world.factor(account).await;
    assert!(matches!(log_in(false).await, Ok(LogIn::SecondFactor { .. })));
    assert!(world.accounts.unlink_identity(account, "test").await.unwrap());
    assert!(!world.accounts.unlink_identity(account, "test").await.unwrap());
    refused!(log_in(false).await, AuthError::NotLinked);
}

#[tokio::test]
async fn an_identity_is_one_accounts_only() {
    let world = World::new().await;
    let one = world.somebody().await;
    world.register("other@example.com", PASSWORD).await;
    let other = world.verify(&world.token(), PASSWORD).await.unwrap();
    world.accounts.link_identity(one, &identity(false)).await.unwrap();
    world.accounts.link_identity(one, &identity(false)).await.unwrap();
    refused!(world.accounts.link_identity(other, &identity(false)).await, AuthError::LinkedElsewhere);
    assert_eq!(world.account(one).await.identities.len(), 1);
}

#[tokio::test]
async fn people_log_in_with_line() {
    let probe = TestSystem::start().await;
    let simulator = LineSimulator::start(SimulatorConfig::new(probe.clock.clone())).await.unwrap();
    let channel = simulator.add_login_channel(None);
    let line = LineLogin::new(Web::new().unwrap(), &simulator.api_url(), channel.channel_id.clone());
    let (accounts, outbox) = accounts(&probe, Some(line));
    let world = World { system: probe, accounts, outbox };
    let account = world.somebody().await;
    let user_id = simulator.add_user(NewUser::named("Somebody"));
    let login = Login {
        channel_id: channel.channel_id,
        user_id,
        nonce: Some("n".to_owned()),
        email: Some("somebody@example.com".to_owned()),
        ..Login::default()
    };
    let token = simulator.id_token(&login).unwrap();
    let take = async |token: &str, nonce| world.accounts.take_id_token("line", token, nonce).await;
    take(&token, Some("other")).await.unwrap_err();
    take(&token, None).await.unwrap_err();
    take("a.b.c", Some("n")).await.unwrap_err();
    let identity = take(&token, Some("n")).await.unwrap();
    assert_eq!((identity.subject.as_str(), identity.email_verified), (login.user_id.as_str(), false));
    // LINE does not say that the address is verified: they link it themselves.
    let log_in = async || world.accounts.log_in_by_identity(&identity, &Origin::default(), unrecorded).await;
    refused!(log_in().await, AuthError::NotLinked);
    world.accounts.link_identity(account, &identity).await.unwrap();
    let tokens = done(log_in().await);
    assert_eq!(world.session(&tokens).await.amr, ["line"]);
}
