//! Accounts that come from an operator's hand: the first super admin, and the demo's login. Everybody else is
//! invited through the API.

use anyhow::{Context, bail};
use bson::{doc, oid::ObjectId};
use matome_api::auth::password;
use matome_domain::access::{PlatformRole, Role, password as rules};
use matome_domain::clock::Clock as _;
use matome_domain::ids::TenantId;
use matome_domain::plan::default_audit_retention_days;
use matome_runtime::clock::SystemClock;
use matome_runtime::random::{Random as _, SystemRandom};
use matome_store::Store;
use matome_store::audit::NewAuditEntry;
use matome_store::entities::{
    Account, AccountStatus, ActorKind, AuditActor, AuditPhase, Credentials, Member, MemberPresence,
    MemberStatus, Organization,
};
use matome_store::value::{Id, Time};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Characters of a generated password: none that is taken for another, none that a shell minds.
const ALPHABET: &[u8; 56] = b"23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
/// How many of them: more than 128 bits.
const LENGTH: usize = 24;
const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

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
    /// Is this in that organization.
    pub(crate) membership: Option<(TenantId, Role)>,
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
    if let Some((tenant, _)) = &new.membership {
        let id: ObjectId = tenant.as_str().parse().context("--organization: is no organization's id")?;
        let found = store.platform_collection::<Organization>().find_one(doc! { "_id": id }).await?;
        found.with_context(|| format!("--organization: there is no {tenant}"))?;
    }
    if store.account_by_email(&email).await?.is_some() {
        bail!("--email: there is an account with this address already");
    }
    let now = Time::from(SystemClock.now());
    let id = random_id();
    let hash = password::hash(&SystemRandom, secret).await?;
    let begun = entry(AuditPhase::Begun, "accounts.create", now, Value::Null);
    let begun = store.append_account_audit(id, begun).await?;
    let mut session = store.platform().client().start_session().await?;
    session.start_transaction().await?;
    let account = account(id, email, new, now);
    store.platform_collection::<Account>().insert_one(&account).session(&mut session).await?;
    let credentials = Credentials {
        password_hash: Some(hash),
        password_changed_at: Some(now),
        ..Credentials::new(id, now)
    };
    store.platform_collection::<Credentials>().insert_one(credentials).session(&mut session).await?;
    session.commit_transaction().await?;
    if let Some((tenant, role)) = &new.membership {
        store.of_tenant::<Member>(tenant).insert(&member(&account, tenant, *role, now)).await?;
    }
    let after = json!({
        "superAdmin": new.super_admin,
        "organization": new.membership.as_ref().map(|(tenant, _)| tenant.as_str()),
        "role": new.membership.as_ref().map(|(_, role)| role.as_str()),
    });
    let ended =
        NewAuditEntry { begun_id: Some(begun.id), ..entry(AuditPhase::Ended, "accounts.create", now, after) };
    store.append_account_audit(id, ended).await?;
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
    let begun = entry(AuditPhase::Begun, "accounts.changePassword", now, Value::Null);
    let begun = store.append_account_audit(account.id, begun).await?;
    let change = doc! {
        "$set": { "passwordHash": hash, "passwordChangedAt": now, "updatedAt": now, "failedAttempts": 0_i64 },
        "$unset": { "lockedUntil": "", "passwordReset": "" },
        "$inc": { "__v": 1_i64 },
    };
    store.platform_collection::<Credentials>().update_one(doc! { "_id": account.id }, change).await?;
    let ended = entry(AuditPhase::Ended, "accounts.changePassword", now, Value::Null);
    store.append_account_audit(account.id, NewAuditEntry { begun_id: Some(begun.id), ..ended }).await?;
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

fn member(account: &Account, tenant: &TenantId, role: Role, now: Time) -> Member {
    Member {
        id: random_id(),
        tenant_id: tenant.as_str().to_owned(),
        account_id: account.id,
        name: Some(account.name.clone()),
        email: Some(account.email.clone()),
        avatar_url: None,
        role,
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

fn entry(phase: AuditPhase, operation: &str, now: Time, after: Value) -> NewAuditEntry {
    let kept = DAY * default_audit_retention_days();
    NewAuditEntry {
        phase,
        operation: operation.to_owned(),
        begun_id: None,
        actor: AuditActor { kind: ActorKind::System, id: None },
        ip: None,
        user_agent: Some("xtask".to_owned()),
        request_id: SystemRandom.uuid().to_string(),
        target: None,
        path: serde_json::Map::new(),
        status: None,
        before: None,
        after: Some(after),
        created_at: now,
        expires_at: SystemClock.now().plus(kept).into(),
    }
}

#[cfg(test)]
mod tests {
    use matome_api::auth::password::{Compared, compare};
    use matome_domain::audit::Known;
    use matome_local_stack::shared;

    use super::*;

    async fn store() -> Store {
        let prefix = format!("xtask_{}", SystemRandom.uuid().simple());
        Store::connect(&shared::mongodb_uri().await.unwrap(), &prefix, 2).await.unwrap()
    }

    fn ops() -> NewAccount {
        NewAccount {
            email: " Ops@Example.com".to_owned(),
            name: "Ops".to_owned(),
            language: "en".to_owned(),
            timezone: "UTC".to_owned(),
            super_admin: true,
            membership: None,
        }
    }

    #[test]
    fn generated_passwords_differ_and_are_taken() {
        let (one, other) = (generate_password(), generate_password());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), LENGTH);
        rules::check(one.expose_secret(), "ops@example.com").unwrap();
    }

    #[tokio::test]
    async fn the_first_super_admin_can_log_in_and_is_in_the_audit_trail() {
        let store = store().await;
        let secret = generate_password();
        let id = create(&store, &ops(), &secret).await.unwrap();
        let account = store.account_by_email("ops@example.com").await.unwrap().unwrap();
        assert!(account.is_active() && account.email_verified);
        assert_eq!((account.id, account.platform_role), (id, Some(PlatformRole::SuperAdmin)));
        let credentials = store.platform_collection::<Credentials>().find_one(doc! { "_id": id }).await;
        let hash = credentials.unwrap().unwrap().password_hash;
        let right = Compared::Right { needs_rehash: false };
        assert_eq!(compare(hash.as_deref(), &secret).await.unwrap(), right);
        let other = generate_password();
        assert!(change_password(&store, "ops@example.com", &other).await.unwrap());
        let credentials = store.platform_collection::<Credentials>().find_one(doc! { "_id": id }).await;
        let hash = credentials.unwrap().unwrap().password_hash;
        assert_eq!(compare(hash.as_deref(), &secret).await.unwrap(), Compared::Wrong);
        assert_eq!(compare(hash.as_deref(), &other).await.unwrap(), right);
        let verdict = store.verify_account_audit(id, Known::default()).await.unwrap();
        assert!(verdict.intact && verdict.entries == 4, "{verdict:?}");
        let again = create(&store, &ops(), &generate_password()).await.unwrap_err();
        assert!(again.to_string().contains("already"), "{again}");
        store.platform().drop().await.unwrap();
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_before_anything_is_written() {
        let store = store().await;
        let nowhere = TenantId::new("65f0c0ffee0000000000beef").unwrap();
        let cases = [
            (NewAccount { email: "nobody".to_owned(), ..ops() }, generate_password(), "--email"),
            (ops(), SecretString::from("short"), "password"),
            (
                NewAccount { membership: Some((nowhere, Role::Owner)), ..ops() },
                generate_password(),
                "--organization",
            ),
        ];
        for (new, secret, named) in cases {
            let refused = create(&store, &new, &secret).await.unwrap_err().to_string();
            assert!(refused.contains(named), "{refused}");
        }
        assert!(store.account_by_email(&ops().email).await.unwrap().is_none());
        store.platform().drop().await.unwrap();
    }
}
