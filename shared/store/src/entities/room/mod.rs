//! One place where people talk.

mod view;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::limits::Limit;
use matome_domain::month::Month;
use matome_domain::session::SessionTriggers;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, number, one_of, string};

pub use view::{
    NewRoom, NewRoomMetadata, Privacy, RoomMetadataPatch, RoomMetadataView, RoomPatch, RoomSettingsPatch,
    RoomStatisticsView, RoomView, SessionTriggersPatch,
};

/// A 1:1 chat, a LINE group or a multi-person chat. `_id` is derived from channel and conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE channel id (the seed's `lineOfficialAccountId`).
    pub channel_id: String,
    /// LINE's user, group or room id: whichever the conversation is named by.
    pub conversation_id: String,
    /// Kind.
    pub room_type: RoomType,
    /// LINE's id of a multi-person chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_room_id: Option<String>,
    /// LINE's group id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_group_id: Option<String>,
    /// LINE's user id of a 1:1 chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_user_id: Option<String>,
    /// Display name: the group's or the person's; absent until LINE told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Staff named it: the name that LINE knows does not replace theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Picture URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Settings; what is absent is inherited from the organization.
    #[serde(default)]
    pub settings: RoomSettings,
    /// Free data.
    #[serde(default)]
    pub metadata: RoomMetadata,
    /// Counters.
    pub statistics: RoomStatistics,
    /// Messages by the month they were recorded in, the newest month first: see [`Room::count_message`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<RoomUsage>,
    /// `rooms` if there were too many when it was made, written by the recorder; `membersPerRoom` while it
    /// has too many members, written when usage is measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over_limits: Vec<Limit>,
    /// `active`, `archived` or `deleted`.
    pub status: String,
    /// Archived when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<DateTime>,
    /// Whether the bot can be heard there.
    pub presence: Presence,
    /// When `presence` last changed, as LINE says: an older event that comes late changes nothing.
    pub presence_at: DateTime,
    /// LINE's mode with the newest event; absent = no event yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<RoomMode>,
    /// The highest `sessionNumber` given out.
    pub last_session_number: i64,
    /// A summary that the quota kept back: "summary ready" goes out with the next free reply token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_summary_id: Option<ObjectId>,
    /// When name and picture should be fetched again; in the past = now.
    pub refresh_at: DateTime,
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
    /// Version for optimistic locking: how often somebody edited it. What is counted and observed (by the
    /// recorder, say) leaves it alone, or nobody could ever edit what is busy.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `room.roomType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomType {
    /// 1:1.
    Individual,
    /// LINE group.
    Group,
    /// LINE multi-person chat.
    MultiPerson,
}

/// Whether messages of ours reach the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// Friend, or member of the group.
    #[default]
    Present,
    /// Blocked by the person, or removed from the group.
    Absent,
}

/// `room.mode`: whether the channel may talk there, as LINE last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomMode {
    /// LINE's mode was `standby`: another application has the conversation, and nothing is sent into it.
    pub standby: bool,
    /// When the event happened that said so: an older one that comes late changes nothing.
    pub at: DateTime,
}

/// `room.settings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RoomSettings {
    /// Close sessions by count and time; `true` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_close: Option<bool>,
    /// When sessions close.
    pub session_triggers: SessionTriggers,
    /// Summarize; `true` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_enabled: Option<bool>,
    /// Show summaries in LINE; `true` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_enabled: Option<bool>,
    /// `public` or `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<String>,
    /// BCP 47 tag of the summaries, over the organization's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_language: Option<String>,
}

/// `room.metadata`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoomMetadata {
    /// Customer support, sales, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// The organization's own fields.
    pub custom_fields: Document,
}

/// `room.statistics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomStatistics {
    /// Sessions ever opened.
    pub total_sessions: i64,
    /// Messages ever recorded.
    pub total_messages: i64,
    /// Of those, pictures.
    pub total_images: i64,
    /// Sessions open now: 0 or 1.
    pub active_sessions: i64,
    /// Timestamp of the newest message.
    pub last_activity_at: DateTime,
}

/// `room.usage[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUsage {
    /// Month.
    pub month: Month,
    /// Messages recorded in it.
    pub messages: i64,
}

/// Months a room remembers. The month before is kept so that it can still be summed after its end.
const MONTHS: usize = 2;

impl Room {
    /// Channel of rooms that no messaging platform knows. LINE's channel ids are numbers.
    pub const NO_CHANNEL: &'static str = "internal";

    /// Counts a message recorded in `month`. Only the recorder calls it, in the transaction that
    /// records the message, so that the count is exact.
    pub fn count_message(&mut self, month: &Month) {
        if let Some(usage) = self.usage.iter_mut().find(|u| u.month == *month) {
            usage.messages += 1;
            return;
        }
        self.usage.push(RoomUsage { month: month.clone(), messages: 1 });
        self.usage.sort_unstable_by(|a, b| b.month.cmp(&a.month));
        self.usage.truncate(MONTHS);
    }
}

impl Entity for Room {
    const COLLECTION: &'static str = "rooms";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "channelId": 1, "conversationId": 1 }),
            // One for all lists by activity, with a status or (all of them asked for) without: each message
            // pays for each index that has this time in it.
            Index::on(doc! { "tenantId": 1, "status": 1, "statistics.lastActivityAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            // What is hidden from agents and viewers is asked for by each of their requests: read off the index.
            Index::on(doc! { "tenantId": 1, "settings.privacy": 1, "_id": 1 })
                .only(doc! { "settings.privacy": "private" }),
            // The few that were deleted: what is in them is left out of every list.
            Index::on(doc! { "tenantId": 1, "deletedAt": 1, "_id": 1 })
                .only(doc! { "deletedAt": { "$exists": true } }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("channelId", string())
            .required("conversationId", string())
            .required("roomType", one_of::<RoomType>())
            .required("presence", one_of::<Presence>())
            .required("lastSessionNumber", number())
            .required("status", string())
            .required("createdAt", date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_counts_by_month_and_remembers_the_month_before() {
        let month = |name: &str| Month::try_from(name.to_owned()).unwrap();
        let mut room = crate::create_organization::default_room("0123456789abcdef01234567", DateTime::MIN);
        // A clock that went back for a moment does no harm.
        for name in ["2026-09", "2026-10", "2026-11", "2026-11", "2026-10", "2026-11"] {
            room.count_message(&month(name));
        }
        let counted: Vec<_> = room.usage.iter().map(|u| (u.month.as_str(), u.messages)).collect();
        assert_eq!(counted, [("2026-11", 3), ("2026-10", 2)]);
    }
}
