//! Becoming a member by an invitation: the invitation is used up and the membership is there, or neither.

use bson::{Document, doc};
use mongodb::ClientSession;

use crate::collection::encode;
use crate::entities::{Invitation, Member};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;
use crate::value::{Id, Time, to_bson};

/// How often a colliding acceptance is tried.
const ATTEMPTS: u32 = 8;

impl Store {
    /// Takes an invitation and makes `member` one. Who is a member already stays as they are; who was one
    /// comes back as the same member, with what the invitation says. The membership's id; `None` when the
    /// invitation was taken, taken back or over by `now`.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then.
    pub async fn accept_invitation(
        &self,
        invitation: &Invitation,
        member: &Member,
        now: Time,
    ) -> Result<Option<Id>, StoreError> {
        let mut attempts = 0;
        loop {
            let mut session = self.client.start_session().await?;
            session.start_transaction().await?;
            let outcome = async {
                let made = self.accept(invitation, member, now, &mut session).await?;
                session.commit_transaction().await?;
                Ok::<_, StoreError>(made)
            };
            match outcome.await {
                Ok(made) => return Ok(made),
                Err(error) => {
                    // The server drops it anyway; the first error is the one that matters.
                    let _ = session.abort_transaction().await;
                    attempts += 1;
                    // Two at once of one account: the other one made the member.
                    let again = error.is_transient() || error.is_duplicate();
                    if !again || attempts >= ATTEMPTS {
                        return Err(error);
                    }
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(4 << attempts)).await;
        }
    }

    async fn accept(
        &self,
        invitation: &Invitation,
        member: &Member,
        now: Time,
        session: &mut ClientSession,
    ) -> Result<Option<Id>, StoreError> {
        let invitations = self.platform().collection::<Document>(Invitation::COLLECTION);
        let open = doc! {
            "_id": invitation.id, "tenantId": &invitation.tenant_id, "tag": &invitation.tag,
            "status": "pending", "expiresAt": { "$gt": now },
        };
        let taken = doc! {
            "status": "accepted", "acceptedAt": now, "acceptedBy": member.account_id, "updatedAt": now,
        };
        let update = doc! { "$set": taken, "$inc": { "__v": 1_i64 } };
        if invitations.update_one(open, update).session(&mut *session).await?.matched_count == 0 {
            return Ok(None);
        }
        let members = self.platform().collection::<Member>(Member::COLLECTION);
        let theirs = doc! { "tenantId": &invitation.tenant_id, "accountId": member.account_id };
        let Some(before) = members.find_one(theirs).session(&mut *session).await? else {
            members.insert_one(member).session(&mut *session).await?;
            return Ok(Some(member.id));
        };
        if before.is_active() {
            return Ok(Some(before.id));
        }
        let mut back = encode(member)?;
        for kept in ["_id", "tenantId", "accountId", "createdAt", "__v"] {
            back.remove(kept);
        }
        back.insert("status", to_bson(&member.status)?);
        let update = doc! {
            "$set": back, "$unset": { "deletedAt": "", "deletedBy": "" }, "$inc": { "__v": 1_i64 },
        };
        members.update_one(doc! { "_id": before.id }, update).session(&mut *session).await?;
        Ok(Some(before.id))
    }
}
