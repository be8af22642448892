//! The second factor: setting it up, showing it, giving it up.

use bson::doc;
use matome_store::Id;
use matome_store::entities::{Credentials, RevokedBecause, Totp};
use secrecy::{ExposeSecret, SecretString};

use super::log_in::Proof;
use super::{Accounts, AuthError, totp_field};
use crate::auth::access_token::Amr;
use crate::auth::{recovery_code, totp};

/// A second factor that is being set up; shown once.
#[derive(Debug)]
pub struct SecondFactor {
    /// Base32, for typing in.
    pub secret: SecretString,
    /// `otpauth://…`, for a QR code.
    pub uri: SecretString,
}

/// Recovery codes; shown once.
#[derive(Debug)]
pub struct RecoveryCodes(pub Vec<SecretString>);

impl Accounts {
    /// Begins to set up a second factor, against the password of an account that has one: an access token
    /// alone must not lock its owner out. In force when [`Self::confirm_totp`] was given a code of it.
    ///
    /// # Errors
    /// [`AuthError::BadCredentials`], [`AuthError::FactorExists`].
    pub async fn begin_totp(
        &self,
        account: Id,
        password: Option<&SecretString>,
    ) -> Result<SecondFactor, AuthError> {
        self.confirm_password(account, password).await?;
        let account = self.account(account).await?;
        let (_, at) = self.now();
        let made = totp::begin(&*self.random, &account.email)?;
        let secret = self.vault.seal(&totp_field(account.id), &made.secret).await?;
        let pending = Totp { secret, last_step: None, created_at: at };
        let set = doc! { "pendingTotp": matome_store::value::to_bson(&pending)?, "updatedAt": at };
        let filter = doc! { "_id": account.id, "totp": null };
        if self.credentials().update_one(filter, doc! { "$set": set }).await?.matched_count == 0 {
            self.credentials_of(account.id).await?;
            return Err(AuthError::FactorExists);
        }
        Ok(SecondFactor { secret: made.secret, uri: made.uri })
    }

    /// Puts the second factor in force; other sessions of the account are ended.
    ///
    /// # Errors
    /// [`AuthError::NoFactor`], [`AuthError::BadCode`].
    pub async fn confirm_totp(
        &self,
        account: Id,
        session: Option<Id>,
        code: &SecretString,
    ) -> Result<RecoveryCodes, AuthError> {
        let attempt = self.attempt(account).await?.ok_or(AuthError::BadCode)?;
        let Some(pending) = &attempt.credentials.pending_totp else {
            // Nothing was proved: what failed before still counts.
            self.half_succeeded(&attempt).await?;
            return Err(AuthError::NoFactor);
        };
        let secret = self.vault.unseal(&totp_field(account), &pending.secret).await?;
        let (now, at) = self.now();
        let step = totp::verify(&secret, code.expose_secret(), now, None)?.ok_or(AuthError::BadCode)?;
        let (codes, tags) = self.recovery_codes(account).await?;
        let mut factor = pending.clone();
        factor.last_step = Some(step);
        let update = doc! {
            "$set": {
                "totp": matome_store::value::to_bson(&factor)?, "recoveryCodes": tags, "updatedAt": at,
            },
            "$unset": { "pendingTotp": "" },
            "$inc": { "__v": 1_i64 },
        };
        // The one that the code is of, and no other that was begun in between.
        let filter = doc! { "_id": account, "totp": null, "pendingTotp.secret": &pending.secret };
        if self.credentials().update_one(filter, update).await?.matched_count == 0 {
            return Err(AuthError::NoFactor);
        }
        self.succeeded(&attempt).await?;
        self.note_factor(account, true).await?;
        self.revoke_sessions(account, session, RevokedBecause::FactorChanged).await?;
        if let Some(session) = session {
            // Whoever set it up has just shown it.
            let shown = doc! { "$addToSet": { "amr": Amr::Otp.as_str() }, "$set": { "updatedAt": at } };
            self.sessions().update_one(doc! { "_id": session, "accountId": account }, shown).await?;
        }
        Ok(codes)
    }

    /// Gives the second factor up, against a last proof of it and, of an account that has one, the password;
    /// other sessions are ended, and `session` counts no more as opened with a second factor.
    ///
    /// # Errors
    /// [`AuthError::NoFactor`], [`AuthError::BadCredentials`], [`AuthError::BadCode`].
    pub async fn disable_totp(
        &self,
        account: Id,
        session: Option<Id>,
        password: Option<&SecretString>,
        proof: &Proof,
    ) -> Result<(), AuthError> {
        self.confirm_password(account, password).await?;
        self.prove_again(account, proof).await?;
        let (_, at) = self.now();
        let gone = doc! { "totp": "", "pendingTotp": "", "recoveryCodes": "", "mfaChallenge": "" };
        let update = doc! { "$unset": gone, "$set": { "updatedAt": at }, "$inc": { "__v": 1_i64 } };
        self.credentials().update_one(doc! { "_id": account }, update).await?;
        self.note_factor(account, false).await?;
        self.revoke_sessions(account, session, RevokedBecause::FactorChanged).await?;
        // The session that stays is from now on one of an account without a factor.
        let no_more = doc! { "$pull": { "amr": Amr::Otp.as_str() }, "$set": { "updatedAt": at } };
        self.sessions().update_one(doc! { "_id": session, "accountId": account }, no_more).await?;
        Ok(())
    }

    /// New recovery codes in place of those that are left, against a proof of the second factor.
    ///
    /// # Errors
    /// [`AuthError::NoFactor`], [`AuthError::BadCode`].
    pub async fn new_recovery_codes(&self, account: Id, proof: &Proof) -> Result<RecoveryCodes, AuthError> {
        self.prove_again(account, proof).await?;
        let (codes, tags) = self.recovery_codes(account).await?;
        let set = doc! { "recoveryCodes": tags, "updatedAt": self.now().1 };
        let update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
        self.credentials().update_one(doc! { "_id": account }, update).await?;
        Ok(codes)
    }

    /// Takes a proof of the second factor, once. With the tag of a challenge, that is used up as well.
    pub(super) async fn prove(
        &self,
        credentials: &Credentials,
        proof: &Proof,
        challenge: Option<&str>,
    ) -> Result<(), AuthError> {
        let factor = credentials.totp.as_ref().ok_or(AuthError::NoFactor)?;
        let (id, (now, at)) = (credentials.id, self.now());
        let (mut filter, mut update) = match proof {
            Proof::Totp(code) => {
                let secret = self.vault.unseal(&totp_field(id), &factor.secret).await?;
                let step = totp::verify(&secret, code.expose_secret(), now, factor.last_step)?;
                let step = step.ok_or(AuthError::BadCode)?;
                let unused = doc! { "$not": { "$gte": step } };
                (
                    doc! { "totp.secret": &factor.secret, "totp.lastStep": unused },
                    doc! { "$set": { "totp.lastStep": step, "updatedAt": at } },
                )
            }
            Proof::Recovery(code) => {
                let mac = &self.vault.secrets().await?.mac;
                let tag = recovery_code::tag(mac, id, code.expose_secret()).ok_or(AuthError::BadCode)?;
                (
                    doc! { "recoveryCodes": tag.as_str() },
                    doc! { "$pull": { "recoveryCodes": tag.as_str() }, "$set": { "updatedAt": at } },
                )
            }
        };
        filter.insert("_id", id);
        if let Some(challenge) = challenge {
            filter.insert("mfaChallenge.tag", challenge);
            update.insert("$unset", doc! { "mfaChallenge": "" });
        }
        let taken = self.credentials().update_one(filter, update).await?.matched_count == 1;
        if taken { Ok(()) } else { Err(AuthError::BadCode) }
    }

    async fn prove_again(&self, account: Id, proof: &Proof) -> Result<(), AuthError> {
        let attempt = self.attempt(account).await?.ok_or(AuthError::BadCode)?;
        if attempt.credentials.totp.is_none() {
            // Nothing was proved: what failed before still counts.
            self.half_succeeded(&attempt).await?;
            return Err(AuthError::NoFactor);
        }
        self.prove(&attempt.credentials, proof, None).await?;
        self.succeeded(&attempt).await
    }

    async fn recovery_codes(&self, account: Id) -> Result<(RecoveryCodes, Vec<String>), AuthError> {
        let secrets = self.vault.secrets().await?;
        let codes = recovery_code::generate(&*self.random);
        let tags = codes.iter().filter_map(|code| recovery_code::tag(&secrets.mac, account, code));
        let tags = tags.map(String::from).collect();
        Ok((RecoveryCodes(codes.iter().map(|code| SecretString::from(code.as_str())).collect()), tags))
    }

    async fn note_factor(&self, account: Id, enabled: bool) -> Result<(), AuthError> {
        let set = doc! { "twoFactorEnabled": enabled, "updatedAt": self.now().1 };
        let update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
        self.accounts().update_one(doc! { "_id": account }, update).await?;
        Ok(())
    }
}
