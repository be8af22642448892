//! Logging in by who one is elsewhere.

use std::time::Duration;

use bson::doc;
use matome_domain::clock::Timestamp;
use matome_store::entities::{Account, AccountStatus, Credentials, Identity, UsedIdToken};
use matome_store::{Id, StoreError};

use super::log_in::LogIn;
use super::session::Origin;
use super::{Accounts, AuthError};
use crate::auth::access_token::Amr;
use crate::auth::external::{ExternalError, ExternalIdentity, signed_part};
use crate::auth::line_login;
use crate::auth::mac::Purpose;

/// For so long after its end a used ID token is remembered: the issuer's clock may be behind ours.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// The end of 9999: nothing later is a date everywhere.
const LATEST: Timestamp = Timestamp(253_402_300_799_999);

impl Accounts {
    /// Who an ID token of a provider (`line`, or a name of `OIDC_ISSUERS`) is of. It is taken once, whatever
    /// comes of it: of several who show the same one, one goes on.
    ///
    /// # Errors
    /// [`ExternalError`], [`StoreError`].
    pub async fn take_id_token(
        &self,
        provider: &str,
        id_token: &str,
        nonce: Option<&str>,
    ) -> Result<ExternalIdentity, AuthError> {
        let signed = signed_part(id_token)?;
        let identity = self.verify_id_token(provider, id_token, nonce).await?;
        let named = format!("{} {signed}", identity.issuer);
        let id = self.vault.secrets().await?.mac.tag(Purpose::IdToken, &named).into();
        let until = identity.expires_at.plus(REMEMBERED).min(LATEST);
        let used = UsedIdToken { id, expires_at: until.into(), created_at: self.now().1 };
        let tokens = self.store.platform_collection::<UsedIdToken>();
        match tokens.insert_one(&used).await.map_err(StoreError::from) {
            Ok(_) => Ok(identity),
            Err(error) if error.is_duplicate() => Err(ExternalError::Refused("it was used before").into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn verify_id_token(
        &self,
        provider: &str,
        id_token: &str,
        nonce: Option<&str>,
    ) -> Result<ExternalIdentity, ExternalError> {
        if provider != line_login::PROVIDER {
            return self.oidc.verify(provider, id_token, nonce).await;
        }
        let line = self.line.as_ref().ok_or(ExternalError::UnknownProvider)?;
        line.verify(id_token, nonce).await
    }

    /// Logs in the account that is linked with the identity; or, where none is, the one whose verified
    /// address the issuer has verified too, which is linked then, unless it runs the platform. A second
    /// factor is asked for as with a password. `begins` is told whose account it is before anything changes.
    ///
    /// # Errors
    /// [`AuthError::NotLinked`], [`AuthError::Closed`]; what `begins` fails with.
    pub async fn log_in_by_identity(
        &self,
        identity: &ExternalIdentity,
        origin: &Origin,
        begins: impl AsyncFnOnce(Id) -> Result<(), AuthError>,
    ) -> Result<LogIn, AuthError> {
        let linked = self.store.account_by_identity(&identity.issuer, &identity.subject).await?;
        let is_linked = linked.is_some();
        let account = match linked {
            Some(account) => account,
            None => self.to_link_by_email(identity).await?,
        };
        if !account.is_active() {
            return Err(AuthError::Closed);
        }
        begins(account.id).await?;
        if !is_linked {
            self.link_identity(account.id, identity).await?;
        }
        let amr = if identity.provider == line_login::PROVIDER { Amr::Line } else { Amr::Oidc };
        let credentials = self.credentials().find_one(doc! { "_id": account.id }).await?;
        if credentials.as_ref().is_some_and(|credentials| credentials.totp.is_some()) {
            return Box::pin(self.challenge(account.id, amr)).await;
        }
        Box::pin(self.open_session(&account, credentials.as_ref(), &[amr], origin)).await.map(LogIn::Done)
    }

    /// The account that an identity which is not linked yet may be linked with by its address.
    async fn to_link_by_email(&self, identity: &ExternalIdentity) -> Result<Account, AuthError> {
        let email = identity.email.as_deref().filter(|_| identity.email_verified);
        let email = email.ok_or(AuthError::NotLinked)?;
        let account = self.store.account_by_email(email).await?.ok_or(AuthError::NotLinked)?;
        // An address that nobody answered at may have been registered by somebody else.
        if !account.email_verified || account.status != AccountStatus::Active {
            return Err(AuthError::NotLinked);
        }
        // Whoever runs the platform links it themselves: no other issuer decides who that is.
        if account.platform_role.is_some() {
            return Err(AuthError::NotLinked);
        }
        Ok(account)
    }

    /// Links an identity with an account whose owner is logged in. A second time changes nothing.
    ///
    /// # Errors
    /// [`AuthError::LinkedElsewhere`], [`AuthError::NoAccount`].
    pub async fn link_identity(&self, account: Id, identity: &ExternalIdentity) -> Result<(), AuthError> {
        let (_, at) = self.now();
        if let Some(holder) = self.store.account_by_identity(&identity.issuer, &identity.subject).await? {
            return if holder.id == account { Ok(()) } else { Err(AuthError::LinkedElsewhere) };
        }
        let link = Identity {
            provider: identity.provider.clone(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            linked_at: at,
        };
        // An account cannot meet its own entry in the unique index: two at once are told apart here.
        let same = doc! { "$elemMatch": { "issuer": &link.issuer, "subject": &link.subject } };
        let filter = doc! { "_id": account, "identities": { "$not": same } };
        let update = doc! {
            "$push": { "identities": matome_store::value::to_bson(&link)? },
            "$set": { "updatedAt": at },
            "$inc": { "__v": 1_i64 },
        };
        match self.accounts().update_one(filter, update).await.map_err(StoreError::from) {
            Ok(done) if done.matched_count == 1 => Ok(()),
            Ok(_) => self.account(account).await.map(|_| ()),
            Err(error) if error.is_duplicate() => Err(AuthError::LinkedElsewhere),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a link away; whether there was one. The last way in stays: without a password or another
    /// identity nothing is taken.
    ///
    /// # Errors
    /// [`AuthError::NoAccount`], [`AuthError::LastWayIn`].
    pub async fn unlink_identity(&self, account: Id, provider: &str) -> Result<bool, AuthError> {
        let found = self.account(account).await?;
        if found.identities.iter().all(|identity| identity.provider != provider) {
            return Ok(false);
        }
        let others = found.identities.iter().any(|identity| identity.provider != provider);
        let credentials: Credentials = self.credentials_of(account).await?;
        if !others && credentials.password_hash.is_none() {
            return Err(AuthError::LastWayIn);
        }
        let update = doc! {
            "$pull": { "identities": { "provider": provider } },
            "$set": { "updatedAt": self.now().1 },
            "$inc": { "__v": 1_i64 },
        };
        let filter = doc! { "_id": account, "__v": found.version };
        Ok(self.accounts().update_one(filter, update).await?.matched_count == 1)
    }
}
