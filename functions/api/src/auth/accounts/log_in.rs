//! Logging in with a password, and with a second factor where there is one.

use bson::doc;
use matome_domain::access::session::MFA_CHALLENGE;
use matome_domain::clock::Timestamp;
use matome_store::entities::{Account, AccountStatus, Credentials, SentToken};
use matome_store::{Id, Time};
use secrecy::SecretString;

use super::attempt::Attempt;
use super::session::{Origin, Tokens};
use super::{Accounts, AuthError};
use crate::auth::access_token::Amr;
use crate::auth::mac::Purpose;
use crate::auth::one_time_token::OneTimeToken;
use crate::auth::password::{self, Compared};

/// What a log-in gives.
#[derive(Debug)]
pub enum LogIn {
    /// A session.
    Done(Tokens),
    /// The second factor is awaited.
    SecondFactor {
        /// To be shown with the code.
        challenge: SecretString,
        /// Until when.
        expires_at: Timestamp,
    },
}

/// A second factor as it is shown.
#[derive(Debug)]
pub enum Proof {
    /// Six digits of an app.
    Totp(SecretString),
    /// A recovery code.
    Recovery(SecretString),
}

impl Accounts {
    /// Logs in with e-mail address and password. `begins` is told whose account it is once the password was
    /// right, and before there is a session or a challenge.
    ///
    /// # Errors
    /// [`AuthError::BadCredentials`]; after the right password [`AuthError::NotVerified`] and
    /// [`AuthError::Closed`]; what `begins` fails with.
    pub async fn log_in(
        &self,
        email: &str,
        password: &SecretString,
        origin: &Origin,
        begins: impl AsyncFnOnce(Id) -> Result<(), AuthError>,
    ) -> Result<LogIn, AuthError> {
        let account = self.store.account_by_email(email).await?;
        let attempt = match &account {
            Some(account) => self.attempt(account.id).await?,
            None => None,
        };
        // Where nothing may be tried, it takes as long as where something is.
        let stored =
            attempt.as_ref().zip(account.as_ref()).and_then(|(a, account)| known(account, &a.credentials));
        let compared = password::compare(stored, password).await?;
        let (Some(account), Some(attempt), Compared::Right { needs_rehash }) = (account, attempt, compared)
        else {
            return Err(AuthError::BadCredentials);
        };
        if needs_rehash {
            let hash = password::hash(&*self.random, password).await?;
            let update = doc! { "$set": { "passwordHash": hash } };
            let old = attempt.credentials.password_hash.as_deref();
            self.credentials().update_one(doc! { "_id": account.id, "passwordHash": old }, update).await?;
        }
        Box::pin(self.proved(&account, &attempt, origin, begins)).await
    }

    /// Goes on after the password was right.
    async fn proved(
        &self,
        account: &Account,
        attempt: &Attempt,
        origin: &Origin,
        begins: impl AsyncFnOnce(Id) -> Result<(), AuthError>,
    ) -> Result<LogIn, AuthError> {
        if account.status == AccountStatus::Pending && account.deleted_at.is_none() {
            self.succeeded(attempt).await?;
            return Err(AuthError::NotVerified);
        }
        if !account.is_active() {
            self.succeeded(attempt).await?;
            return Err(AuthError::Closed);
        }
        begins(account.id).await?;
        if attempt.credentials.totp.is_some() {
            self.half_succeeded(attempt).await?;
            return Box::pin(self.challenge(account.id, Amr::Pwd)).await;
        }
        self.succeeded(attempt).await?;
        Box::pin(self.open_session(account, Some(&attempt.credentials), &[Amr::Pwd], origin))
            .await
            .map(LogIn::Done)
    }

    pub(super) async fn challenge(&self, account: Id, amr: Amr) -> Result<LogIn, AuthError> {
        let (now, at) = self.now();
        let token = OneTimeToken::generate(&*self.random, account);
        let expires_at = now.plus(MFA_CHALLENGE);
        let sent = SentToken {
            tag: token.tag(&self.vault.secrets().await?.mac, Purpose::MfaChallenge).into(),
            email: None,
            amr: vec![amr.as_str().to_owned()],
            expires_at: expires_at.into(),
        };
        let set = doc! { "mfaChallenge": matome_store::value::to_bson(&sent)?, "updatedAt": at };
        self.credentials().update_one(doc! { "_id": account }, doc! { "$set": set }).await?;
        Ok(LogIn::SecondFactor { challenge: token.text().clone(), expires_at })
    }

    /// Completes a log-in with the second factor. A challenge may be tried again until it is over, but for
    /// the lockout. `begins` is told whose account it is before a code is used up.
    ///
    /// # Errors
    /// [`AuthError::BadToken`] for the challenge, [`AuthError::BadCode`] for the code; what `begins` fails with.
    pub async fn complete(
        &self,
        challenge: &str,
        proof: &Proof,
        origin: &Origin,
        begins: impl AsyncFnOnce(Id) -> Result<(), AuthError>,
    ) -> Result<Tokens, AuthError> {
        let token = OneTimeToken::parse(challenge).ok_or(AuthError::BadToken)?;
        let tag = token.tag(&self.vault.secrets().await?.mac, Purpose::MfaChallenge);
        let credentials = self.credentials().find_one(doc! { "_id": token.subject() }).await?;
        let now = self.now().1;
        let waiting = credentials.and_then(|c| c.mfa_challenge);
        let waiting = waiting.filter(|sent| tag.is(&sent.tag) && now < sent.expires_at);
        let waiting = waiting.ok_or(AuthError::BadToken)?;
        let attempt = self.attempt(token.subject()).await?.ok_or(AuthError::BadCode)?;
        begins(token.subject()).await?;
        self.prove(&attempt.credentials, proof, Some(tag.as_str())).await?;
        self.succeeded(&attempt).await?;
        let account = self.account(token.subject()).await?;
        let mut amr: Vec<_> = waiting.amr.iter().filter_map(|amr| Amr::from_text(amr)).collect();
        amr.push(Amr::Otp);
        Box::pin(self.open_session(&account, Some(&attempt.credentials), &amr, origin)).await
    }
}

/// The password that is in force; of an account that is still to be verified, the one that will be: who knows
/// it is told so, and no more. Of several who registered it is the last one: to compare with all of them would
/// take longer, and tell that there are some.
fn known<'a>(account: &Account, credentials: &'a Credentials) -> Option<&'a str> {
    let registered = || credentials.registrations.last().map(|pending| pending.password_hash.as_str());
    let pending = account.status == AccountStatus::Pending;
    credentials.password_hash.as_deref().or_else(|| registered().filter(|_| pending))
}

/// Whether a stored token is the one presented and still in force.
pub(super) fn in_force(sent: Option<&SentToken>, tag: &crate::auth::mac::Tag, now: Time) -> bool {
    sent.is_some_and(|sent| tag.is(&sent.tag) && now < sent.expires_at)
}
