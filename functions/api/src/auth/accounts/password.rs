//! Forgetting, resetting and changing a password.

use std::time::Duration;

use bson::doc;
use matome_domain::access::password::check;
use matome_store::Id;
use matome_store::entities::{AccountStatus, RevokedBecause};
use secrecy::{ExposeSecret, SecretString};

use super::log_in::in_force;
use super::{Accounts, AuthError, language};
use crate::auth::mac::Purpose;
use crate::auth::mail::Letter;
use crate::auth::one_time_token::OneTimeToken;
use crate::auth::password::{self, Compared};

/// For how long the link of a reset mail is good.
const RESET: Duration = Duration::from_secs(60 * 60);

impl Accounts {
    /// Sends a link to choose a new password, if somebody has this address. The answer is the same if not.
    ///
    /// # Errors
    /// [`AuthError::Mail`].
    pub async fn forgot_password(&self, email: &str) -> Result<(), AuthError> {
        let account = self.store.account_by_email(email).await?;
        let open = |status| matches!(status, AccountStatus::Active | AccountStatus::Pending);
        let Some(account) = account.filter(|a| open(a.status) && a.deleted_at.is_none()) else {
            return Ok(());
        };
        let token = self.keep_token(&account, "passwordReset", Purpose::ResetPassword, RESET).await?;
        Ok(self.mail.send(&account.email, language(&account), &Letter::ResetPassword(token)).await?)
    }

    /// Chooses a new password by such a link; whose it is. All sessions are ended, and the address is
    /// verified, for the mail arrived there. A second factor stays. `begins` is told whose account it is
    /// before anything of it changes.
    ///
    /// # Errors
    /// [`AuthError::BadToken`], [`AuthError::WeakPassword`]; what `begins` fails with.
    pub async fn reset_password(
        &self,
        token: &str,
        new: &SecretString,
        begins: impl AsyncFnOnce(Id) -> Result<(), AuthError>,
    ) -> Result<Id, AuthError> {
        let token = OneTimeToken::parse(token).ok_or(AuthError::BadToken)?;
        let tag = token.tag(&self.vault.secrets().await?.mac, Purpose::ResetPassword);
        let (_, at) = self.now();
        let credentials = self.credentials().find_one(doc! { "_id": token.subject() }).await?;
        let sent = credentials.and_then(|c| c.password_reset);
        if !in_force(sent.as_ref(), &tag, at) {
            return Err(AuthError::BadToken);
        }
        let account = self.account(token.subject()).await?;
        check(new.expose_secret(), &account.email)?;
        let hash = password::hash(&*self.random, new).await?;
        begins(account.id).await?;
        let update = doc! {
            "$set": { "passwordHash": hash, "passwordChangedAt": at, "failedAttempts": 0_i64, "updatedAt": at },
            "$unset": {
                "passwordReset": "", "registrations": "", "emailVerification": "", "mfaChallenge": "",
                "lockedUntil": "",
            },
            "$inc": { "__v": 1_i64 },
        };
        let filter = doc! { "_id": account.id, "passwordReset.tag": tag.as_str() };
        if self.credentials().update_one(filter, update).await?.matched_count == 0 {
            return Err(AuthError::BadToken);
        }
        self.revoke_sessions(account.id, None, RevokedBecause::PasswordChanged).await?;
        let email = sent.and_then(|sent| sent.email);
        if email.as_deref() == Some(account.email.as_str()) && !account.email_verified {
            let mut set = doc! { "emailVerified": true, "updatedAt": at };
            if account.status == AccountStatus::Pending {
                set.insert("status", "active");
            }
            let update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
            self.accounts().update_one(doc! { "_id": account.id, "email": email }, update).await?;
        }
        self.tell(&account, &Letter::PasswordChanged).await;
        Ok(account.id)
    }

    /// Asks for the password once more, of an account that has one.
    ///
    /// # Errors
    /// [`AuthError::BadCredentials`], [`AuthError::NoAccount`].
    pub async fn confirm_password(&self, account: Id, given: Option<&SecretString>) -> Result<(), AuthError> {
        if self.credentials_of(account).await?.password_hash.is_none() {
            return Ok(());
        }
        let given = given.ok_or(AuthError::BadCredentials)?;
        let attempt = self.attempt(account).await?;
        let stored = attempt.as_ref().and_then(|a| a.credentials.password_hash.as_deref());
        let compared = password::compare(stored, given).await?;
        match (attempt, compared) {
            // A second factor is still awaited.
            (Some(attempt), Compared::Right { .. }) => self.half_succeeded(&attempt).await,
            _ => Err(AuthError::BadCredentials),
        }
    }

    /// Changes the password of somebody who is logged in and knows the one in force. Other sessions are
    /// ended.
    ///
    /// # Errors
    /// [`AuthError::BadCredentials`], [`AuthError::WeakPassword`].
    pub async fn change_password(
        &self,
        account: Id,
        session: Option<Id>,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<(), AuthError> {
        let account = self.account(account).await?;
        check(new.expose_secret(), &account.email)?;
        let attempt = self.attempt(account.id).await?;
        let stored = attempt.as_ref().and_then(|a| a.credentials.password_hash.clone());
        let compared = password::compare(stored.as_deref(), current).await?;
        let (Some(attempt), Compared::Right { .. }) = (attempt, compared) else {
            return Err(AuthError::BadCredentials);
        };
        let (_, at) = self.now();
        let hash = password::hash(&*self.random, new).await?;
        let update = doc! {
            "$set": { "passwordHash": hash, "passwordChangedAt": at, "updatedAt": at },
            "$unset": { "passwordReset": "", "mfaChallenge": "" },
            "$inc": { "__v": 1_i64 },
        };
        let filter = doc! { "_id": account.id, "passwordHash": stored };
        if self.credentials().update_one(filter, update).await?.matched_count == 0 {
            return Err(AuthError::BadCredentials);
        }
        if attempt.credentials.totp.is_some() {
            // Not the second factor: wrong codes before it still count.
            self.half_succeeded(&attempt).await?;
        } else {
            self.succeeded(&attempt).await?;
        }
        self.revoke_sessions(account.id, session, RevokedBecause::PasswordChanged).await?;
        self.tell(&account, &Letter::PasswordChanged).await;
        Ok(())
    }
}
