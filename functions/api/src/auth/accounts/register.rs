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
    /// anew: only the latest link counts, and with it the password that was registered with it.
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
        let credentials = Credentials::new(account.id, at);
        match self.insert_account(&account, &credentials).await {
            Ok(()) => Box::pin(self.send_registration(&account, *language, hash)).await,
            Err(AuthError::Store(error)) if error.is_duplicate() => {
                Box::pin(self.register_again(email, hash, *language)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn register_again(&self, email: &str, hash: String, language: Language) -> Result<(), AuthError> {
        // Deleted in between: the next try makes a new one.
        let Some(account) = self.store.account_by_email(email).await? else { return Ok(()) };
        if !is_unverified(&account) {
            return Ok(self.mail.send(&account.email, language, &Letter::AlreadyRegistered).await?);
        }
        // Those of a registration that was interrupted were never written.
        let mut on_insert = matome_store::collection::encode(&Credentials::new(account.id, self.now().1))?;
        on_insert.remove("_id");
        let update = doc! { "$setOnInsert": on_insert };
        self.credentials().update_one(doc! { "_id": account.id }, update).upsert(true).await?;
        self.send_registration(&account, language, hash).await
    }

    /// Sends the link that puts a password in force. Link and password are written as one, so that no link is
    /// ever of another password than the one that was registered with it.
    async fn send_registration(
        &self,
        account: &Account,
        language: Language,
        hash: String,
    ) -> Result<(), AuthError> {
        let field = "emailVerification";
        let token = self.keep(account, field, Purpose::VerifyEmail, VERIFICATION, Some(hash)).await?;
        Ok(self.mail.send(&account.email, language, &Letter::VerifyEmail(token)).await?)
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

    /// Sends another link for the registration that counts: with its password, if there is one to come.
    async fn send_verification(&self, account: &Account, language: Language) -> Result<(), AuthError> {
        let sent = self.credentials_of(account.id).await?.email_verification;
        let (field, hash) = ("emailVerification", sent.and_then(|sent| sent.password_hash));
        let token = self.keep(account, field, Purpose::VerifyEmail, VERIFICATION, hash).await?;
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
        // The password, the account, the token, in this order: whoever is interrupted in between opens the link
        // again.
        if let Some(hash) = sent.password_hash {
            // The link of a registration that came late is nothing to an account that is in use.
            if !is_unverified(&self.account(token.subject()).await?) {
                return Err(AuthError::BadToken);
            }
            let set = doc! { "passwordHash": hash, "passwordChangedAt": at, "updatedAt": at };
            let its = doc! { "_id": token.subject(), "emailVerification.tag": tag.as_str() };
            if self.credentials().update_one(its, doc! { "$set": set }).await?.matched_count == 0 {
                return Err(AuthError::BadToken);
            }
        }
        let filter = doc! { "_id": token.subject(), "email": sent.email, "deletedAt": null };
        let mut pending = filter.clone();
        pending.insert("status", "pending");
        let verified = |set| doc! { "$set": set, "$inc": { "__v": 1_i64 } };
        let set = doc! { "emailVerified": true, "updatedAt": at };
        let mut opens = set.clone();
        opens.insert("status", "active");
        let accounts = self.accounts();
        if accounts.update_one(pending, verified(opens)).await?.matched_count == 0
            && accounts.update_one(filter, verified(set)).await?.matched_count == 0
        {
            return Err(AuthError::BadToken);
        }
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
        self.keep(account, field, purpose, lifetime, None).await
    }

    /// The same, with the password that comes into force with it.
    async fn keep(
        &self,
        account: &Account,
        field: &str,
        purpose: Purpose,
        lifetime: Duration,
        password_hash: Option<String>,
    ) -> Result<Secret, AuthError> {
        let (now, at) = self.now();
        let token = OneTimeToken::generate(&*self.random, account.id);
        let sent = SentToken {
            tag: token.tag(&self.vault.secrets().await?.mac, purpose).into(),
            email: Some(account.email.clone()),
            amr: Vec::new(),
            password_hash,
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

/// Registered, and nobody has answered at its address yet.
fn is_unverified(account: &Account) -> bool {
    account.status == AccountStatus::Pending && !account.email_verified && account.deleted_at.is_none()
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
