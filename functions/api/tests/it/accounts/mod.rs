//! Accounts from registering to logging out, on a real MongoDB.

mod factor;
mod identity;
mod keys;
mod password;

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use matome_api::auth::access_token::{AccessTokens, Amr, BadToken};
use matome_api::auth::accounts::{LogIn, Origin, Parts, Proof, Registration, Tokens};
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

use refused;
