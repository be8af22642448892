//! What accounts do: register, log in, stay logged in, change how they prove who they are. Functions over
//! the store and the building blocks beside; one file for each thing that is done. No HTTP.

mod attempt;
mod device;
mod external;
mod factor;
mod invitation;
mod log_in;
mod password;
mod policy;
mod refresh;
mod register;
mod session;

use std::sync::Arc;

use bson::doc;
use bson::oid::ObjectId;
use matome_domain::access::password::PasswordProblem;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::language::Language;
use matome_runtime::aws::Aws;
use matome_runtime::config::{ConfigError, Env};
use matome_runtime::random::Random;
use matome_store::entities::{Account, Credentials, RevokedBecause};
use matome_store::{Id, Store, StoreError, Time};
use secrecy::SecretString;

pub use self::factor::{RecoveryCodes, SecondFactor};
pub use self::invitation::{Joined, Newcomer};
pub use self::log_in::{LogIn, Proof};
pub use self::register::Registration;
pub use self::session::{Origin, Tokens};
use super::access_token::{AccessTokens, BadToken, Claims, IssueError};
use super::external::ExternalError;
use super::jwks::Jwks;
use super::line_login::LineLogin;
use super::mail::{Letter, Mail, MailError};
use super::oidc::{Issuers, OidcVerifier};
use super::password::PasswordFailure;
use super::totp::TotpFailure;
use super::vault::{Vault, VaultError};
use super::web::{Web, WebError};

/// Why something was not done. None tells somebody who is not logged in whether an address has an account.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such account, a wrong password, or too many attempts lately: one answer for all.
    #[error("the e-mail address or the password is wrong, or there were too many attempts")]
    BadCredentials,
    /// A wrong or used code of the second factor, or too many attempts lately.
    #[error("the code is wrong, was used already, or there were too many attempts")]
    BadCode,
    /// A token of a mail or a challenge that is none, is over, or was used.
    #[error("the token is not valid any more")]
    BadToken,
    /// The password was right, and the address is not verified yet.
    #[error("the e-mail address has not been verified yet")]
    NotVerified,
    /// They proved who they are, and the account is closed.
    #[error("the account is closed")]
    Closed,
    /// The password is not taken.
    #[error(transparent)]
    WeakPassword(#[from] PasswordProblem),
    /// The session is over, was ended, or never was.
    #[error("the session is over")]
    SessionOver,
    /// The refresh token was exchanged a moment ago: the other request got the next one.
    #[error("the refresh token was exchanged a moment ago")]
    RefreshRepeated,
    /// The refresh token had been used before; its session, of this account, was ended.
    #[error("the refresh token had been used before, and its session was ended")]
    RefreshReused(Id),
    /// Whoever proved who they are elsewhere has no account here, or none that may be linked.
    #[error("no account is linked with this identity")]
    NotLinked,
    /// The identity is another account's.
    #[error("the identity is linked with another account")]
    LinkedElsewhere,
    /// It is the only way in that the account has.
    #[error("it is the only way to log in that is left")]
    LastWayIn,
    /// An invitation was sent to somebody else than who is signed in.
    #[error("the invitation was sent to another address than that of the account that is signed in")]
    OtherAddress,
    /// An invitation was sent to an address without an account, and none is to be made.
    #[error("the address has no account yet")]
    AccountNeeded,
    /// The plan of the organization has no place for another agent.
    #[error("the organization has as many agents as its plan allows")]
    AgentsLimit,
    /// No second factor is being set up, or none is in force.
    #[error("there is no such second factor")]
    NoFactor,
    /// A second factor is in force already.
    #[error("a second factor is in force already")]
    FactorExists,
    /// The account does not exist any more.
    #[error("there is no such account")]
    NoAccount,
    /// The ID token proves nothing, or its issuer does not answer.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// A mail that the answer depends on was not sent.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// What was about to be changed could not be put on record first.
    #[error("the audit could not be begun")]
    Audit(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// MongoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform's keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// argon2.
    #[error(transparent)]
    Password(#[from] PasswordFailure),
    /// A stored second factor.
    #[error(transparent)]
    Totp(#[from] TotpFailure),
    /// No access token could be signed.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<mongodb::error::Error> for AuthError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What accounts are made of.
pub struct Parts {
    /// The platform's database.
    pub store: Store,
    /// Keys.
    pub vault: Arc<Vault>,
    /// Mails.
    pub mail: Mail,
    /// LINE Login, where the deployment has a channel for it.
    pub line: Option<LineLogin>,
    /// Other issuers.
    pub oidc: OidcVerifier,
    /// Makes and checks access tokens.
    pub tokens: AccessTokens,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Tokens and ids.
    pub random: Arc<dyn Random>,
}

/// See the module.
pub struct Accounts {
    store: Store,
    vault: Arc<Vault>,
    mail: Mail,
    line: Option<LineLogin>,
    oidc: OidcVerifier,
    tokens: AccessTokens,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why the parts could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client.
    #[error(transparent)]
    Web(#[from] WebError),
}

impl Accounts {
    /// Of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, vault, mail, line, oidc, tokens, clock, random } = parts;
        Self { store, vault, mail, line, oidc, tokens, clock, random }
    }

    /// From `EMAIL_FROM`, `CONSOLE_URL`, `LINE_LOGIN_CHANNEL_ID`, `LINE_API_URL` and `OIDC_ISSUERS`, all of
    /// which may be left out.
    ///
    /// # Errors
    /// [`SetupError`] with the setting's name.
    pub fn from_env(
        env: &Env,
        aws: &Aws,
        store: Store,
        vault: Arc<Vault>,
        tokens: AccessTokens,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, SetupError> {
        let web = Web::new()?;
        let issuers: Issuers = env.parsed("OIDC_ISSUERS")?.unwrap_or_default();
        Ok(Self::new(Parts {
            vault,
            store,
            mail: Mail::from_env(env, aws)?,
            line: LineLogin::from_env(env, web.clone())?,
            oidc: OidcVerifier::new(issuers, web, Arc::clone(&clock)),
            tokens,
            clock,
            random,
        }))
    }

    /// The platform's keys, for API keys and invitations.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// For other mails.
    #[must_use]
    pub fn mail(&self) -> &Mail {
        &self.mail
    }

    /// What an access token says, if it is a good one; see [`AccessTokens::verify`]. The caller looks up
    /// whether its session still holds.
    ///
    /// # Errors
    /// [`VaultError`]; inside, [`BadToken`].
    pub async fn verify_access_token(&self, token: &str) -> Result<Result<Claims, BadToken>, VaultError> {
        let secrets = self.vault.secrets().await?;
        Ok(self.tokens.verify(&secrets.signing, token, self.clock.now()))
    }

    /// The public keys.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn jwks(&self) -> Result<Jwks, VaultError> {
        Ok(self.vault.secrets().await?.signing.jwks(self.clock.now()))
    }

    fn now(&self) -> (Timestamp, Time) {
        let now = self.clock.now();
        (now, now.into())
    }

    /// A new id: in time order, and nobody's guess.
    fn id(&self) -> Id {
        let mut bytes = [0; 12];
        self.random.fill(&mut bytes[4..]);
        let seconds = u32::try_from(self.clock.now().0.div_euclid(1000)).unwrap_or(0);
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        Id(ObjectId::from_bytes(bytes))
    }

    fn accounts(&self) -> mongodb::Collection<Account> {
        self.store.platform_collection()
    }

    fn credentials(&self) -> mongodb::Collection<Credentials> {
        self.store.platform_collection()
    }

    async fn account(&self, id: Id) -> Result<Account, AuthError> {
        self.accounts().find_one(doc! { "_id": id }).await?.ok_or(AuthError::NoAccount)
    }

    async fn credentials_of(&self, id: Id) -> Result<Credentials, AuthError> {
        self.credentials().find_one(doc! { "_id": id }).await?.ok_or(AuthError::NoAccount)
    }

    /// Ends sessions of an account, but for one that is to stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_sessions(
        &self,
        account: Id,
        except: Option<Id>,
        because: RevokedBecause,
    ) -> Result<u64, StoreError> {
        self.store.revoke_login_sessions(account, except, because, self.now().1).await
    }

    /// A mail that tells somebody what happened: what happened stays so when it cannot be sent, which is
    /// logged.
    async fn tell(&self, account: &Account, letter: &Letter) {
        if let Err(error) = self.mail.send(&account.email, language(account), letter).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(account.id = %account.id, error, "a mail about an account was not sent");
        }
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts(..)")
    }
}

fn language(account: &Account) -> Language {
    Language::from_tag(&account.language).unwrap_or_default()
}

/// Where a TOTP secret of an account is sealed for.
fn totp_field(account: Id) -> String {
    format!("totp:{account}")
}

/// A secret in hand for a moment.
type Secret = SecretString;
