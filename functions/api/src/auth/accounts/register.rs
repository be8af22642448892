//! Getting an account, and showing that its address is one's own.

use std::time::Duration;

use bson::doc;
use matome_domain::access::password::check;
use matome_domain::language::Language;
use matome_store::entities::{Account, AccountStatus, Credentials, SentToken};
use matome_store::{Id, StoreError, Time};
use secrecy::{ExposeSecret, SecretString};

use super::log_in::in_force;
use super::{Accounts, AuthError, Secret, language};
use crate::auth::mac::Purpose;
use crate::auth::mail::Letter;
use crate::auth::one_time_token::OneTimeToken;
use crate::auth::password;

/// For how long the link of a verification mail is good.
const VERIFICATION: Duration = Duration::from_secs(24 * 60 * 60);

/// Who registers.
#[derive(Debug)]
pub struct Registration<'a> {
    /// E-mail address, checked for its form already.
    pub email: &'a str,
    /// Full name.
    pub name: &'a str,
    /// Password.
    pub password: &'a SecretString,
    /// To be addressed in.
    pub language: Language,
}

impl Accounts {
    /// Registers an address and sends it a link to verify it. The answer is the same for an address that
    /// has an account already: that one gets a mail that says so. One that was never verified is registered
    /// anew: only the latest password and the latest link count.
    ///
    /// # Errors
    /// [`AuthError::WeakPassword`], [`AuthError::Mail`].
    pub async fn register(&self, registration: &Registration<'_>) -> Result<(), AuthError> {
        let Registration { email, name, password, language } = registration;
        check(password.expose_secret(), email)?;
        // Before it is known who has the address, so that it takes the same time.
        let hash = password::hash(&*self.random, password).await?;
        let (_, at) = self.now();
        let account = new_account(self.id(), email, name, *language, AccountStatus::Pending, at);
        let credentials = Credentials {
            password_hash: Some(hash),
            password_changed_at: Some(at),
            ..Credentials::new(account.id, at)
        };
        match self.insert_account(&account, &credentials).await {
            Ok(()) => Box::pin(self.send_verification(&account, *language)).await,
            Err(AuthError::Store(error)) if error.is_duplicate() => {
                Box::pin(self.register_again(email, credentials, *language)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn register_again(
        &self,
        email: &str,
        credentials: Credentials,
        language: Language,
    ) -> Result<(), AuthError> {
        // Deleted in between: the next try makes a new one.
        let Some(account) = self.store.account_by_email(email).await? else { return Ok(()) };
        let unverified = account.status == AccountStatus::Pending && !account.email_verified;
        if !unverified || account.deleted_at.is_some() {
            return Ok(self.mail.send(&account.email, language, &Letter::AlreadyRegistered).await?);
        }
        let set = doc! {
            "passwordHash": credentials.password_hash, "passwordChangedAt": credentials.password_changed_at,
            "updatedAt": credentials.updated_at,
        };
        let created = Credentials::new(account.id, credentials.created_at);
        let mut on_insert = matome_store::collection::encode(&created)?;
        for field in ["_id", "updatedAt"] {
            on_insert.remove(field);
        }
        let update = doc! { "$set": set, "$setOnInsert": on_insert };
        self.credentials().update_one(doc! { "_id": account.id }, update).upsert(true).await?;
        self.send_verification(&account, language).await
    }

    /// The account first: its unique address decides. An account whose credentials were not written is
    /// pending and can be registered again.
    pub(super) async fn insert_account(
        &self,
        account: &Account,
        credentials: &Credentials,
    ) -> Result<(), AuthError> {
        self.accounts().insert_one(account).await.map_err(StoreError::from)?;
        self.credentials().insert_one(credentials).await?;
        Ok(())
    }

    async fn send_verification(&self, account: &Account, language: Language) -> Result<(), AuthError> {
        let token = self.keep_token(account, "emailVerification", Purpose::VerifyEmail, VERIFICATION).await?;
        Ok(self.mail.send(&account.email, language, &Letter::VerifyEmail(token)).await?)
    }

    /// Sends the link again to an address that was not verified yet. Says nothing about any other.
    ///
    /// # Errors
    /// [`AuthError::Mail`].
    pub async fn resend_verification(&self, email: &str) -> Result<(), AuthError> {
        let account = self.store.account_by_email(email).await?;
        let account = account.filter(|a| a.status == AccountStatus::Pending && a.deleted_at.is_none());
        match account {
            Some(account) => self.send_verification(&account, language(&account)).await,
            None => Ok(()),
        }
    }

    /// Verifies the address that a link was sent to; whose it is.
    ///
    /// # Errors
    /// [`AuthError::BadToken`].
    pub async fn verify_email(&self, token: &str) -> Result<Id, AuthError> {
        let token = OneTimeToken::parse(token).ok_or(AuthError::BadToken)?;
        let tag = token.tag(&self.vault.secrets().await?.mac, Purpose::VerifyEmail);
        let credentials = self.credentials().find_one(doc! { "_id": token.subject() }).await?;
        let (_, at) = self.now();
        let sent = credentials.and_then(|c| c.email_verification);
        let sent = sent.filter(|sent| in_force(Some(sent), &tag, at)).ok_or(AuthError::BadToken)?;
        // The account before the token: whoever is interrupted between the two opens the link again.
        let accounts = self.accounts();
        let mut filter = doc! { "_id": token.subject(), "email": sent.email, "deletedAt": null };
        let verified = doc! { "$set": { "emailVerified": true, "updatedAt": at }, "$inc": { "__v": 1_i64 } };
        if accounts.update_one(filter.clone(), verified).await?.matched_count == 0 {
            return Err(AuthError::BadToken);
        }
        filter.insert("status", "pending");
        accounts.update_one(filter, doc! { "$set": { "status": "active" } }).await?;
        let used = doc! { "_id": token.subject(), "emailVerification.tag": tag.as_str() };
        self.credentials().update_one(used, doc! { "$unset": { "emailVerification": "" } }).await?;
        Ok(token.subject())
    }

    /// Makes a token of a mail and keeps its tag in a field of the credentials, in place of an earlier one.
    pub(super) async fn keep_token(
        &self,
        account: &Account,
        field: &str,
        purpose: Purpose,
        lifetime: Duration,
    ) -> Result<Secret, AuthError> {
        let (now, at) = self.now();
        let token = OneTimeToken::generate(&*self.random, account.id);
        let sent = SentToken {
            tag: token.tag(&self.vault.secrets().await?.mac, purpose).into(),
            email: Some(account.email.clone()),
            amr: Vec::new(),
            expires_at: now.plus(lifetime).into(),
        };
        let set = doc! { field: matome_store::value::to_bson(&sent)?, "updatedAt": at };
        let done = self.credentials().update_one(doc! { "_id": account.id }, doc! { "$set": set }).await?;
        if done.matched_count == 0 {
            return Err(AuthError::NoAccount);
        }
        Ok(token.text().clone())
    }
}

/// An account as it begins.
pub(super) fn new_account(
    id: Id,
    email: &str,
    name: &str,
    language: Language,
    status: AccountStatus,
    at: Time,
) -> Account {
    Account {
        id,
        email: Account::normalized_email(email),
        email_verified: status == AccountStatus::Active,
        name: name.to_owned(),
        first_name: None,
        last_name: None,
        avatar_url: None,
        phone_number: None,
        phone_verified: false,
        two_factor_enabled: false,
        timezone: "Asia/Bangkok".to_owned(),
        language: language.tag().to_owned(),
        notification_preferences: matome_store::entities::NotificationPreferences::default(),
        platform_role: None,
        identities: Vec::new(),
        status,
        last_login_at: None,
        last_login_ip: None,
        created_at: at,
        updated_at: at,
        deleted_at: None,
        deleted_by: None,
        version: 0,
    }
}
