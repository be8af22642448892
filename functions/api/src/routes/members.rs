//! Staff of an organization. Who may make whom into what is `shared/domain/src/access/overrides.rs`'s; that
//! limits hold and an owner stays is `Store::change_staff`'s.

use axum::extract::State;
use matome_domain::access::{
    Action, Escalation, PermissionSet, PlatformRole, Resource, Role, may_change, may_grant,
};
use matome_store::Id;
use matome_store::entities::{Member, MemberPatch, MemberView};
use matome_store::staff::{StaffError, Staffed, Whom};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::Route;
use crate::context::App;
use crate::crud::{Crud, PathIds};
use crate::guard::{Access, Caller, Rule, Standing, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{IfMatch, Json, NoContent, Ok200, Problem, Shown};

const TAG: &str = "members";
const ONE: &str = "/organizations/{organizationId}/members/{memberId}";
const ME: &str = "/organizations/{organizationId}/members/me";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Tenant(Resource::Members.to(action));
    // Whoever is of the organization can read it.
    let anybody = Access::Tenant(Resource::Organizations.to(Action::Read));
    let mut routes = Crud::<Member>::at("/members", "memberId").reading();
    routes.extend([
        Route::new(
            Rule::get(ME, "getOwnMembership", anybody)
                .says(TAG, "Show what one is and may do in the organization"),
            me,
        ),
        Route::new(
            Rule::delete(ME, "leaveOrganization", anybody)
                .says(TAG, "Leave the organization")
                .describes("The last owner cannot."),
            leave,
        ),
        Route::new(
            Rule::patch(ONE, "updateMember", may(Action::Update)).says(TAG, "Change a member").describes(
                "A JSON merge patch (RFC 7396). Nobody gives more than they have, nor changes who stands beside or \
                 above them, but for owners (403 `escalation`); the last owner stays one (409); roles that answer \
                 customers are limited by the plan (409 `limit_reached`).",
            ),
            patch,
        ),
        Route::new(
            Rule::delete(ONE, "deleteMember", may(Action::Delete))
                .says(TAG, "Remove a member")
                .describes("It can be restored."),
            remove,
        ),
        Route::new(
            Rule::post(format!("{ONE}/restore"), "restoreMember", may(Action::Delete))
                .says(TAG, "Take back that a member was removed")
                .describes("Counts against the plan's limits as a new one does (409 `limit_reached`)."),
            restore,
        ),
    ]);
    routes
}

/// What the caller is in the organization.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({
    "organizationId": "671f0a2b9d3c4e5f6071829b", "callerKind": "account", "role": "viewer",
    "permissions": ["rooms:read", "messages:read"],
}))]
struct OwnMembership {
    /// The organization.
    organization_id: String,
    /// `account` or `apiKey`.
    caller_kind: &'static str,
    /// The role; none for keys, and for who runs the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The role on the platform; most have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_role: Option<PlatformRole>,
    /// The membership.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<MemberView>,
    /// What it comes to: everything that the caller may do, but for what rooms say.
    permissions: PermissionSet,
}

async fn me(tenant: Tenant) -> Result<Ok200<OwnMembership>, Problem> {
    let member = match &tenant.member {
        Some(member) => tenant.collection::<Member>().show(member.id, false).await?.map(|shown| shown.view),
        None => None,
    };
    let platform_role = match &tenant.caller {
        Caller::Account(signed_in) => signed_in.account.platform_role,
        Caller::Key(_) | Caller::Nobody => None,
    };
    Ok(Ok200(OwnMembership {
        organization_id: tenant.id.to_string(),
        caller_kind: tenant.caller.kind(),
        role: tenant.role,
        platform_role,
        member,
        permissions: tenant.permissions,
    }))
}

async fn patch(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    version: IfMatch,
    Json(body): Json<MemberPatch>,
) -> Result<Shown<MemberView>, Problem> {
    let id = ids.get("memberId")?;
    trail.target("member", id.to_hex());
    let staffed = change(&app, &tenant, Whom::Member(id), |before| {
        let before = live(before, version)?;
        may_change(rank(&tenant), before.role).map_err(escalation)?;
        let after = body.apply(before);
        let gains = after.role != before.role
            || after.permissions != before.permissions
            || (after.is_active() && !before.is_active());
        if gains {
            grant(&tenant, &after)?;
        }
        Ok(after)
    });
    shown(staffed.await?, &trail)
}

async fn remove(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    version: IfMatch,
) -> Result<NoContent, Problem> {
    let id = ids.get("memberId")?;
    trail.target("member", id.to_hex());
    let staffed = change(&app, &tenant, Whom::Member(id), |before| {
        let before = live(before, version)?;
        may_change(rank(&tenant), before.role).map_err(escalation)?;
        Ok(gone(&app, &tenant, before))
    });
    told(&staffed.await?, &trail);
    Ok(NoContent)
}

async fn leave(State(app): State<App>, tenant: Tenant, trail: Trail) -> Result<NoContent, Problem> {
    let id = tenant.member.as_ref().map(|member| member.id).ok_or_else(Problem::not_found)?;
    trail.target("member", id);
    let staffed = change(&app, &tenant, Whom::Member(id.into()), |before| {
        Ok(gone(&app, &tenant, live(before, IfMatch(None))?))
    });
    told(&staffed.await?, &trail);
    Ok(NoContent)
}

async fn restore(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<MemberView>, Problem> {
    let id = ids.get("memberId")?;
    trail.target("member", id.to_hex());
    let staffed = change(&app, &tenant, Whom::Member(id), |before| {
        let before = before.filter(|before| before.deleted_at.is_some()).ok_or_else(Problem::not_found)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(Code::VersionMismatch.into());
        }
        let after = Member { deleted_at: None, deleted_by: None, ..before.clone() };
        may_change(rank(&tenant), after.role).map_err(escalation)?;
        grant(&tenant, &after)?;
        Ok(after)
    });
    shown(staffed.await?, &trail)
}

async fn change(
    app: &App,
    tenant: &Tenant,
    whom: Whom,
    decide: impl Fn(Option<&Member>) -> Result<Member, Problem> + Send + Sync,
) -> Result<Staffed, Problem> {
    tenant.platform.change_staff(&tenant.id, whom, app.now(), decide).await.map_err(problem)
}

/// The member, unless they were removed or are not as the caller knows them.
fn live(member: Option<&Member>, IfMatch(version): IfMatch) -> Result<&Member, Problem> {
    let member = member.filter(|member| member.deleted_at.is_none()).ok_or_else(Problem::not_found)?;
    if version.is_some_and(|version| version != member.version) {
        return Err(Code::VersionMismatch.into());
    }
    Ok(member)
}

fn gone(app: &App, tenant: &Standing, before: &Member) -> Member {
    Member { deleted_at: Some(app.now()), deleted_by: tenant.caller.id().map(Id::from), ..before.clone() }
}

fn told(staffed: &Staffed, trail: &Trail) {
    if let Some(before) = &staffed.before {
        trail.before(&before.view);
    }
    trail.after(&staffed.after.view);
}

fn shown(staffed: Staffed, trail: &Trail) -> Result<Shown<MemberView>, Problem> {
    told(&staffed, trail);
    Ok(Shown { version: staffed.after.version, document: staffed.after.view })
}

/// As what the caller gives rights: who runs the platform acts as an owner.
pub(super) fn rank(tenant: &Standing) -> Role {
    match &tenant.caller {
        Caller::Account(signed_in) if signed_in.is_super_admin() => Role::Owner,
        // No scope lets a key manage members; if one did, it would outrank nobody.
        _ => tenant.role.unwrap_or(Role::Viewer),
    }
}

fn grant(tenant: &Standing, after: &Member) -> Result<(), Problem> {
    may_grant(&tenant.permissions, rank(tenant), after.role, &after.permissions).map_err(escalation)
}

/// Who wants to give what they cannot give.
pub(super) fn escalation(escalation: Escalation) -> Problem {
    let told = escalation.to_string();
    match escalation {
        Escalation::Role | Escalation::Rank | Escalation::Permission(_) => {
            Problem::new(Code::Escalation, told)
        }
        Escalation::RestrictedOwner => Problem::field("permissions", told),
        Escalation::Platform(_) => Problem::field("permissions.allow", told),
    }
}

fn problem(error: StaffError<Problem>) -> Problem {
    let told = error.to_string();
    match error {
        StaffError::Refused(problem) => problem,
        StaffError::AgentsFull(_) | StaffError::MembersFull(_) => Problem::new(Code::LimitReached, told),
        StaffError::LastOwner | StaffError::InvitationGone => Problem::new(Code::Conflict, told),
        StaffError::NoOrganization => Problem::not_found(),
        StaffError::Store(error) => error.into(),
    }
}
