//! Who is in a room: people who write in, and staff whose flags decide what they may do in it.

use axum::extract::State;
use bson::doc;
use bson::oid::ObjectId;
use matome_domain::access::{Action, Permission, Resource};
use matome_domain::limits::Limit;
use matome_domain::person::RoomMemberStatus;
use matome_store::entities::{
    Member, RoomMember, RoomMemberKind, RoomMemberPatch, RoomMemberView, RoomPermissions, User,
};
use matome_store::exposed::{Changes, Kept};
use matome_store::time::date;

use super::Route;
use crate::context::App;
use crate::crud::{Crud, Hooks, PathIds, changed, without};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{IfMatch, Problem, Shown};

/// Who can be in a room, and what they may be given.
enum RoomMembers {}

impl Hooks<RoomMember> for RoomMembers {
    /// Nor why somebody is banned, which says something of them.
    fn audited(view: &RoomMemberView) -> serde_json::Value {
        without(view, &["/bannedReason"])
    }

    async fn before_create(
        _: &App,
        tenant: &Tenant,
        ids: &PathIds,
        new: &mut RoomMember,
    ) -> Result<(), Problem> {
        let room = ids.get("roomId")?;
        if new.room_id != room {
            return Err(Problem::field("roomId", "must be the room in the path"));
        }
        if !is_of_the_organization(tenant, new).await? {
            return Err(match new.kind {
                RoomMemberKind::User => Problem::field("userId", "is no user of this organization"),
                RoomMemberKind::Staff => Problem::field("accountId", "is no member of this organization"),
            });
        }
        fits_in(tenant, new, 1).await
    }

    async fn after_create(_: &App, tenant: &Tenant, new: &RoomMember) -> Result<(), Problem> {
        fits_in(tenant, new, 0).await
    }

    async fn before_restore(_: &App, tenant: &Tenant, id: ObjectId) -> Result<(), Problem> {
        let found = tenant.store.collection::<RoomMember>().get(id).await?.ok_or_else(Problem::not_found)?;
        if !is_of_the_organization(tenant, &found).await? {
            return Err(Problem::new(Code::Conflict, "They are not of this organization any more"));
        }
        fits_in(tenant, &found, 1).await
    }

    async fn before_change(
        _: &App,
        tenant: &Tenant,
        id: ObjectId,
        patch: Option<&RoomMemberPatch>,
    ) -> Result<(), Problem> {
        let Some(to) = patch.and_then(|patch| patch.permissions.value()) else { return Ok(()) };
        let found =
            tenant.store.collection::<RoomMember>().get_live(id).await?.ok_or_else(Problem::not_found)?;
        if found.kind != RoomMemberKind::Staff {
            return Ok(());
        }
        let given = |flag: &Kept<bool>, had: bool| flag.value().copied().unwrap_or_default() && !had;
        let had = found.permissions;
        let given = RoomPermissions {
            can_send_message: given(&to.can_send_message, had.can_send_message),
            can_view_history: given(&to.can_view_history, had.can_view_history),
            can_export_data: given(&to.can_export_data, had.can_export_data),
            can_manage_settings: given(&to.can_manage_settings, had.can_manage_settings),
        };
        gives_no_more_than_own(tenant, found.room_id, given).await
    }
}

/// Whether there is somebody to be in a room: a user, or an active member.
async fn is_of_the_organization(tenant: &Tenant, who: &RoomMember) -> Result<bool, Problem> {
    match who.kind {
        RoomMemberKind::User => Ok(tenant.store.collection::<User>().get_live(who.user_id).await?.is_some()),
        RoomMemberKind::Staff => {
            let active = doc! { "accountId": who.user_id, "status": "active", "deletedAt": null };
            Ok(tenant.collection::<Member>().find_one(active).await?.is_some())
        }
    }
}

/// Refuses somebody with more rights than the caller may give, and one more than the plan has for a room. Who
/// has left the room or is banned takes no place.
async fn fits_in(tenant: &Tenant, who: &RoomMember, more: u64) -> Result<(), Problem> {
    if who.kind == RoomMemberKind::Staff {
        gives_no_more_than_own(tenant, who.room_id, who.permissions).await?;
    }
    let limit = tenant.organization.limits.of(Limit::MembersPerRoom);
    let limit = limit.filter(|_| who.status == RoomMemberStatus::Active);
    let Some(limit) = limit else { return Ok(()) };
    let there = doc! { "roomId": who.room_id, "status": "active", "deletedAt": null };
    if tenant.store.collection::<RoomMember>().count(there).await? + more <= limit {
        return Ok(());
    }
    Err(Problem::new(Code::LimitReached, format!("The plan has {limit} members for a room")))
}

/// Nobody gives more rights in a room than they have there.
async fn gives_no_more_than_own(
    tenant: &Tenant,
    room: ObjectId,
    given: RoomPermissions,
) -> Result<(), Problem> {
    let own = tenant.in_room(room).await?;
    let needed: [(bool, Permission); 4] = [
        (given.can_send_message, Resource::Messages.to(Action::Create)),
        (given.can_view_history, Resource::Messages.to(Action::Read)),
        (given.can_export_data, Resource::Messages.to(Action::Export)),
        (given.can_manage_settings, Resource::Rooms.to(Action::Update)),
    ];
    if needed.iter().all(|(given, permission)| !given || own.allows(*permission)) {
        return Ok(());
    }
    Err(Code::Escalation.into())
}

const ALL: &str = "/rooms/{roomId}/members";

pub(super) fn routes() -> Vec<Route> {
    let one = format!("/organizations/{{organizationId}}{ALL}/{{memberId}}");
    let access = || Access::Room(Resource::RoomMembers.to(Action::Update));
    let mut routes = Crud::<RoomMember, RoomMembers>::at(ALL, "memberId").routes();
    routes.extend([
        Route::new(
            Rule::post(format!("{one}/ban"), "banRoomMember", access())
                .says("members", "Ban somebody from a room")
                .describes("What they write is recorded all the same. Staff are removed instead."),
            ban,
        ),
        Route::new(
            Rule::post(format!("{one}/unban"), "unbanRoomMember", access())
                .says("members", "Take back that somebody was banned from a room"),
            unban,
        ),
    ]);
    routes
}

async fn ban(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<RoomMemberView>, Problem> {
    set_banned(&app, &tenant, &ids, &trail, version, true).await
}

async fn unban(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<RoomMemberView>, Problem> {
    set_banned(&app, &tenant, &ids, &trail, version, false).await
}

async fn set_banned(
    app: &App,
    tenant: &Tenant,
    ids: &PathIds,
    trail: &Trail,
    version: Option<i64>,
    banned: bool,
) -> Result<Shown<RoomMemberView>, Problem> {
    let members = tenant.store.collection::<RoomMember>();
    let (room, id) = (ids.get("roomId")?, ids.get("memberId")?);
    // Of the room in the path: the right is asked for there.
    let found = members.get_live(id).await?.filter(|member| member.room_id == room);
    found.ok_or_else(Problem::not_found)?;
    trail.target("roomMember", id.to_hex());
    let patch = RoomMemberPatch { banned: Kept::Value(banned), ..RoomMemberPatch::default() };
    let now = date(app.clock.now());
    let outcome = members.patch_versioned(id, version, now, |before| patch.update(before)).await?;
    changed::<_, RoomMembers>(trail, outcome)
}
