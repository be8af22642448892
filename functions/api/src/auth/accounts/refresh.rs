//! Staying logged in.

use bson::doc;
use matome_store::entities::{LoginSession, RevokedBecause};
use mongodb::options::ReturnDocument;

use super::session::{Origin, Tokens};
use super::{Accounts, AuthError};
use crate::auth::refresh_token::{Known, RefreshToken, Rotation, decide};

impl Accounts {
    /// Exchanges a refresh token for the next one and an access token. One that had been used before ends
    /// its session.
    ///
    /// # Errors
    /// [`AuthError::SessionOver`], [`AuthError::RefreshRepeated`], [`AuthError::RefreshReused`].
    pub async fn refresh(&self, presented: &str, origin: &Origin) -> Result<Tokens, AuthError> {
        let presented = RefreshToken::parse(presented).ok_or(AuthError::SessionOver)?;
        let tag = presented.tag(&self.vault.secrets().await?.mac);
        let found = self.sessions().find_one(doc! { "_id": presented.session() }).await?;
        let session = self.still_held(found)?;
        match self.rotate(&session, &tag, origin).await? {
            Some(tokens) => Ok(tokens),
            // Another request was faster: what is in force now decides.
            None => {
                let found = self.sessions().find_one(doc! { "_id": session.id }).await?;
                let session = self.still_held(found)?;
                self.rotate(&session, &tag, origin).await?.ok_or(AuthError::RefreshRepeated)
            }
        }
    }

    /// Logs out by refresh token: whoever has it may end its session, however often. A token that was
    /// replaced ends the session as well.
    ///
    /// # Errors
    /// [`AuthError::SessionOver`] when it is not a token of a session that holds.
    pub async fn log_out(&self, presented: &str) -> Result<(), AuthError> {
        let presented = RefreshToken::parse(presented).ok_or(AuthError::SessionOver)?;
        let tag = presented.tag(&self.vault.secrets().await?.mac);
        let found = self.sessions().find_one(doc! { "_id": presented.session() }).await?;
        let session = self.still_held(found)?;
        let its = tag.is(&session.refresh_tag) || session.previous_tag.as_deref().is_some_and(|p| tag.is(p));
        if !its {
            return Err(AuthError::SessionOver);
        }
        self.revoke_session(session.account_id, session.id, RevokedBecause::LoggedOut).await?;
        Ok(())
    }

    fn still_held(&self, found: Option<LoginSession>) -> Result<LoginSession, AuthError> {
        found.filter(|session| session.is_live(self.now().1)).ok_or(AuthError::SessionOver)
    }

    /// `None` when another request changed the session in between.
    async fn rotate(
        &self,
        session: &LoginSession,
        tag: &crate::auth::mac::Tag,
        origin: &Origin,
    ) -> Result<Option<Tokens>, AuthError> {
        let (now, at) = self.now();
        let known = Known {
            current: &session.refresh_tag,
            previous: session.previous_tag.as_deref(),
            rotated_at: session.rotated_at.into(),
        };
        match decide(tag, known, now) {
            Rotation::Rotate => {}
            Rotation::Repeated => return Err(AuthError::RefreshRepeated),
            Rotation::Reused => {
                self.revoke_session(session.account_id, session.id, RevokedBecause::Reused).await?;
                tracing::warn!(
                    account.id = %session.account_id, session.id = %session.id,
                    "a refresh token was used twice: its session was ended"
                );
                return Err(AuthError::RefreshReused(session.account_id));
            }
        }
        let account = self.accounts().find_one(doc! { "_id": session.account_id }).await?;
        if !account.is_some_and(|account| account.is_active()) {
            return Err(AuthError::SessionOver);
        }
        // As the organizations want it now; they may not have when the session began.
        let lifetimes = self.lifetimes(session.account_id).await?;
        let began = session.created_at.into();
        if lifetimes.is_over(began, session.last_used_at.into(), now) {
            self.revoke_session(session.account_id, session.id, RevokedBecause::Expired).await?;
            return Err(AuthError::SessionOver);
        }
        let next = RefreshToken::generate(&*self.random, session.id);
        let expires_at = lifetimes.ends_at(began, now);
        let mut set = doc! {
            "refreshTag": String::from(next.tag(&self.vault.secrets().await?.mac)),
            "previousTag": &session.refresh_tag,
            "rotatedAt": at, "lastUsedAt": at, "updatedAt": at,
            "expiresAt": matome_store::Time::from(expires_at),
        };
        if let Some(ip) = &origin.ip {
            set.insert("ip", ip);
        }
        let filter = doc! { "_id": session.id, "refreshTag": &session.refresh_tag, "revokedAt": null };
        let update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
        let sessions = self.sessions();
        let action = sessions.find_one_and_update(filter, update);
        let Some(session) = action.return_document(ReturnDocument::After).await? else { return Ok(None) };
        let access = self.access_token(&session, now).await?;
        let (account, session) = (session.account_id, session.id);
        Ok(Some(Tokens { account, session, access, refresh: next.text().clone(), expires_at }))
    }
}
