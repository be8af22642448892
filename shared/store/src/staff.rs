//! Changing who is staff of an organization, so that its limits hold exactly however many do so at once:
//! agents ([`matome_domain::limits::Limit::Agents`]), members over all organizations of an owner, and that an
//! organization keeps an owner.
//!
//! A count alone proves nothing: two who both find one seat left both take it. So every change begins by
//! writing [`TURN`] into the organization, on which two transactions collide; one of them is then tried again
//! and counts what the other one did.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::TenantId;
use matome_domain::limits::Limit;
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;

use crate::collection::encode;
use crate::entities::{Invitation, Member, Organization, Owner};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::exposed::Shown;
use crate::id::derived;
use crate::scope::{TENANT, check_document};
use crate::store::Store;
use crate::value::{Id, Time};

/// What is counted up to collide on, in organizations and owners. Nobody reads it, and it is no part of
/// either: neither's version follows it.
const TURN: &str = "staffTurn";
/// How often a change that others were faster than is tried in all: a few seconds.
const ATTEMPTS: u32 = 60;

/// A member before and after; none before when there was none.
#[derive(Debug)]
pub struct Staffed {
    /// Before.
    pub before: Option<Shown<Member>>,
    /// After.
    pub after: Shown<Member>,
}

/// Why staff was not changed. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum StaffError<R> {
    /// Whoever wants the change does not, after all.
    #[error("refused")]
    Refused(R),
    /// The organization has as many who answer as it may have.
    #[error("the organization may have {0} members who answer")]
    AgentsFull(u64),
    /// The owner has as many members over all organizations as the plan allows.
    #[error("the owner may have {0} members over all organizations")]
    MembersFull(u64),
    /// Nobody would be left to answer for the organization.
    #[error("an organization keeps an owner")]
    LastOwner,
    /// Somebody has the invitation already, or it was taken back.
    #[error("the invitation is not open any more")]
    InvitationGone,
    /// There is no such organization.
    #[error("there is no such organization")]
    NoOrganization,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<R> From<mongodb::error::Error> for StaffError<R> {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Whom a change is about.
#[derive(Debug, Clone, Copy)]
pub enum Whom {
    /// The member with this id.
    Member(ObjectId),
    /// The account, whether it is a member already, was one, or never was, that accepts an invitation.
    Invited {
        /// Whose account.
        account: Id,
        /// The invitation, which is used up with it.
        invitation: Id,
    },
}

impl Whom {
    fn filter(self, tenant: &TenantId) -> Document {
        match self {
            Self::Member(id) => doc! { "_id": id, TENANT: tenant.as_str() },
            Self::Invited { account, .. } => doc! { TENANT: tenant.as_str(), "accountId": account },
        }
    }

    fn pause(self, attempts: u32) -> Duration {
        let id = match self {
            Self::Member(id) => id,
            Self::Invited { invitation, .. } => invitation.into(),
        };
        let [a, b, ..] = derived(&["pause", &id.to_hex(), &attempts.to_string()]).bytes();
        let most = u64::from(attempts.min(12)) * 8;
        Duration::from_millis(u64::from(u16::from_be_bytes([a, b])) % (most + 1))
    }
}

impl Store {
    /// Makes `decide`'s member of the one that is there; its version and `updatedAt` follow by themselves.
    /// `decide` runs again when others were faster, with the member as it is by then.
    ///
    /// # Errors
    /// [`StaffError`].
    pub async fn change_staff<R: Send>(
        &self,
        tenant: &TenantId,
        whom: Whom,
        now: Time,
        decide: impl Fn(Option<&Member>) -> Result<Member, R> + Send + Sync,
    ) -> Result<Staffed, StaffError<R>> {
        let mut attempts = 0;
        loop {
            let mut session = self.client.start_session().await?;
            session.start_transaction().await?;
            let outcome = match self.turn(&mut session, tenant, whom, now, &decide).await {
                Ok(staffed) => session.commit_transaction().await.map(|()| staffed).map_err(StaffError::from),
                Err(error) => {
                    // The server drops it anyway; the first error is the one that matters.
                    let _ = session.abort_transaction().await;
                    Err(error)
                }
            };
            let error = match outcome {
                Err(StaffError::Store(error)) if error.is_transient() => error,
                settled => return settled,
            };
            attempts += 1;
            if attempts >= ATTEMPTS {
                return Err(StoreError::Contended { attempts, last: Box::new(error) }.into());
            }
            tokio::time::sleep(whom.pause(attempts)).await;
        }
    }

    async fn turn<R>(
        &self,
        session: &mut ClientSession,
        tenant: &TenantId,
        whom: Whom,
        now: Time,
        decide: &impl Fn(Option<&Member>) -> Result<Member, R>,
    ) -> Result<Staffed, StaffError<R>> {
        let my_turn = doc! { "$inc": { TURN: 1_i64 } };
        let organizations = self.platform_collection::<Organization>();
        let organization =
            organizations.find_one_and_update(doc! { TENANT: tenant.as_str() }, my_turn.clone());
        let organization = organization.session(&mut *session).await?.ok_or(StaffError::NoOrganization)?;
        let members = self.across_tenants::<Member>();
        let before = members.find_one(whom.filter(tenant)).session(&mut *session).await?;
        let after = decide(before.as_ref()).map_err(StaffError::Refused)?;
        if let (Some(before), Whom::Member(_)) = (&before, whom)
            && *before == after
        {
            let same = || Shown::of(encode(before)?);
            return Ok(Staffed { before: Some(same()?), after: same()? });
        }
        let version = before.as_ref().map_or(0, |before| before.version + 1);
        let after = Member { version, updated_at: now, ..after };
        let others = |mut filter: Document| {
            filter.extend(doc! { TENANT: tenant.as_str(), "_id": { "$ne": after.id } });
            filter
        };
        let answered = before.as_ref().is_some_and(Member::answers);
        if let (true, false, Some(most)) = (after.answers(), answered, organization.limits.of(Limit::Agents))
        {
            let others = members.count_documents(others(Member::answering())).session(&mut *session).await?;
            if others >= most {
                return Err(StaffError::AgentsFull(most));
            }
        }
        if before.as_ref().is_some_and(Member::owns) && !after.owns() {
            let others = members.count_documents(others(Member::owning())).session(&mut *session).await?;
            if others == 0 {
                return Err(StaffError::LastOwner);
            }
        }
        let was_there = before.as_ref().is_some_and(|before| before.deleted_at.is_none());
        if after.deleted_at.is_none() && !was_there {
            self.seat(session, organization.owner_id, my_turn).await?;
        }
        if let Whom::Invited { account, invitation } = whom {
            let open = doc! {
                "_id": invitation, TENANT: tenant.as_str(), "status": "pending", "expiresAt": { "$gt": now },
            };
            let accepted = doc! {
                "$set": { "status": "accepted", "acceptedAt": now, "acceptedBy": account, "updatedAt": now },
                "$inc": { "__v": 1_i64 },
            };
            let invitations = self.across_tenants::<Invitation>();
            if invitations.update_one(open, accepted).session(&mut *session).await?.matched_count == 0 {
                return Err(StaffError::InvitationGone);
            }
        }
        let document = encode(&after)?;
        check_document(tenant, Member::COLLECTION, &document)?;
        let documents = members.clone_with_type::<Document>();
        match &before {
            None => _ = documents.insert_one(&document).session(&mut *session).await?,
            Some(before) => {
                let same = doc! { "_id": before.id, TENANT: tenant.as_str() };
                documents.replace_one(same, &document).session(&mut *session).await?;
            }
        }
        let before = before.map(|before| encode(&before)).transpose()?.map(Shown::of).transpose()?;
        Ok(Staffed { before, after: Shown::of(document)? })
    }

    /// One more member over all organizations of an owner, if the owner may have one.
    async fn seat<R>(
        &self,
        session: &mut ClientSession,
        owner: ObjectId,
        my_turn: Document,
    ) -> Result<(), StaffError<R>> {
        let limited = doc! { "_id": owner, "limits.maxMembers": { "$exists": true } };
        let owners = self.platform_collection::<Owner>();
        let turn = owners.find_one_and_update(limited, my_turn).return_document(ReturnDocument::After);
        let owner = turn.session(&mut *session).await?;
        let Some((owner, most)) = owner.and_then(|owner| Some((owner.id, owner.limits.max_members?))) else {
            return Ok(());
        };
        let served = doc! { "ownerId": owner, "status": { "$ne": "offboarded" } };
        let organizations = self.platform_collection::<Organization>().clone_with_type::<Document>();
        let mut cursor =
            organizations.find(served).projection(doc! { TENANT: 1 }).session(&mut *session).await?;
        let organizations: Vec<Document> = cursor.stream(session).try_collect().await?;
        let tenants: Vec<&str> = organizations.iter().filter_map(|o| o.get_str(TENANT).ok()).collect();
        let there = doc! { TENANT: { "$in": tenants }, "deletedAt": null };
        let members = self.across_tenants::<Member>().count_documents(there).session(session).await?;
        if members >= most { Err(StaffError::MembersFull(most)) } else { Ok(()) }
    }
}
