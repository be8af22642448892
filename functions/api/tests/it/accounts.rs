//! Accounts from registering to logging out, on a real MongoDB.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use matome_api::auth::access_token::{AccessTokens, Amr, BadToken};
use matome_api::auth::accounts::{LogIn, Origin, Parts, Proof, Registration, Tokens};
use matome_api::auth::external::ExternalIdentity;
use matome_api::auth::line_login::LineLogin;
use matome_api::auth::mail::{Mail, Outbox};
use matome_api::auth::oidc::{Issuers, OidcVerifier};
use matome_api::auth::totp;
use matome_api::auth::vault::Vault;
use matome_api::auth::web::Web;
use matome_api::auth::{Accounts, AuthError};
use matome_api_testing::world::secret_part;
use matome_domain::clock::Clock;
use matome_domain::language::Language;
use matome_line_simulator::login::Login;
use matome_line_simulator::{LineSimulator, NewUser, SimulatorConfig};
use matome_store::Id;
use matome_store::entities::{Account, Credentials, Device, LoginSession, PlatformSecret, RevokedBecause};
use matome_testing::TestSystem;
use secrecy::{ExposeSecret, SecretString};

const EMAIL: &str = "Somebody@Example.com";
const PASSWORD: &str = "correct horse battery";

/// Nobody keeps a record here; `tests/it/begun.rs` looks at that.
async fn unrecorded(_: Id) -> Result<(), AuthError> {
    Ok(())
}

struct World {
    system: TestSystem,
    accounts: Accounts,
    outbox: Outbox,
}

impl World {
    async fn new() -> Self {
        let system = TestSystem::start().await;
        let (accounts, outbox) = accounts(&system, None);
        Self { system, accounts, outbox }
    }

    /// Registers and verifies; returns the account.
    async fn somebody(&self) -> Id {
        self.register(EMAIL, PASSWORD).await;
        self.verify(&self.token(), PASSWORD).await.unwrap()
    }

    async fn verify(&self, token: &str, password: &str) -> Result<Id, AuthError> {
        self.accounts.verify_email(token, &secret(password), unrecorded).await
    }

    async fn register(&self, email: &str, password: &str) {
        let (password, language) = (secret(password), Language::En);
        let registration = Registration { email, name: "Some Body", password: &password, language };
        self.accounts.register(&registration, unrecorded).await.unwrap();
    }

    /// The token in the only mail that was sent.
    fn token(&self) -> String {
        let mails = self.outbox.take();
        assert_eq!(mails.len(), 1);
        let (_, token) = mails[0].text.split_once("#token=").unwrap();
        token.split_whitespace().next().unwrap().to_owned()
    }

    fn subjects(&self) -> Vec<String> {
        self.outbox.take().into_iter().map(|mail| mail.subject).collect()
    }

    async fn log_in(&self, password: &str) -> Result<LogIn, AuthError> {
        self.accounts.log_in(EMAIL, &secret(password), &origin("Firefox/1 Linux"), unrecorded).await
    }

    async fn tokens(&self) -> Tokens {
        done(self.log_in(PASSWORD).await)
    }

    async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, AuthError> {
        self.accounts.refresh(tokens.refresh.expose_secret(), &Origin::default()).await
    }

    async fn session(&self, tokens: &Tokens) -> LoginSession {
        let sessions = self.system.store.platform_collection::<LoginSession>();
        sessions.find_one(doc! { "_id": tokens.session }).await.unwrap().unwrap()
    }

    async fn account(&self, id: Id) -> Account {
        let accounts = self.system.store.platform_collection::<Account>();
        accounts.find_one(doc! { "_id": id }).await.unwrap().unwrap()
    }

    /// A second factor in force; its secret and recovery codes.
    async fn factor(&self, account: Id) -> (SecretString, Vec<SecretString>) {
        let made = self.accounts.begin_totp(account, Some(&secret(PASSWORD))).await.unwrap();
        let codes = self.accounts.confirm_totp(account, None, &self.code(&made.secret)).await.unwrap();
        // The next step: the code that confirmed is used.
        self.system.clock.advance(Duration::from_secs(30));
        (made.secret, codes.0)
    }

    fn code(&self, factor: &SecretString) -> SecretString {
        totp::code(factor, self.system.clock.now()).unwrap().into()
    }

    async fn challenged(&self) -> String {
        match self.log_in(PASSWORD).await.unwrap() {
            LogIn::SecondFactor { challenge, .. } => challenge.expose_secret().to_owned(),
            LogIn::Done(_) => panic!("no second factor was asked for"),
        }
    }
}

fn accounts(system: &TestSystem, line: Option<LineLogin>) -> (Accounts, Outbox) {
    let (mail, outbox) = Mail::in_memory("https://console.example");
    let clock: Arc<dyn Clock> = system.clock.clone();
    let vault =
        Vault::open(system.store.clone(), system.keys(), Arc::clone(&clock), Arc::clone(&system.random));
    let oidc = OidcVerifier::new(Issuers::default(), Web::new().unwrap(), Arc::clone(&clock));
    let accounts = Accounts::new(Parts {
        store: system.store.clone(),
        vault: Arc::new(vault),
        mail,
        line,
        oidc,
        tokens: AccessTokens::new("https://api.example", "matome"),
        clock,
        random: Arc::clone(&system.random),
    });
    (accounts, outbox)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn origin(agent: &str) -> Origin {
    Origin { ip: Some("192.0.2.1".to_owned()), user_agent: Some(agent.to_owned()), device: None }
}

fn done(answer: Result<LogIn, AuthError>) -> Tokens {
    match answer.unwrap() {
        LogIn::Done(tokens) => tokens,
        LogIn::SecondFactor { .. } => panic!("a second factor was asked for"),
    }
}

macro_rules! refused {
    ($answer:expr, $error:pat) => {
        let answer = $answer;
        assert!(matches!(answer, Err($error)), "{answer:?}");
    };
}

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
async fn a_second_factor_is_asked_for_and_each_code_is_taken_once() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (factor, _) = world.factor(account).await;
    assert!(world.account(account).await.two_factor_enabled);
    let challenge = world.challenged().await;
    let complete = async |challenge: &str, code: SecretString| {
        world.accounts.complete(challenge, &Proof::Totp(code), &Origin::default(), unrecorded).await
    };
    refused!(complete(&challenge, secret("000000")).await, AuthError::BadCode);
    let code = world.code(&factor);
    let tokens = complete(&challenge, code.clone()).await.unwrap();
    assert_eq!(world.session(&tokens).await.amr, ["pwd", "otp"]);
    refused!(complete(&challenge, code.clone()).await, AuthError::BadToken);
    let challenge = world.challenged().await;
    refused!(complete(&challenge, code).await, AuthError::BadCode);
    world.system.clock.advance(Duration::from_secs(5 * 60));
    let code = world.code(&factor);
    refused!(complete(&challenge, code).await, AuthError::BadToken);
}

#[tokio::test]
async fn codes_are_guessed_no_more_than_passwords() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (factor, _) = world.factor(account).await;
    // The right password in between does not begin the count anew.
    for _ in 0..5 {
        let challenge = world.challenged().await;
        let guess = Proof::Totp(secret("000000"));
        refused!(
            world.accounts.complete(&challenge, &guess, &Origin::default(), unrecorded).await,
            AuthError::BadCode
        );
    }
    refused!(world.log_in(PASSWORD).await, AuthError::BadCredentials);
    world.system.clock.advance(Duration::from_secs(60));
    let challenge = world.challenged().await;
    let proof = Proof::Totp(world.code(&factor));
    world.accounts.complete(&challenge, &proof, &Origin::default(), unrecorded).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_factor_once() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (factor, codes) = world.factor(account).await;
    assert_eq!(codes.len(), 10);
    let recover = async |code: &SecretString| {
        let (challenge, proof) = (world.challenged().await, Proof::Recovery(code.clone()));
        world.accounts.complete(&challenge, &proof, &Origin::default(), unrecorded).await
    };
    recover(&codes[0]).await.unwrap();
    refused!(recover(&codes[0]).await, AuthError::BadCode);
    let proof = Proof::Totp(world.code(&factor));
    let new = world.accounts.new_recovery_codes(account, &proof).await.unwrap();
    refused!(recover(&codes[1]).await, AuthError::BadCode);
    recover(&new.0[0]).await.unwrap();
    let proof = Proof::Recovery(new.0[1].clone());
    world.accounts.disable_totp(account, None, Some(&secret(PASSWORD)), &proof).await.unwrap();
    world.tokens().await;
    refused!(
        world.accounts.disable_totp(account, None, Some(&secret(PASSWORD)), &proof).await,
        AuthError::NoFactor
    );
}

#[tokio::test]
async fn a_factor_is_in_force_only_after_a_code_of_it() {
    let world = World::new().await;
    let account = world.somebody().await;
    let tokens = world.tokens().await;
    refused!(world.accounts.confirm_totp(account, None, &secret("000000")).await, AuthError::NoFactor);
    let made = world.accounts.begin_totp(account, Some(&secret(PASSWORD))).await.unwrap();
    refused!(world.accounts.confirm_totp(account, None, &secret("000000")).await, AuthError::BadCode);
    world.tokens().await;
    world.accounts.confirm_totp(account, None, &world.code(&made.secret)).await.unwrap();
    assert_eq!(world.session(&tokens).await.revoked_because, Some(RevokedBecause::FactorChanged));
    refused!(world.accounts.begin_totp(account, Some(&secret(PASSWORD))).await, AuthError::FactorExists);
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
async fn two_processes_that_start_at_once_agree_on_the_keys() {
    let system = TestSystem::start().await;
    let processes: Vec<_> = (0..5).map(|_| accounts(&system, None).0).collect();
    let documents = futures::future::join_all(processes.iter().map(Accounts::jwks)).await;
    let first = documents[0].as_ref().unwrap();
    assert_eq!(first.keys.len(), 2);
    for document in &documents {
        assert_eq!(document.as_ref().unwrap(), first);
    }
    let secrets = system.store.platform_collection::<PlatformSecret>();
    assert_eq!(secrets.count_documents(doc! {}).await.unwrap(), 4);
    assert_eq!(accounts(&system, None).0.jwks().await.unwrap(), *first);
}

#[tokio::test]
async fn keys_are_rotated_and_kms_is_asked_once_in_five_minutes() {
    let system = TestSystem::start().await;
    let (process, _) = accounts(&system, None);
    let before = process.jwks().await.unwrap();
    for _ in 0..50 {
        process.jwks().await.unwrap();
    }
    assert_eq!(system.keys_unwrapped(), 0);
    system.clock.advance(Duration::from_secs(301));
    for _ in 0..50 {
        process.jwks().await.unwrap();
    }
    assert_eq!(system.keys_unwrapped(), 1);
    system.clock.advance(Duration::from_secs(91 * 24 * 60 * 60));
    let after = process.jwks().await.unwrap();
    assert_eq!(after.keys.len(), 2);
    assert_eq!(after.keys[0], before.keys[1]);
    assert_ne!(after.keys[1], before.keys[0]);
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
