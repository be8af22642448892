//! Registering and logging in, as somebody does it.

use std::time::Duration;

use matome_api::auth::totp;
use matome_domain::clock::Clock;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::call::Reply;
use crate::world::World;

/// Somebody's address.
pub const EMAIL: &str = "somebody@example.com";
/// Their password.
pub const PASSWORD: &str = "correct horse battery";

impl World {
    /// A POST of JSON, by nobody.
    pub async fn send(&self, path: &str, body: Value) -> Reply {
        self.post(format!("/v1{path}")).json(&body).send().await
    }

    /// The token in the only mail that was sent.
    ///
    /// # Panics
    /// When none was sent, or several.
    #[must_use]
    pub fn mailed(&self) -> String {
        let mails = self.mails.take();
        assert_eq!(mails.len(), 1);
        let (_, token) = mails[0].text.split_once("#token=").expect("a link");
        token.split_whitespace().next().expect("a token").to_owned()
    }

    /// What was sent mails about.
    pub fn subjects(&self) -> Vec<String> {
        self.mails.take().into_iter().map(|mail| mail.subject).collect()
    }

    /// Registers somebody and verifies the address.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn register(&self, email: &str) {
        let body = json!({ "email": email, "name": "Some Body", "password": PASSWORD });
        assert_eq!(self.send("/auth/register", body).await.status, 202);
        let token = self.mailed();
        assert_eq!(
            self.send("/auth/verify-email", json!({ "token": token, "password": PASSWORD })).await.status,
            204
        );
    }

    /// Logs [`EMAIL`] in.
    pub async fn log_in(&self, password: &str) -> Reply {
        self.send("/auth/login", json!({ "email": EMAIL, "password": password })).await
    }

    /// A registered account's tokens.
    pub async fn logged_in(&self) -> Value {
        self.register(EMAIL).await;
        self.log_in(PASSWORD).await.ok()
    }

    /// Refreshes somebody's tokens.
    pub async fn refresh(&self, tokens: &Value) -> Reply {
        self.send("/auth/refresh", json!({ "refreshToken": tokens["refreshToken"] })).await
    }

    /// What the token is answered with on a route for whoever is signed in.
    ///
    /// # Panics
    /// When there is no token.
    pub async fn own(&self, tokens: &Value) -> u16 {
        let token = tokens["accessToken"].as_str().expect("a token");
        self.get("/v1/account").with_token(token).send().await.status.as_u16()
    }

    /// A second factor in force; its secret and recovery codes.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn factor(&self, tokens: &Value) -> (SecretString, Vec<String>) {
        let token = tokens["accessToken"].as_str().expect("a token");
        let begin = self.post("/v1/account/totp").with_token(token);
        let begun = begin.json(&json!({ "password": PASSWORD })).send().await.ok();
        let secret = SecretString::from(begun["secret"].as_str().expect("a secret"));
        let confirm = self.post("/v1/account/totp/confirm").with_token(token);
        let confirmed = confirm.json(&json!({ "code": self.code(&secret) })).send().await.ok();
        let codes = confirmed["recoveryCodes"].as_array().expect("codes");
        // The next step: the code that confirmed is used.
        self.later(30);
        (secret, codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect())
    }

    /// The second factor's code of now.
    ///
    /// # Panics
    /// When it is no factor.
    #[must_use]
    pub fn code(&self, factor: &SecretString) -> String {
        totp::code(factor, self.system.clock.now()).expect("a code")
    }

    /// Lets time pass.
    pub fn later(&self, seconds: u64) {
        self.system.clock.advance(Duration::from_secs(seconds));
    }

    /// Now, as tokens have it.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.system.clock.now().0 / 1_000
    }
}
