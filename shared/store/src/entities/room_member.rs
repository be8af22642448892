//! A person in a room.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, object_id, string};

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
    /// User.
    pub user_id: ObjectId,
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
    /// `active`, `inactive` (left) or `banned`.
    pub status: String,
    /// When `status` last changed, as LINE says: an older event that comes late changes nothing.
    pub status_at: DateTime,
    /// Banned when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_at: Option<DateTime>,
    /// Banned why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_reason: Option<String>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `roomMember.permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            .required("status", string())
            .required("createdAt", date())
    }
}
