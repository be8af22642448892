//! Getting an account, and showing that its address is one's own.

use std::time::Duration;

use bson::doc;
use matome_domain::access::password::check;
use matome_domain::language::Language;
use matome_store::entities::{Account, AccountStatus, Credentials, PendingRegistration, SentToken};
use matome_store::{Id, StoreError, Time};
use secrecy::{ExposeSecret, SecretString};

use super::log_in::in_force;
use super::{Accounts, AuthError, Secret, language};
use crate::auth::mac::{Purpose, Tag};
use crate::auth::mail::Letter;
use crate::auth::one_time_token::OneTimeToken;
use crate::auth::password::{self, Compared};

/// For how long the link of a verification mail is good.
const VERIFICATION: Duration = Duration::from_secs(24 * 60 * 60);
/// So many registrations of an address that nobody has answered at are kept: the newest.
const MOST_REGISTRATIONS: i32 = 10;

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
    /// has an account already: that one gets a mail that says so. One that was never verified can be registered
    /// by several, none of whom takes anything from another: see [`Self::verify_email`]. `begins` is told which
    /// account it is before it is made or given another registration.
    ///
    /// # Errors
    /// [`AuthError::WeakPassword`], [`AuthError::Mail`]; what `begins` fails with.
    pub async fn register<F: Future<Output = Result<(), AuthError>>>(
        &self,
        registration: &Registration<'_>,
        begins: impl Fn(Id) -> F,
    ) -> Result<(), AuthError> {
        let Registration { email, name, password, language } = registration;
        check(password.expose_secret(), email)?;
        // Before it is known who has the address, so that it takes the same time.
        let hash = password::hash(&*self.random, password).await?;
        let (_, at) = self.now();
        let account = match self.store.account_by_email(email).await? {
            Some(account) => account,
            None => {
                let account = new_account(self.id(), email, name, *language, AccountStatus::Pending, at);
                begins(account.id).await?;
                match self.insert_account(&account, &Credentials::new(account.id, at)).await {
                    Ok(()) => return Box::pin(self.keep_registration(&account, registration, hash)).await,
                    Err(AuthError::Store(error)) if error.is_duplicate() => {
                        // Somebody was faster. Deleted in between: the next try makes a new one.
                        let Some(account) = self.store.account_by_email(email).await? else { return Ok(()) };
                        account
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        if !is_unverified(&account) {
            return Ok(self.mail.send(&account.email, *language, &Letter::AlreadyRegistered).await?);
        }
        begins(account.id).await?;
        Box::pin(self.keep_registration(&account, registration, hash)).await
    }

    /// Keeps a registration and sends its link. Link, password and name are written as one.
    async fn keep_registration(
        &self,
        account: &Account,
        registration: &Registration<'_>,
        password_hash: String,
    ) -> Result<(), AuthError> {
        let (now, at) = self.now();
        let token = OneTimeToken::generate(&*self.random, account.id);
        let pending = PendingRegistration {
            tag: token.tag(&self.vault.secrets().await?.mac, Purpose::VerifyEmail).into(),
            password_hash,
            name: registration.name.to_owned(),
            language: registration.language.tag().to_owned(),
            expires_at: now.plus(VERIFICATION).into(),
        };
        let mut on_insert = matome_store::collection::encode(&Credentials::new(account.id, at))?;
        for field in ["_id", "updatedAt"] {
            on_insert.remove(field);
        }
        let update = doc! {
            "$push": { "registrations": {
                "$each": [matome_store::value::to_bson(&pending)?], "$slice": -MOST_REGISTRATIONS,
            } },
            "$set": { "updatedAt": at },
            // Those of a registration that was interrupted were never written.
            "$setOnInsert": on_insert,
        };
        self.credentials().update_one(doc! { "_id": account.id }, update).upsert(true).await?;
        let letter = Letter::VerifyEmail(token.text().clone());
        Ok(self.mail.send(&account.email, registration.language, &letter).await?)
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

    /// Sends another link to an address that was not verified yet: it is good for whichever of its registrations
    /// has the password that is said with it. Says nothing about any other address.
    ///
    /// # Errors
    /// [`AuthError::Mail`].
    pub async fn resend_verification(&self, email: &str) -> Result<(), AuthError> {
        let account = self.store.account_by_email(email).await?;
        let Some(account) = account.filter(is_unverified) else { return Ok(()) };
        let field = "emailVerification";
        let token = self.keep_token(&account, field, Purpose::VerifyEmail, VERIFICATION).await?;
        Ok(self.mail.send(&account.email, language(&account), &Letter::VerifyEmail(token)).await?)
    }

    /// Verifies the address that a link was sent to, by somebody who says the password that they registered
    /// with; whose it is. Password and name are then those of the link's registration and of no other one: who
    /// opens the link of somebody else's registration does not know its password, and who made that one has no
    /// link.
    ///
    /// `begins` is told whose account it is before anything of it changes.
    ///
    /// # Errors
    /// [`AuthError::BadToken`] for the link and for the password alike; what `begins` fails with.
    pub async fn verify_email(
        &self,
        token: &str,
        password: &SecretString,
        begins: impl AsyncFnOnce(Id) -> Result<(), AuthError>,
    ) -> Result<Id, AuthError> {
        let token = OneTimeToken::parse(token).ok_or(AuthError::BadToken)?;
        let tag = token.tag(&self.vault.secrets().await?.mac, Purpose::VerifyEmail);
        let credentials = self.credentials().find_one(doc! { "_id": token.subject() }).await?;
        let credentials = credentials.ok_or(AuthError::BadToken)?;
        let (_, at) = self.now();
        let candidates = of_link(&credentials, &tag, at);
        let chosen = with_password(candidates, password).await?.ok_or(AuthError::BadToken)?;
        // The link of a registration that came late is nothing to an account that is in use.
        if !is_unverified(&self.account(token.subject()).await?) {
            return Err(AuthError::BadToken);
        }
        begins(token.subject()).await?;
        // The password, the account, the tokens, in this order: whoever is interrupted in between opens the
        // link again.
        let set = doc! { "passwordHash": &chosen.password_hash, "passwordChangedAt": at, "updatedAt": at };
        let its = doc! { "_id": token.subject(), "registrations.tag": &chosen.tag };
        if self.credentials().update_one(its, doc! { "$set": set }).await?.matched_count == 0 {
            return Err(AuthError::BadToken);
        }
        let pending = doc! { "_id": token.subject(), "status": "pending", "deletedAt": null };
        let opens = doc! {
            "name": &chosen.name, "language": &chosen.language, "emailVerified": true, "status": "active",
            "updatedAt": at,
        };
        let update = doc! { "$set": opens, "$inc": { "__v": 1_i64 } };
        if self.accounts().update_one(pending, update).await?.matched_count == 0 {
            return Err(AuthError::BadToken);
        }
        let used = doc! { "$unset": { "registrations": "", "emailVerification": "" } };
        self.credentials().update_one(doc! { "_id": token.subject() }, used).await?;
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

/// The registrations that a link is good for: its own; all of them, the newest first, when it was asked for
/// afterwards.
fn of_link<'a>(credentials: &'a Credentials, tag: &Tag, at: Time) -> Vec<&'a PendingRegistration> {
    let registrations = &credentials.registrations;
    if in_force(credentials.email_verification.as_ref(), tag, at) {
        return registrations.iter().rev().collect();
    }
    registrations.iter().filter(|pending| tag.is(&pending.tag) && at < pending.expires_at).collect()
}

async fn with_password<'a>(
    candidates: Vec<&'a PendingRegistration>,
    password: &SecretString,
) -> Result<Option<&'a PendingRegistration>, AuthError> {
    for candidate in candidates {
        if password::compare(Some(&candidate.password_hash), password).await? != Compared::Wrong {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
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
