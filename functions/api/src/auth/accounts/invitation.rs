//! Coming into an organization by an invitation. Its token arrived at the address it was sent to: whoever
//! has it answers there.

use std::convert::Infallible;

use bson::doc;
use matome_domain::access::password::check;
use matome_domain::access::{Action, Resource, Role, may_grant};
use matome_domain::ids::TenantId;
use matome_domain::language::Language;
use matome_domain::limits::Limit;
use matome_store::entities::{
    Account, AccountStatus, Credentials, Invitation, Member, MemberPresence, MemberStatus, Organization,
    OrganizationStatus,
};
use matome_store::staff::{StaffError, Staffed, Whom};
use matome_store::{Id, Time};
use secrecy::{ExposeSecret, SecretString};

use super::register::new_account;
use super::{Accounts, AuthError};
use crate::auth::mac::Purpose;
use crate::auth::one_time_token::OneTimeToken;
use crate::auth::password;

/// Who has no account yet, and gets one with the membership.
#[derive(Debug)]
pub struct Newcomer<'a> {
    /// Full name.
    pub name: &'a str,
    /// Password.
    pub password: &'a SecretString,
    /// To be addressed in.
    pub language: Language,
}

/// What came of it.
#[derive(Debug)]
pub struct Joined {
    /// The account that is a member now.
    pub account: Id,
    /// The organization.
    pub tenant: TenantId,
    /// The membership: none before where there was none.
    pub staffed: Staffed,
    /// As what the invitation was.
    pub role: Role,
}

impl Accounts {
    /// Accepts an invitation for the account that has the address it was sent to. Where there is none, or
    /// one whose address nobody has verified, it is made of `newcomer`, with a verified address. `caller`,
    /// if somebody is signed in, must have that address. `begins` is told of the organization before anything
    /// changes.
    ///
    /// # Errors
    /// [`AuthError::BadToken`], [`AuthError::OtherAddress`], [`AuthError::AccountNeeded`],
    /// [`AuthError::AgentsLimit`], [`AuthError::Closed`], [`AuthError::WeakPassword`].
    pub async fn accept_invitation(
        &self,
        token: &str,
        caller: Option<&Account>,
        newcomer: Option<&Newcomer<'_>>,
        begins: impl AsyncFnOnce(&TenantId) -> Result<(), AuthError>,
    ) -> Result<Joined, AuthError> {
        let (_, at) = self.now();
        let invitation = self.invitation(token, at).await?;
        if caller.is_some_and(|caller| caller.email != invitation.email) {
            return Err(AuthError::OtherAddress);
        }
        self.check_inviter(&invitation).await?;
        self.check_place(&invitation).await?;
        let tenant = TenantId::new(&*invitation.tenant_id).map_err(|_| AuthError::BadToken)?;
        begins(&tenant).await?;
        let account = match self.store.account_by_email(&invitation.email).await? {
            Some(account) if account.is_active() => account,
            Some(account) if account.status == AccountStatus::Pending && account.deleted_at.is_none() => {
                self.take_over(account, newcomer, at).await?
            }
            Some(_) => return Err(AuthError::Closed),
            None => self.begin(&invitation, newcomer, at).await?,
        };
        let staffed = self.join(&tenant, &invitation, &account, at).await?;
        Ok(Joined { account: account.id, tenant, staffed, role: invitation.role })
    }

    /// Uses the invitation up and makes the account a member, or neither. Who is one already stays as they
    /// are; who was one comes back as the same member, with what the invitation says.
    async fn join(
        &self,
        tenant: &TenantId,
        invitation: &Invitation,
        account: &Account,
        at: Time,
    ) -> Result<Staffed, AuthError> {
        let new = self.member(invitation, account, at);
        let whom = Whom::Invited { account: account.id, invitation: invitation.id };
        let joined = self.store.change_staff(tenant, whom, at, |before| -> Result<Member, Infallible> {
            Ok(match before {
                Some(before) if before.is_active() => before.clone(),
                Some(before) => Member { id: before.id, created_at: before.created_at, ..new.clone() },
                None => new.clone(),
            })
        });
        match joined.await {
            Ok(staffed) => Ok(staffed),
            Err(StaffError::Refused(never)) => match never {},
            Err(StaffError::AgentsFull(_) | StaffError::MembersFull(_)) => Err(AuthError::AgentsLimit),
            // An owner who is invited as something less while shut out; nothing a mail should do.
            Err(StaffError::LastOwner | StaffError::InvitationGone | StaffError::NoOrganization) => {
                Err(AuthError::BadToken)
            }
            Err(StaffError::Store(error)) => Err(error.into()),
        }
    }

    async fn invitation(&self, token: &str, at: Time) -> Result<Invitation, AuthError> {
        let token = OneTimeToken::parse(token).ok_or(AuthError::BadToken)?;
        let tag = token.tag(&self.vault.secrets().await?.mac, Purpose::Invitation);
        let found = self.store.invitation_by_tag(tag.as_str()).await?;
        found.filter(|found| found.id == token.subject() && found.is_open(at)).ok_or(AuthError::BadToken)
    }

    /// Whether whoever sent it last could still do so: what somebody has sent who was shut out since, or
    /// may less now, is over.
    async fn check_inviter(&self, invitation: &Invitation) -> Result<(), AuthError> {
        let inviter = invitation.invited_by.ok_or(AuthError::BadToken)?;
        let account = self.accounts().find_one(doc! { "_id": inviter }).await?;
        let account = account.filter(Account::is_active).ok_or(AuthError::BadToken)?;
        if account.platform_role.is_some() {
            return Ok(());
        }
        let tenant = TenantId::new(&*invitation.tenant_id).map_err(|_| AuthError::BadToken)?;
        let members = self.store.of_tenant::<Member>(&tenant);
        let member = members.find_one(doc! { "accountId": inviter, "deletedAt": null }).await?;
        let member = member.ok_or(AuthError::BadToken)?;
        let rights = member.rights();
        if !rights.contains(Resource::Members.to(Action::Create)) {
            return Err(AuthError::BadToken);
        }
        may_grant(&rights, member.role, invitation.role, &invitation.permissions)
            .map_err(|_| AuthError::BadToken)
    }

    /// Whether the organization takes somebody.
    async fn check_place(&self, invitation: &Invitation) -> Result<(), AuthError> {
        let tenant = TenantId::new(&*invitation.tenant_id).map_err(|_| AuthError::BadToken)?;
        let organizations = self.store.of_tenant::<Organization>(&tenant);
        let served =
            |o: &Organization| matches!(o.status, OrganizationStatus::Active | OrganizationStatus::Moving);
        let organization =
            organizations.find_one(doc! {}).await?.filter(served).ok_or(AuthError::BadToken)?;
        if !invitation.role.is_agent() {
            return Ok(());
        }
        let limit = organization.limits.of(Limit::Agents);
        if limit.is_some() && Some(self.store.agents(&tenant).await?) >= limit {
            return Err(AuthError::AgentsLimit);
        }
        Ok(())
    }

    /// An account that somebody registered and nobody verified: whoever that was, their password does not
    /// count.
    async fn take_over(
        &self,
        account: Account,
        newcomer: Option<&Newcomer<'_>>,
        at: Time,
    ) -> Result<Account, AuthError> {
        let newcomer = newcomer.ok_or(AuthError::AccountNeeded)?;
        let hash = self.checked(newcomer, &account.email).await?;
        let credentials = Credentials {
            password_hash: Some(hash),
            password_changed_at: Some(at),
            ..Credentials::new(account.id, at)
        };
        self.credentials().replace_one(doc! { "_id": account.id }, &credentials).upsert(true).await?;
        let set = doc! {
            "name": newcomer.name, "language": newcomer.language.tag(), "emailVerified": true,
            "status": "active", "identities": [], "updatedAt": at,
        };
        let filter = doc! { "_id": account.id, "status": "pending" };
        let update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
        self.accounts().update_one(filter, update).await?;
        self.account(account.id).await
    }

    async fn begin(
        &self,
        invitation: &Invitation,
        newcomer: Option<&Newcomer<'_>>,
        at: Time,
    ) -> Result<Account, AuthError> {
        let newcomer = newcomer.ok_or(AuthError::AccountNeeded)?;
        let hash = self.checked(newcomer, &invitation.email).await?;
        let (name, language) = (newcomer.name, newcomer.language);
        let account = new_account(self.id(), &invitation.email, name, language, AccountStatus::Active, at);
        let credentials = Credentials {
            password_hash: Some(hash),
            password_changed_at: Some(at),
            ..Credentials::new(account.id, at)
        };
        // The other way around than when registering: this account is active from the first moment.
        self.credentials().insert_one(&credentials).await?;
        self.accounts().insert_one(&account).await?;
        Ok(account)
    }

    async fn checked(&self, newcomer: &Newcomer<'_>, email: &str) -> Result<String, AuthError> {
        check(newcomer.password.expose_secret(), email)?;
        Ok(password::hash(&*self.random, newcomer.password).await?)
    }

    fn member(&self, invitation: &Invitation, account: &Account, at: Time) -> Member {
        Member {
            id: self.id(),
            tenant_id: invitation.tenant_id.clone(),
            account_id: account.id,
            name: Some(account.name.clone()),
            email: Some(account.email.clone()),
            avatar_url: account.avatar_url.clone(),
            role: invitation.role,
            permissions: invitation.permissions,
            department_id: invitation.department_id,
            title: invitation.title.clone(),
            status: MemberStatus::Active,
            presence: MemberPresence::default(),
            joined_at: at,
            invited_by: invitation.invited_by,
            last_active_at: None,
            created_at: at,
            updated_at: at,
            deleted_at: None,
            deleted_by: None,
            version: 0,
        }
    }
}
