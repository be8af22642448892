//! Whether a request may go on: who, where, from where, how often.

use std::sync::Arc;

use axum::RequestExt;
use axum::extract::{RawPathParams, Request};
use bson::oid::ObjectId;
use matome_domain::access::{Permission, PermissionSet, PlatformRole};
use matome_domain::ids::TenantId;
use matome_domain::plan::Feature;
use matome_store::entities::OrganizationStatus;
use tokio::sync::OnceCell;

use crate::context::App;
use crate::guard::authenticate;
use crate::guard::limits::Counts;
use crate::guard::standing::{denied, not_in_plan};
use crate::guard::{Access, Caller, Rule, Standing, Trace, limits, network, policy};
use crate::http::problem::{Code, Problem};

/// What is known of a request that may go on.
pub(crate) struct Admitted {
    pub(crate) caller: Caller,
    pub(crate) standing: Option<Arc<Standing>>,
    pub(crate) counts: Counts,
    /// The names and values in the path.
    pub(crate) path: Vec<(String, String)>,
}

pub(crate) async fn admit(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    request: &mut Request,
) -> Result<Admitted, Problem> {
    let path = path_of(request).await?;
    let tenant = tenant_in(&path)?;
    let is_public = rule.access == Access::Public;
    // Where anybody may call, what is no good is nothing: whoever renews a token that is over sends it along.
    let presented = match authenticate::presented(request.headers()) {
        Err(_) if is_public => authenticate::Presented::Nothing,
        presented => presented?,
    };
    // Before anything is looked up: who guesses is slowed down by address.
    limits::before(app, rule, trace, &presented).await?;
    let identity = match authenticate::authenticate(app, &presented, tenant.as_ref(), trace).await {
        Ok(identity) => identity,
        Err(problem) if is_public && problem.code == Code::Unauthenticated => {
            authenticate::Identity::nobody()
        }
        Err(problem) => return Err(limits::refused(app, trace, problem).await),
    };
    let standing = match may(app, rule, trace, tenant.as_ref(), &path, &identity).await {
        Ok(standing) => standing,
        Err(problem) => return Err(limits::denied(app, &identity.caller(), problem).await),
    };
    let caller = identity.caller();
    let counts = limits::take(app, rule, trace, &caller, standing.as_deref()).await?;
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(trace.clone());
    if let Some(standing) = &standing {
        request.extensions_mut().insert(Arc::clone(standing));
    }
    Ok(Admitted { caller, standing, counts, path })
}

/// Whether the route is for whoever calls, and where they stand in its tenant.
async fn may(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    tenant: Option<&TenantId>,
    path: &[(String, String)],
    identity: &authenticate::Identity,
) -> Result<Option<Arc<Standing>>, Problem> {
    match rule.access {
        Access::Public => Ok(None),
        Access::Account => identity.signed_in().map(|_| None),
        Access::Platform(permission) => {
            let signed_in = identity.signed_in()?;
            if signed_in.is_super_admin() {
                return Ok(None);
            }
            Err(if signed_in.would_be_super_admin() {
                policy::show_second_factor()
            } else {
                denied(permission)
            })
        }
        Access::Tenant(permission) | Access::Room(permission) => {
            let tenant = tenant.ok_or_else(|| Problem::internal("a tenant's route without a tenant"))?;
            stand(app, rule, trace, tenant, permission, path, identity).await.map(Some)
        }
    }
}

async fn path_of(request: &mut Request) -> Result<Vec<(String, String)>, Problem> {
    let params: RawPathParams = request.extract_parts().await.map_err(|_| Problem::not_found())?;
    let path: Vec<(String, String)> = params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    // What is no id is the id of nothing.
    for (name, value) in &path {
        let is_id = name.ends_with("Id") && name != "channelId";
        if is_id
            && (value.len() != 24
                || ObjectId::parse_str(value).is_err()
                || value.bytes().any(|b| b.is_ascii_uppercase()))
        {
            return Err(Problem::not_found());
        }
    }
    Ok(path)
}

fn tenant_in(path: &[(String, String)]) -> Result<Option<TenantId>, Problem> {
    let id = path.iter().find(|(name, _)| name == "organizationId");
    id.map(|(_, id)| TenantId::new(id.clone()).map_err(|_| Problem::not_found())).transpose()
}

/// Where the caller stands in the tenant. Who is not of the tenant learns nothing, not even that it exists.
async fn stand(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    tenant: &TenantId,
    permission: Permission,
    path: &[(String, String)],
    identity: &authenticate::Identity,
) -> Result<Arc<Standing>, Problem> {
    let caller = identity.caller();
    let (member, role, permissions) = match &caller {
        Caller::Nobody => return Err(Code::Unauthenticated.into()),
        Caller::Key(key) if key.tenant_id != tenant.as_str() => return Err(Problem::not_found()),
        Caller::Key(key) => {
            let rights = identity.maker.rights(key.scopes).ok_or(Code::KeyMakerGone)?;
            (None, None, rights)
        }
        Caller::Account(signed_in) if signed_in.is_super_admin() => {
            (None, None, PermissionSet::of_platform_role(PlatformRole::SuperAdmin))
        }
        Caller::Account(signed_in) => {
            let member = identity.member.clone();
            let member = member.ok_or_else(|| match signed_in.would_be_super_admin() {
                true => policy::show_second_factor(),
                false => Problem::not_found(),
            })?;
            let permissions = member.rights();
            (Some(member.clone()), Some(member.role), permissions)
        }
    };
    let organization = identity.organization.clone().ok_or_else(Problem::not_found)?;
    if organization.status == OrganizationStatus::Offboarded {
        return Err(Problem::not_found());
    }
    // Whoever made the key: it is the organization's.
    if matches!(caller, Caller::Key(_)) && !organization.may_use(Feature::ApiAccess) {
        return Err(not_in_plan(Feature::ApiAccess));
    }
    network::check(trace, identity, &caller)?;
    policy::check(identity.policy.as_ref(), &caller, app.clock.now())?;
    if !permissions.contains(permission) && !matches!(rule.access, Access::Room(_)) {
        return Err(denied(permission));
    }
    if rule.changes() && !rule.states.has(organization.status) {
        return Err(Problem::new(Code::NotServed, "The organization can be read, not changed"));
    }
    let store = app.tenants.store(tenant).await?;
    let standing = Standing {
        id: tenant.clone(),
        organization,
        store,
        platform: app.tenants.platform().clone(),
        caller,
        member,
        maker: identity.maker.clone(),
        role,
        permissions,
        hidden: OnceCell::new(),
    };
    if let Access::Room(permission) = rule.access {
        let room =
            path.iter().find(|(name, _)| name == "roomId").and_then(|(_, id)| ObjectId::parse_str(id).ok());
        let room = room.ok_or_else(|| Problem::internal("a room's route without a room"))?;
        standing.require_in_room(room, permission).await?;
    }
    Ok(Arc::new(standing))
}
