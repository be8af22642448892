//! The audit of a change: an entry before it, without which it does not happen, and one after it.
//!
//! What is a tenant's goes into the tenant's trail; what somebody does to their own account into the
//! account's. What is done to somebody else's account, or to a tenant by a path that is not theirs, is told to
//! their trail as well, when it is done. Who has a link from a mail is known only once the handler has looked it
//! up: it begins the audit then, in the trail of the account or the tenant that the link is of. So do signing in,
//! once it is known who somebody is, and registering. What did not get so far, such as a wrong password, changes
//! nothing and is told to the account's trail afterwards.

use bson::oid::ObjectId;
use http::StatusCode;
use matome_domain::audit::REDACTED;
use matome_domain::ids::TenantId;
use matome_store::audit::{NewAuditEntry, append_audit};
use matome_store::entities::{ActorKind, AuditActor, AuditPhase, AuditTail, AuditTarget};
use matome_store::value::{Id, Time};
use matome_store::{StoreError, TenantStore};
use matome_tenancy::TenancyError;
use serde_json::{Map, Value};

use crate::context::App;
use crate::guard::admit::Admitted;
use crate::guard::trail::Told;
use crate::guard::{Caller, Rule, Trace, Trail};
use crate::http::problem::Problem;

/// How long an account's own trail is kept: the seeds' `audit_log_retention_days` of an organization is 90.
const ACCOUNT_DAYS: u32 = 365;

/// Characters of a path's value that is no id of ours; LINE's channel ids have ten digits.
const LONGEST_NAME: usize = 20;

/// An audit that has begun, or of which it is not known yet where it belongs.
#[derive(Debug)]
pub(crate) struct Begun {
    trail: Option<Kept>,
    begun: NewAuditEntry,
    begun_id: Option<Id>,
}

/// Where a trail is kept.
#[derive(Debug)]
enum Kept {
    Tenant(TenantStore, Option<AuditTail>),
    Account(Id),
}

impl Kept {
    /// Whose own it is.
    fn account(&self) -> Option<Id> {
        match self {
            Self::Tenant(..) => None,
            Self::Account(account) => Some(*account),
        }
    }

    async fn append(&self, app: &App, entry: NewAuditEntry) -> Result<Id, StoreError> {
        match self {
            Self::Tenant(store, gone) => Ok(append_audit(store, gone.as_ref(), entry).await?.id),
            Self::Account(account) => {
                Ok(app.tenants.platform().append_account_audit(*account, entry).await?.id)
            }
        }
    }
}

pub(crate) async fn begin(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    admitted: &Admitted,
) -> Result<Begun, Problem> {
    let now = app.now();
    let (trail, days) = match (&admitted.standing, &admitted.caller) {
        (Some(standing), _) => {
            let gone = standing.organization.audit_tail.clone();
            (Some(Kept::Tenant(standing.store.clone(), gone)), standing.organization.audit_retention_days)
        }
        (None, Caller::Account(signed_in)) => (Some(Kept::Account(signed_in.account.id)), ACCOUNT_DAYS),
        (None, _) => (None, ACCOUNT_DAYS),
    };
    let path: Map<String, Value> =
        admitted.path.iter().map(|(name, value)| (name.clone(), Value::from(named(value)))).collect();
    let begun = NewAuditEntry {
        phase: AuditPhase::Begun,
        operation: rule.id.to_string(),
        begun_id: None,
        actor: actor(&admitted.caller),
        ip: trace.address.map(|address| address.to_string()),
        user_agent: trace.user_agent.clone(),
        request_id: trace.request_id.clone(),
        target: None,
        path,
        status: None,
        before: None,
        after: None,
        created_at: now,
        expires_at: after_days(now, days),
    };
    match trail {
        None => Ok(Begun { trail: None, begun, begun_id: None }),
        Some(trail) => Begun::in_trail(app, trail, begun).await.map_err(Problem::unavailable),
    }
}

impl Begun {
    async fn in_trail(app: &App, trail: Kept, begun: NewAuditEntry) -> Result<Self, StoreError> {
        let id = trail.append(app, begun.clone()).await;
        let id = id.inspect_err(|_| metrics::counter!("AuditsNotBegun").increment(1))?;
        Ok(Self { trail: Some(trail), begun, begun_id: Some(id) })
    }

    /// What begins it, for who finds out where it belongs.
    pub(crate) fn opening(&self) -> NewAuditEntry {
        self.begun.clone()
    }

    /// Begins it in an account's trail.
    pub(crate) async fn in_account(
        app: &App,
        account: Id,
        opening: NewAuditEntry,
    ) -> Result<Self, StoreError> {
        Self::in_trail(app, Kept::Account(account), opening).await
    }

    /// Begins it in a tenant's trail.
    pub(crate) async fn in_tenant(
        app: &App,
        tenant: &TenantId,
        opening: NewAuditEntry,
    ) -> Result<Self, TenancyError> {
        let (store, organization) =
            tokio::try_join!(app.tenants.store(tenant), app.tenants.organization(tenant))?;
        let expires_at = after_days(opening.created_at, organization.audit_retention_days);
        let kept = Kept::Tenant(store, organization.audit_tail.clone());
        Ok(Self::in_trail(app, kept, NewAuditEntry { expires_at, ..opening }).await?)
    }
}

pub(crate) async fn end(app: &App, trace: &Trace, begun: Begun, trail: &Trail, status: StatusCode) {
    let Told { target_kind, target_id, before, after, account, tenant, begun: late } = trail.take();
    let target = match (target_kind, target_id) {
        (Some(kind), Some(id)) => Some(AuditTarget { kind, id }),
        _ => None,
    };
    let end_of = |begun: &Begun| NewAuditEntry {
        phase: AuditPhase::Ended,
        begun_id: begun.begun_id,
        target: target.clone(),
        status: Some(i32::from(status.as_u16())),
        before: before.clone(),
        after: after.clone(),
        created_at: app.now(),
        ..begun.opening()
    };
    let ended = end_of(&begun);
    let mut written = Vec::new();
    let mut told = Vec::new();
    for begun in std::iter::once(&begun).chain(&late) {
        if let Some(kept) = &begun.trail {
            written.push(kept.append(app, end_of(begun)).await.map(drop));
            told.extend(kept.account());
        }
    }
    // Whose account it was about is known only afterwards, or it is another one.
    if let Some(account) = account.map(Id::from).filter(|account| !told.contains(account)) {
        let is_own = ended.actor.kind == ActorKind::Nobody;
        let entry = if is_own { ended.clone() } else { told_to_others(&ended) };
        written.push(Kept::Account(account).append(app, entry).await.map(drop));
    }
    if let Some(tenant) = tenant {
        written.push(tell_tenant(app, &tenant, &ended).await);
    }
    for error in written.into_iter().filter_map(Result::err) {
        // It was done: the entry that began it stays without an end, and says so.
        metrics::counter!("AuditsNotEnded").increment(1);
        let request = trace.request_id.as_str();
        tracing::error!(request.id = request, error = %matome_runtime::lambda::Chain(&error), "an audit was not ended");
    }
}

/// What somebody who runs the platform did, as it is told to those it was done to: not from where. The entry
/// that began it is in the operator's own trail.
fn told_to_others(ended: &NewAuditEntry) -> NewAuditEntry {
    NewAuditEntry { begun_id: None, ip: None, user_agent: None, ..ended.clone() }
}

/// A tenant that is in no directory any more has no trail.
async fn tell_tenant(app: &App, tenant: &TenantId, ended: &NewAuditEntry) -> Result<(), StoreError> {
    let (store, organization) = match tokio::try_join!(
        app.tenants.store(tenant),
        app.tenants.organization(tenant)
    ) {
        Ok(found) => found,
        Err(TenancyError::Store(error)) => return Err(error),
        Err(error) => {
            tracing::info!(tenant.id = %tenant, error = %error, "the tenant has no audit trail to be told");
            return Ok(());
        }
    };
    let expires_at = after_days(ended.created_at, organization.audit_retention_days);
    let entry = NewAuditEntry { expires_at, ..told_to_others(ended) };
    append_audit(&store, organization.audit_tail.as_ref(), entry).await.map(drop)
}

/// What a path names, as it is kept: ids, and names as short as those of channels and providers are. Whatever
/// else somebody put there by mistake may be a secret (LINE's have 32 characters), and no entry can be erased.
fn named(value: &str) -> &str {
    let is_kept = value.len() <= LONGEST_NAME || ObjectId::parse_str(value).is_ok();
    if is_kept { value } else { REDACTED }
}

fn actor(caller: &Caller) -> AuditActor {
    let kind = match caller {
        Caller::Nobody => ActorKind::Nobody,
        Caller::Account(_) => ActorKind::Account,
        Caller::Key(_) => ActorKind::ApiKey,
    };
    AuditActor { kind, id: caller.id().map(|id: ObjectId| id.into()) }
}

fn after_days(now: Time, days: u32) -> Time {
    let now = bson::DateTime::from(now);
    let later = now.timestamp_millis().saturating_add(i64::from(days) * 24 * 60 * 60 * 1_000);
    bson::DateTime::from_millis(later).into()
}
