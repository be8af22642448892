//! Registering, passwords, sessions, devices.

use super::*;

#[tokio::test]
async fn somebody_registers_verifies_logs_in_and_out() {
    let world = World::new().await;
    world.register(EMAIL, PASSWORD).await;
    let link = world.token();
    refused!(world.log_in(PASSWORD).await, AuthError::NotVerified);
    refused!(world.log_in("wrong horse battery").await, AuthError::BadCredentials);
    let account = world.verify(&link, PASSWORD).await.unwrap();
    refused!(world.verify(&link, PASSWORD).await, AuthError::BadToken);
    let tokens = world.tokens().await;
    let verify = async |tokens: &Tokens| {
        world.accounts.verify_access_token(tokens.access.text.expose_secret()).await.unwrap()
    };
    let claims = verify(&tokens).await.unwrap();
    assert_eq!((claims.sub, claims.sid, claims.amr), (account, tokens.session, vec![Amr::Pwd]));
    world.system.clock.advance(Duration::from_secs(600));
    assert_eq!(verify(&tokens).await, Err(BadToken::Expired));
    world.accounts.log_out(tokens.refresh.expose_secret()).await.unwrap();
    assert_eq!(world.session(&tokens).await.revoked_because, Some(RevokedBecause::LoggedOut));
    refused!(world.refresh(&tokens).await, AuthError::SessionOver);
    refused!(world.accounts.log_out(tokens.refresh.expose_secret()).await, AuthError::SessionOver);
}

#[tokio::test]
async fn a_link_of_a_mail_ends_with_its_day_and_another_one_can_be_asked_for() {
    const OTHER: &str = "another long password";
    let world = World::new().await;
    world.register(EMAIL, PASSWORD).await;
    let first = world.token();
    world.register("somebody@example.com", OTHER).await;
    let second = world.token();
    world.system.clock.advance(Duration::from_secs(24 * 60 * 60));
    refused!(world.verify(&first, PASSWORD).await, AuthError::BadToken);
    refused!(world.verify(&second, OTHER).await, AuthError::BadToken);
    // Good for whichever registration has the password.
    world.accounts.resend_verification(EMAIL).await.unwrap();
    let resent = world.token();
    refused!(world.verify(&resent, "a third long password").await, AuthError::BadToken);
    world.verify(&resent, PASSWORD).await.unwrap();
    refused!(world.log_in(OTHER).await, AuthError::BadCredentials);
    done(world.log_in(PASSWORD).await);
    refused!(world.verify(&resent, OTHER).await, AuthError::BadToken);
}

#[tokio::test]
async fn no_answer_tells_whether_an_address_has_an_account() {
    let world = World::new().await;
    let account = world.somebody().await;
    world.register(EMAIL, "an attacker's password").await;
    assert_eq!(world.subjects(), ["You already have an account"]);
    done(world.log_in(PASSWORD).await);
    let nobody =
        world.accounts.log_in("nobody@example.com", &secret(PASSWORD), &Origin::default(), unrecorded).await;
    let somebody = world.log_in("wrong horse battery").await;
    assert_eq!(nobody.unwrap_err().to_string(), somebody.unwrap_err().to_string());
    world.accounts.forgot_password("nobody@example.com").await.unwrap();
    world.accounts.resend_verification("nobody@example.com").await.unwrap();
    world.accounts.resend_verification(EMAIL).await.unwrap();
    assert!(world.outbox.take().is_empty());
    assert!(world.account(account).await.email_verified);
}

#[tokio::test]
async fn guessing_closes_an_account_for_a_while_for_the_right_password_too() {
    let world = World::new().await;
    world.somebody().await;
    for _ in 0..4 {
        refused!(world.log_in("wrong horse battery").await, AuthError::BadCredentials);
    }
    world.tokens().await;
    for _ in 0..5 {
        refused!(world.log_in("wrong horse battery").await, AuthError::BadCredentials);
    }
    refused!(world.log_in(PASSWORD).await, AuthError::BadCredentials);
    world.system.clock.advance(Duration::from_secs(60));
    world.tokens().await;
}

#[tokio::test]
async fn many_guesses_at_once_are_not_more_than_many_in_a_row() {
    let world = World::new().await;
    let account = world.somebody().await;
    let guesses = (0..12).map(|_| world.log_in("wrong horse battery"));
    for guess in futures::future::join_all(guesses).await {
        refused!(guess, AuthError::BadCredentials);
    }
    let credentials = world.system.store.platform_collection::<Credentials>();
    let stored = credentials.find_one(doc! { "_id": account }).await.unwrap().unwrap();
    assert!((1..=5).contains(&stored.failed_attempts), "{}", stored.failed_attempts);
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_one_and_a_used_one_ends_the_session() {
    let world = World::new().await;
    world.somebody().await;
    let first = world.tokens().await;
    let second = world.refresh(&first).await.unwrap();
    assert_eq!(second.session, first.session);
    // Within the grace it is taken for a repeat; nothing is given, nothing is ended.
    refused!(world.refresh(&first).await, AuthError::RefreshRepeated);
    let third = world.refresh(&second).await.unwrap();
    world.system.clock.advance(Duration::from_secs(10));
    refused!(world.refresh(&second).await, AuthError::RefreshReused(_));
    assert_eq!(world.session(&third).await.revoked_because, Some(RevokedBecause::Reused));
    refused!(world.refresh(&third).await, AuthError::SessionOver);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_gets_the_next_token() {
    let world = World::new().await;
    world.somebody().await;
    let tokens = world.tokens().await;
    let answers = futures::future::join_all((0..6).map(|_| world.refresh(&tokens))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for answer in lost {
        refused!(answer, AuthError::RefreshRepeated);
    }
    world.refresh(won[0].as_ref().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_its_account_is_closed() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (idle, closed) = (world.tokens().await, world.tokens().await);
    let set = doc! { "$set": { "status": "suspended" } };
    let accounts = world.system.store.platform_collection::<Account>();
    accounts.update_one(doc! { "_id": account }, set).await.unwrap();
    refused!(world.refresh(&closed).await, AuthError::SessionOver);
    refused!(world.log_in(PASSWORD).await, AuthError::Closed);
    refused!(world.log_in("wrong horse battery").await, AuthError::BadCredentials);
    accounts.update_one(doc! { "_id": account }, doc! { "$set": { "status": "active" } }).await.unwrap();
    world.system.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    refused!(world.refresh(&idle).await, AuthError::SessionOver);
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_once_and_ends_every_session() {
    let world = World::new().await;
    let account = world.somebody().await;
    let tokens = world.tokens().await;
    for _ in 0..5 {
        refused!(world.log_in("wrong horse battery").await, AuthError::BadCredentials);
    }
    world.accounts.forgot_password(EMAIL).await.unwrap();
    let link = world.token();
    let new = secret("a new long password");
    refused!(
        world.accounts.reset_password(&link, &secret("short"), unrecorded).await,
        AuthError::WeakPassword(_)
    );
    refused!(world.verify(&link, PASSWORD).await, AuthError::BadToken);
    assert_eq!(world.accounts.reset_password(&link, &new, unrecorded).await.unwrap(), account);
    refused!(world.accounts.reset_password(&link, &new, unrecorded).await, AuthError::BadToken);
    assert_eq!(world.session(&tokens).await.revoked_because, Some(RevokedBecause::PasswordChanged));
    assert_eq!(world.subjects(), ["Your password was changed"]);
    // Locked out before, not any more.
    done(world.log_in("a new long password").await);
    world.accounts.forgot_password(EMAIL).await.unwrap();
    let late = world.token();
    world.system.clock.advance(Duration::from_secs(60 * 60));
    refused!(world.accounts.reset_password(&late, &new, unrecorded).await, AuthError::BadToken);
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (here, there) = (world.tokens().await, world.tokens().await);
    let (old, new) = (secret(PASSWORD), secret("a new long password"));
    let change = async |current: &SecretString| {
        world.accounts.change_password(account, Some(here.session), current, &new).await
    };
    refused!(change(&new).await, AuthError::BadCredentials);
    change(&old).await.unwrap();
    assert!(world.session(&here).await.revoked_at.is_none());
    assert_eq!(world.session(&there).await.revoked_because, Some(RevokedBecause::PasswordChanged));
    refused!(world.log_in(PASSWORD).await, AuthError::BadCredentials);
}

#[tokio::test]
async fn a_new_device_is_told_of_and_a_known_one_is_not() {
    let world = World::new().await;
    let account = world.somebody().await;
    world.tokens().await;
    world.tokens().await;
    assert!(world.subjects().is_empty());
    let windows = origin("Firefox/1 Windows");
    done(world.accounts.log_in(EMAIL, &secret(PASSWORD), &windows, unrecorded).await);
    let mails = world.outbox.take();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("Firefox on Windows"), "{}", mails[0].text);
    let devices = world.system.store.platform_collection::<Device>();
    assert_eq!(devices.count_documents(doc! { "accountId": account }).await.unwrap(), 2);
}

#[tokio::test]
async fn nothing_secret_is_in_the_database() {
    let world = World::new().await;
    let account = world.somebody().await;
    let tokens = world.tokens().await;
    let (factor, codes) = world.factor(account).await;
    world.accounts.forgot_password(EMAIL).await.unwrap();
    let link = world.token();
    let mut dump = String::new();
    for name in ["accounts", "credentials", "devices", "login_sessions", "platform_secrets"] {
        let collection = world.system.store.platform().collection::<bson::Document>(name);
        let mut all = collection.find(doc! {}).await.unwrap();
        while all.advance().await.unwrap() {
            dump.push_str(&all.deserialize_current().unwrap().to_string());
        }
    }
    let canaries = [
        PASSWORD.to_owned(),
        factor.expose_secret().to_owned(),
        codes[0].expose_secret().to_owned(),
        codes[0].expose_secret().replace('-', ""),
        secret_part(&link).to_owned(),
        secret_part(tokens.refresh.expose_secret()).to_owned(),
        tokens.access.text.expose_secret().to_owned(),
    ];
    assert!(dump.contains("somebody@example.com"));
    for canary in canaries {
        assert!(!dump.contains(&canary), "{canary}");
    }
}

#[tokio::test]
async fn a_log_in_that_a_new_password_overtakes_is_none() {
    let world = World::new().await;
    let account = world.somebody().await;
    // After the old password was found right, and before there is a session.
    let overtaken = async |_| {
        let (old, new) = (secret(PASSWORD), secret("a new long password"));
        world.accounts.change_password(account, None, &old, &new).await
    };
    let log_in = world.accounts.log_in(EMAIL, &secret(PASSWORD), &origin("Firefox/1 Linux"), overtaken).await;
    refused!(log_in, AuthError::BadCredentials);
    let sessions = world.system.store.platform_collection::<LoginSession>();
    let open = doc! { "accountId": account, "revokedAt": null };
    assert_eq!(sessions.count_documents(open).await.unwrap(), 0);
}
