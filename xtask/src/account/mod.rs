//! Accounts that come from an operator's hand: the first super admin, and the demo's login. Everybody else is
//! invited through the API.

#[cfg(test)]
mod tests;

use anyhow::bail;
use bson::{doc, oid::ObjectId};
use matome_api::auth::password;
use matome_domain::access::{PlatformRole, Role, password as rules};
use matome_domain::clock::Clock as _;
use matome_domain::ids::TenantId;
use matome_domain::plan::default_audit_retention_days;
use matome_runtime::clock::SystemClock;
use matome_runtime::random::{Random as _, SystemRandom};
use matome_store::audit::append_audit;
use matome_store::entities::{
    Account, AccountStatus, AuditTail, Credentials, Member, MemberPresence, MemberStatus,
};
use matome_store::value::{Id, Time};
use matome_store::{Entity as _, Store, TenantStore};
use matome_tenancy::{TenancyError, Tenants};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::audit;

/// Characters of a generated password: none that is taken for another, none that a shell minds.
const ALPHABET: &[u8; 56] = b"23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
/// How many of them: more than 128 bits.
const LENGTH: usize = 24;

/// What an account is to be.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    /// Unique, in whatever case.
    pub(crate) email: String,
    /// As colleagues see it.
    pub(crate) name: String,
    /// BCP 47 tag.
    pub(crate) language: String,
    /// IANA name.
    pub(crate) timezone: String,
    /// Runs the platform.
    pub(crate) super_admin: bool,
    /// Its place in an organization.
    pub(crate) membership: Option<Membership>,
}

/// What somebody is in an organization.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    /// The tenant's data: its audit trail hears of it.
    store: TenantStore,
    /// For how long.
    audit_retention_days: u32,
    /// After what.
    audit_tail: Option<AuditTail>,
    role: Role,
}

impl Membership {
    /// In the organization of a tenant, of whose trail nothing has expired.
    pub(crate) fn new(store: TenantStore, audit_retention_days: u32, role: Role) -> Self {
        Self { store, audit_retention_days, audit_tail: None, role }
    }

    /// In an organization that there is.
    pub(crate) async fn of(tenants: &Tenants, tenant: &TenantId, role: Role) -> anyhow::Result<Self> {
        let organization = match tenants.organization(tenant).await {
            Err(TenancyError::NoOrganization(_)) => bail!("--organization: there is no {tenant}"),
            found => found?,
        };
        let store = tenants.store(tenant).await?;
        let audit_tail = organization.audit_tail.clone();
        Ok(Self { audit_tail, ..Self::new(store, organization.audit_retention_days, role) })
    }
}

/// A password that nobody else has.
pub(crate) fn generate_password() -> SecretString {
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let mut byte = [0];
        SystemRandom.fill(&mut byte);
        // Bytes past the last whole multiple would make some characters likelier than others.
        if usize::from(byte[0]) < 256 / ALPHABET.len() * ALPHABET.len() {
            password.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    password.into()
}

/// Makes the account, with its password and its membership; whoever can write to the database vouches for the
/// address. An account that has the address already is an error.
pub(crate) async fn create(store: &Store, new: &NewAccount, secret: &SecretString) -> anyhow::Result<Id> {
    let email = Account::normalized_email(&new.email);
    if !email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')) {
        bail!("--email: is no e-mail address");
    }
    rules::check(secret.expose_secret(), &email)?;
    store.ensure_platform().await?;
    if store.account_by_email(&email).await?.is_some() {
        bail!("--email: there is an account with this address already");
    }
    let now = Time::from(SystemClock.now());
    let id = random_id();
    let hash = password::hash(&SystemRandom, secret).await?;
    let account = account(id, email, new, now);
    let credentials = Credentials {
        password_hash: Some(hash),
        password_changed_at: Some(now),
        ..Credentials::new(id, now)
    };
    let member = new.membership.as_ref().map(|membership| member(&account, membership, now));

    let created = audit::begun("accounts.create", now, default_audit_retention_days());
    let begun = store.append_account_audit(id, created.clone()).await?;
    let joined = match &new.membership {
        Some(Membership { store, audit_retention_days, audit_tail, .. }) => {
            let joined = audit::begun("members.create", now, *audit_retention_days);
            let begun = append_audit(store, audit_tail.as_ref(), joined.clone()).await?;
            Some((store, audit_tail, begun.id, joined))
        }
        None => None,
    };
    // All or nothing: an account without its membership could not be made again, and not be used either.
    let mut session = store.platform().client().start_session().await?;
    session.start_transaction().await?;
    store.platform_collection::<Account>().insert_one(&account).session(&mut session).await?;
    store.platform_collection::<Credentials>().insert_one(credentials).session(&mut session).await?;
    if let Some(member) = &member {
        let members = store.platform().collection::<Member>(Member::COLLECTION);
        members.insert_one(member).session(&mut session).await?;
    }
    session.commit_transaction().await?;

    let after = json!({
        "superAdmin": new.super_admin,
        "organization": member.as_ref().map(|member| &member.tenant_id),
        "role": member.as_ref().map(|member| member.role.as_str()),
    });
    let ended = audit::ended(begun.id, created, Some(("account", id)), Some(after));
    store.append_account_audit(id, ended).await?;
    if let (Some((store, audit_tail, begun, joined)), Some(member)) = (joined, &member) {
        let after = json!({ "accountId": id.to_hex(), "role": member.role.as_str() });
        let ended = audit::ended(begun, joined, Some(("member", member.id)), Some(after));
        append_audit(store, audit_tail.as_ref(), ended).await?;
    }
    Ok(id)
}

/// Gives the account with this address another password; whether there is one. For a database that outlives the
/// stacks on it.
pub(crate) async fn change_password(
    store: &Store,
    email: &str,
    secret: &SecretString,
) -> anyhow::Result<bool> {
    let Some(account) = store.account_by_email(email).await? else { return Ok(false) };
    rules::check(secret.expose_secret(), &account.email)?;
    let now = Time::from(SystemClock.now());
    let hash = password::hash(&SystemRandom, secret).await?;
    let changed = audit::begun("accounts.changePassword", now, default_audit_retention_days());
    let begun = store.append_account_audit(account.id, changed.clone()).await?;
    let change = doc! {
        "$set": { "passwordHash": hash, "passwordChangedAt": now, "updatedAt": now, "failedAttempts": 0_i64 },
        "$unset": { "lockedUntil": "", "passwordReset": "" },
        "$inc": { "__v": 1_i64 },
    };
    store.platform_collection::<Credentials>().update_one(doc! { "_id": account.id }, change).await?;
    store.append_account_audit(account.id, audit::ended(begun.id, changed, None, None)).await?;
    Ok(true)
}

fn random_id() -> Id {
    let mut bytes = [0; 12];
    SystemRandom.fill(&mut bytes);
    ObjectId::from_bytes(bytes).into()
}

fn account(id: Id, email: String, new: &NewAccount, now: Time) -> Account {
    Account {
        id,
        email,
        email_verified: true,
        name: new.name.clone(),
        first_name: None,
        last_name: None,
        avatar_url: None,
        phone_number: None,
        phone_verified: false,
        two_factor_enabled: false,
        timezone: new.timezone.clone(),
        language: new.language.clone(),
        notification_preferences: Default::default(),
        platform_role: new.super_admin.then_some(PlatformRole::SuperAdmin),
        identities: Vec::new(),
        status: AccountStatus::Active,
        last_login_at: None,
        last_login_ip: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        deleted_by: None,
        version: 0,
    }
}

fn member(account: &Account, membership: &Membership, now: Time) -> Member {
    Member {
        id: random_id(),
        tenant_id: membership.store.tenant_id().as_str().to_owned(),
        account_id: account.id,
        name: Some(account.name.clone()),
        email: Some(account.email.clone()),
        avatar_url: None,
        role: membership.role,
        permissions: Default::default(),
        department_id: None,
        title: None,
        status: MemberStatus::Active,
        presence: MemberPresence::default(),
        joined_at: now,
        invited_by: None,
        last_active_at: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        deleted_by: None,
        version: 0,
    }
}
