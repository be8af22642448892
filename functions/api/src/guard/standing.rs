//! Where the caller stands in a tenant: which organization, with which rights, and what of it is hidden
//! from them. Made by the guard from the path and a verified membership, and from nothing else.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use bson::oid::ObjectId;
use bson::{Document, doc};
use http::request::Parts;
use matome_domain::access::{Permission, PermissionSet, Role, RoomAccess, RoomFlags, room_access};
use matome_domain::ids::TenantId;
use matome_domain::plan::Feature;
use matome_store::entities::{Member, Organization, Room, RoomMember};
use matome_store::hidden_rooms::HiddenRooms;
use matome_store::identity::Maker;
use matome_store::{Collection, Entity, Scope, Store, StoreError, TenantStore};
use tokio::sync::OnceCell;

use crate::guard::Caller;
use crate::http::problem::{Code, Problem};

/// See the module.
#[derive(Debug)]
pub struct Standing {
    /// The tenant.
    pub id: TenantId,
    /// Its organization, as it is now.
    pub organization: Organization,
    /// Its data, in its placement.
    pub store: TenantStore,
    /// The platform's database.
    pub platform: Store,
    /// Who calls.
    pub caller: Caller,
    /// The caller's membership; none for keys and for who runs the platform.
    pub member: Option<Member>,
    /// Of a key: who answers for it.
    pub(crate) maker: Maker,
    /// The caller's role; none for keys.
    pub role: Option<Role>,
    /// What the caller may, everywhere but in rooms that say otherwise.
    pub permissions: PermissionSet,
    pub(crate) hidden: OnceCell<HiddenRooms>,
}

/// The extractor: refuses where there is no tenant in the path.
#[derive(Debug, Clone)]
pub struct Tenant(pub Arc<Standing>);

impl std::ops::Deref for Tenant {
    type Target = Standing;

    fn deref(&self) -> &Standing {
        &self.0
    }
}

impl Standing {
    /// An entity's documents of this tenant, wherever they live.
    #[must_use]
    pub fn collection<E: Entity>(&self) -> Collection<E> {
        match E::SCOPE {
            Scope::Tenant => self.store.collection::<E>(),
            Scope::TenantOnPlatform | Scope::Platform => self.platform.of_tenant::<E>(&self.id),
        }
    }

    /// Refuses who lacks a permission.
    ///
    /// # Errors
    /// 403 that names it.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.permissions.contains(permission) { Ok(()) } else { Err(denied(permission)) }
    }

    /// Refuses what the organization's plan does not have, whoever asks; who runs the platform may do it anyway.
    ///
    /// # Errors
    /// 403 that names the feature.
    pub fn require_feature(&self, feature: Feature) -> Result<(), Problem> {
        let by_operator = matches!(&self.caller, Caller::Account(signed_in) if signed_in.is_super_admin());
        if by_operator || self.organization.may_use(feature) { Ok(()) } else { Err(not_in_plan(feature)) }
    }

    /// As whom rooms are seen: by their flags as well, if they do not supervise. A key sees what its maker
    /// does; none for who runs the platform and for the platform's own keys, who see all.
    pub(crate) fn viewer(&self) -> Option<&Member> {
        match &self.maker {
            Maker::Member(maker) => Some(maker),
            Maker::Platform | Maker::Gone => self.member.as_ref(),
        }
    }

    /// The account that not every room is shown to.
    pub(crate) fn bounded_viewer(&self) -> Option<ObjectId> {
        let bounded = self.viewer().filter(|member| !member.role.supervises());
        bounded.map(|member| member.account_id.into())
    }

    /// The rooms that the caller is not to know of, and those whose talk they are not to read: of the latter
    /// are deleted ones, for everybody. Looked up once a request.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn hidden_rooms(&self) -> Result<&HiddenRooms, Problem> {
        let hidden = self.hidden.get_or_try_init(async || -> Result<HiddenRooms, StoreError> {
            let Some(account) = self.bounded_viewer() else {
                return Ok(HiddenRooms { rooms: Vec::new(), talk: self.store.deleted_rooms().await? });
            };
            let (mut hidden, deleted) =
                tokio::try_join!(self.store.hidden_rooms(account), self.store.deleted_rooms())?;
            hidden.talk.extend(deleted);
            Ok(hidden)
        });
        Ok(hidden.await?)
    }

    /// What the caller may in a room; 404 when they are not to know of it.
    ///
    /// # Errors
    /// 404, or the database's failure.
    pub async fn in_room(&self, room: ObjectId) -> Result<RoomAccess, Problem> {
        let found: Option<Room> = self.store.collection::<Room>().get(room).await?;
        let found = found.filter(|room| room.deleted_at.is_none()).ok_or_else(Problem::not_found)?;
        let is_private = found.settings.privacy.as_deref() == Some("private");
        let access = match self.viewer() {
            Some(member) => {
                let flags = self.room_flags(room, member.account_id.into()).await?;
                let denied = member.permissions.denied();
                room_access(member.role, &member.rights(), &denied, is_private, flags.as_ref())
            }
            // Who is in no room sees what their permissions say.
            None => room_access(Role::Manager, &self.permissions, &PermissionSet::EMPTY, is_private, None),
        };
        let access = match &self.caller {
            Caller::Key(key) => access.within(&key.scopes.permissions()),
            Caller::Account(_) | Caller::Nobody => access,
        };
        if access.may_see { Ok(access) } else { Err(Problem::not_found()) }
    }

    async fn room_flags(&self, room: ObjectId, account: ObjectId) -> Result<Option<RoomFlags>, Problem> {
        let filter = doc! { "roomId": room, "userId": account, "status": "active", "deletedAt": null };
        let member: Option<RoomMember> = self.store.collection::<RoomMember>().find_one(filter).await?;
        Ok(member.map(|member| RoomFlags {
            can_send_message: member.permissions.can_send_message,
            can_view_history: member.permissions.can_view_history,
            can_export_data: member.permissions.can_export_data,
            can_manage_settings: member.permissions.can_manage_settings,
        }))
    }

    /// Refuses who lacks a permission in a room.
    ///
    /// # Errors
    /// 404 when they are not to know of the room; 403 that names the permission.
    pub async fn require_in_room(&self, room: ObjectId, permission: Permission) -> Result<(), Problem> {
        let access = self.in_room(room).await?;
        if access.permissions.contains(permission) { Ok(()) } else { Err(denied(permission)) }
    }

    /// A filter that leaves out what is in hidden rooms; `field` names the room in a document, `_id` in the
    /// rooms themselves.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn visible(&self, field: &str) -> Result<Document, Problem> {
        let hidden = self.hidden_rooms().await?;
        let rooms = if field == "_id" { &hidden.rooms } else { &hidden.talk };
        if rooms.is_empty() { Ok(Document::new()) } else { Ok(doc! { field: { "$nin": rooms } }) }
    }
}

/// 403 that names the feature.
pub(crate) fn not_in_plan(feature: Feature) -> Problem {
    Problem::new(Code::FeatureNotInPlan, format!("This needs a plan with {}", feature.as_str()))
}

/// 403 that names the permission.
pub(crate) fn denied(permission: Permission) -> Problem {
    Problem::new(Code::PermissionDenied, format!("This needs the permission {permission}"))
}

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let standing = parts.extensions.get::<Arc<Standing>>().cloned();
        standing.map(Self).ok_or_else(|| Problem::internal("a route whose rule has no tenant asks for one"))
    }
}

impl crate::http::documented::Takes for Tenant {}
