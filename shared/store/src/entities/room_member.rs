//! A person in a room.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::person::RoomMemberStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, New, NewContext, Refusal, Sort, Update, example,
};
use crate::shape::{Shape, date, object_id, one_of};
use crate::value::{Id, Time};

/// `_id` is derived from room and user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomMember {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Room.
    pub room_id: ObjectId,
    /// Who: a user; or an account, if it is [`RoomMemberKind::Staff`].
    pub user_id: ObjectId,
    /// Which of the two.
    #[serde(default)]
    pub kind: RoomMemberKind,
    /// `admin`, `member` or `viewer`.
    pub role: String,
    /// First seen, or joined.
    pub joined_at: DateTime,
    /// Left, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<DateTime>,
    /// Last heard of.
    pub last_active_at: DateTime,
    /// What the person may do in the console.
    pub permissions: RoomPermissions,
    /// Counters.
    pub statistics: RoomMemberStatistics,
    /// Whether they are there.
    pub status: RoomMemberStatus,
    /// When `status` last changed, as LINE says: an older event that comes late changes nothing.
    pub status_at: DateTime,
    /// Banned when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_at: Option<DateTime>,
    /// Banned why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_reason: Option<String>,
    /// Deleted by staff when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime>,
    /// The account that did; absent when a machine did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<ObjectId>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking: how often somebody edited it. What is counted and observed leaves it
    /// alone.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// Who is in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoomMemberKind {
    /// Somebody who writes in.
    #[default]
    User,
    /// Somebody who answers: `permissions` decide what they may do in this room, and that they see it
    /// even if it is private.
    Staff,
}

/// `roomMember.permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomPermissions {
    /// May send.
    pub can_send_message: bool,
    /// May read what was said before.
    pub can_view_history: bool,
    /// May export.
    pub can_export_data: bool,
    /// May change settings.
    pub can_manage_settings: bool,
}

impl Default for RoomPermissions {
    /// What somebody in the chat has: to talk and to read.
    fn default() -> Self {
        Self {
            can_send_message: true,
            can_view_history: true,
            can_export_data: false,
            can_manage_settings: false,
        }
    }
}

/// `roomMember.statistics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMemberStatistics {
    /// Messages.
    pub messages_sent: i64,
    /// Sessions the person spoke in.
    pub sessions_participated: i64,
}

impl Entity for RoomMember {
    const COLLECTION: &'static str = "room_members";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "roomId": 1, "userId": 1 }),
            Index::on(doc! { "tenantId": 1, "userId": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("roomId", object_id())
            .required("userId", object_id())
            .required("status", one_of::<RoomMemberStatus>())
            .required("createdAt", date())
    }
}

/// A member of a room as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMemberView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// Room.
    pub room_id: Id,
    /// Who: a user; or an account, if `kind` is `staff`.
    pub user_id: Id,
    /// Which of the two.
    #[serde(default)]
    pub kind: RoomMemberKind,
    /// `admin`, `member` or `viewer`.
    pub role: String,
    /// First seen, joined or added.
    pub joined_at: Time,
    /// Left, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Time>,
    /// Last heard of.
    pub last_active_at: Time,
    /// What they may do in the room.
    pub permissions: RoomPermissions,
    /// Counters.
    pub statistics: RoomMemberStatistics,
    /// Whether they are there.
    pub status: RoomMemberStatus,
    /// Banned when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_at: Option<Time>,
    /// Banned why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_reason: Option<String>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Deleted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// The account that deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
}

/// Somebody who is added to a room: exactly one of `userId` and `accountId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRoomMember {
    /// Room.
    #[garde(skip)]
    pub room_id: Id,
    /// A user of the organization.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// The account of one of its members.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Id>,
    /// Role; `member` when absent.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoomRole>,
    /// What they may do in the room: talk and read, but for what is said here.
    #[garde(dive)]
    #[serde(default)]
    pub permissions: RoomPermissionsPatch,
}

/// `roomMember.role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoomRole {
    /// Looks after it.
    Admin,
    /// Talks in it.
    Member,
    /// Reads.
    Viewer,
}

impl RoomRole {
    const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }
}

/// What can be changed of a member of a room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomMemberPatch {
    /// Role.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub role: Kept<RoomRole>,
    /// What they may do in the room.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub permissions: Kept<RoomPermissionsPatch>,
    /// Banned, or no more; only a user can be.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub banned: Kept<bool>,
    /// Why.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub banned_reason: Kept<String>,
}

/// `roomMember.permissions` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomPermissionsPatch {
    /// May send.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub can_send_message: Kept<bool>,
    /// May read what was said before.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub can_view_history: Kept<bool>,
    /// May export.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub can_export_data: Kept<bool>,
    /// May change settings.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub can_manage_settings: Kept<bool>,
}

impl RoomPermissionsPatch {
    fn apply(&self, before: RoomPermissions) -> RoomPermissions {
        let flag = |patch: &Kept<bool>, before| patch.value().copied().unwrap_or(before);
        RoomPermissions {
            can_send_message: flag(&self.can_send_message, before.can_send_message),
            can_view_history: flag(&self.can_view_history, before.can_view_history),
            can_export_data: flag(&self.can_export_data, before.can_export_data),
            can_manage_settings: flag(&self.can_manage_settings, before.can_manage_settings),
        }
    }
}

impl New<RoomMember> for NewRoomMember {
    fn build(self, new: &NewContext) -> Result<RoomMember, Refusal> {
        let (user_id, kind) = match (self.user_id, self.account_id) {
            (Some(user), None) => (user, RoomMemberKind::User),
            (None, Some(account)) => (account, RoomMemberKind::Staff),
            _ => return Err(Refusal::of("userId", "exactly one of userId and accountId is needed")),
        };
        Ok(RoomMember {
            // As the recorder derives it, so that it finds whom staff added.
            id: crate::id::derived(&["member", &self.room_id.to_hex(), &user_id.to_hex()]),
            tenant_id: new.tenant_id(),
            room_id: self.room_id.into(),
            user_id: user_id.into(),
            kind,
            role: self.role.unwrap_or(RoomRole::Member).name().to_owned(),
            joined_at: new.now,
            left_at: None,
            last_active_at: new.now,
            permissions: self.permissions.apply(RoomPermissions::default()),
            statistics: RoomMemberStatistics::default(),
            status: RoomMemberStatus::Active,
            status_at: new.now,
            banned_at: None,
            banned_reason: None,
            deleted_at: None,
            deleted_by: None,
            created_at: new.now,
            updated_at: new.now,
            version: 0,
        })
    }
}

impl Changes<RoomMember> for RoomMemberPatch {
    fn update(&self, before: &RoomMember) -> Result<Update, Refusal> {
        let mut update = Update::new().kept("role", &self.role);
        if let Some(to) = self.permissions.value() {
            update = update
                .kept("permissions.canSendMessage", &to.can_send_message)
                .kept("permissions.canViewHistory", &to.can_view_history)
                .kept("permissions.canExportData", &to.can_export_data)
                .kept("permissions.canManageSettings", &to.can_manage_settings);
        }
        let was = before.status == RoomMemberStatus::Banned;
        if self.banned_reason.value().is_some() && !self.banned.value().copied().unwrap_or(was) {
            return Err(Refusal::of("bannedReason", "is for somebody who is banned"));
        }
        match self.banned.value() {
            Some(true) if before.kind == RoomMemberKind::Staff => {
                return Err(Refusal::of("banned", "staff are removed from the room instead"));
            }
            Some(true) if !was => update = update.set("status", &RoomMemberStatus::Banned).stamp("bannedAt"),
            Some(false) if was => {
                update =
                    update.set("status", &RoomMemberStatus::Active).unset("bannedAt").unset("bannedReason")
            }
            _ => {}
        }
        Ok(update.kept("bannedReason", &self.banned_reason))
    }
}

impl Exposed for RoomMember {
    const NAME: &'static str = "roomMember";
    const RESOURCE: Resource = Resource::RoomMembers;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    const ROOM: Option<&'static str> = Some("roomId");
    type View = RoomMemberView;
    type Create = NewRoomMember;
    type Patch = RoomMemberPatch;

    fn filters() -> Vec<Filter> {
        vec![
            // LINE's groups end at 500.
            Filter::id("roomId", "Room.").few(),
            Filter::id("userId", "User; or account, of staff.").few(),
            Filter::one_of::<RoomMemberKind>("kind", "User or staff."),
            Filter::among("role", &["admin", "member", "viewer"], "Role."),
            Filter::one_of::<RoomMemberStatus>("status", "Whether they are there."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        let permissions = json!({
            "canSendMessage": true, "canViewHistory": true, "canExportData": false, "canManageSettings": false,
        });
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718295", "version": 0, "roomId": "671f0a2b9d3c4e5f60718293",
                "userId": "671f0a2b9d3c4e5f60718294", "kind": "user", "role": "member",
                "joinedAt": "2026-10-01T00:00:00.000Z", "lastActiveAt": "2026-11-20T09:30:00.000Z",
                "permissions": permissions, "statistics": { "messagesSent": 41, "sessionsParticipated": 5 },
                "status": "active", "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: Some(example(json!({
                "roomId": "671f0a2b9d3c4e5f60718293", "accountId": "671f0a2b9d3c4e5f60718296", "role": "admin",
                "permissions": permissions,
            }))),
            patch: Some(example(json!({ "permissions": { "canExportData": true } }))),
        }
    }
}
