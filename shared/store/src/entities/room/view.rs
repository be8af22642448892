//! What the API shows of a room, makes one from and lets be changed.

use bson::{DateTime, doc};
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::limits::Limit;
use matome_domain::session::SessionTriggers;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Presence, Room, RoomMetadata, RoomSettings, RoomType};
use crate::exposed::{
    Changes, CustomFields, DeletePolicy, Examples, Exposed, Filter, Kept, New, NewContext, Patched, Refusal,
    Sort, Tags, Update, example,
};
use crate::value::{Id, Time};

/// A room as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// LINE's channel id; `internal` for a room that LINE does not know.
    pub channel_id: String,
    /// LINE's user, group or room id.
    pub conversation_id: String,
    /// Kind.
    pub room_type: RoomType,
    /// Display name; absent until LINE told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Staff named it: the name that LINE knows does not replace theirs.
    #[serde(default)]
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
    pub metadata: RoomMetadataView,
    /// Counters.
    pub statistics: RoomStatisticsView,
    /// Limits that it is beyond.
    #[serde(default)]
    pub over_limits: Vec<Limit>,
    /// `active` or `archived`.
    pub status: String,
    /// Archived when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Time>,
    /// Whether the bot can be heard there.
    pub presence: Presence,
    /// Created.
    pub created_at: Time,
    /// Last changed or heard from.
    pub updated_at: Time,
    /// Deleted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// The account that deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
}

/// `room.metadata`, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RoomMetadataView {
    /// Customer support, sales, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Labels.
    pub tags: Tags,
    /// The organization's own fields.
    pub custom_fields: CustomFields,
}

/// `room.statistics`, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomStatisticsView {
    /// Sessions ever opened.
    pub total_sessions: i64,
    /// Messages ever recorded.
    pub total_messages: i64,
    /// Of those, pictures.
    pub total_images: i64,
    /// Sessions open now: 0 or 1.
    pub active_sessions: i64,
    /// When the newest message was sent.
    pub last_activity_at: Time,
}

/// A room of staff's own: LINE does not know it, and nothing is pushed to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRoom {
    /// Display name.
    #[garde(length(chars, min = 1, max = 200))]
    pub name: String,
    /// Description.
    #[garde(length(chars, max = 2000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Settings, over the organization's.
    #[garde(dive)]
    #[serde(default)]
    pub settings: RoomSettingsPatch,
    /// Free data.
    #[garde(dive)]
    #[serde(default)]
    pub metadata: NewRoomMetadata,
}

/// `room.metadata` of a new room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRoomMetadata {
    /// Customer support, sales, …
    #[garde(length(chars, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Department.
    #[garde(length(chars, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Labels.
    #[garde(dive)]
    #[serde(default)]
    pub tags: Tags,
    /// The organization's own fields.
    #[garde(dive)]
    #[serde(default)]
    pub custom_fields: CustomFields,
}

/// What can be changed of a room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomPatch {
    /// Display name; null for the one that LINE knows.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub name: Patched<String>,
    /// Description.
    #[garde(length(chars, max = 2000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub description: Patched<String>,
    /// Settings; null for the organization's, but for privacy, which stays.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub settings: Patched<RoomSettingsPatch>,
    /// Free data.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub metadata: Kept<RoomMetadataPatch>,
}

/// `room.settings` in a patch: null for what the organization has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomSettingsPatch {
    /// Close sessions by count and time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub auto_close: Patched<bool>,
    /// When sessions close.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub session_triggers: Patched<SessionTriggersPatch>,
    /// Summarize.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub ai_enabled: Patched<bool>,
    /// Show summaries in LINE.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub notification_enabled: Patched<bool>,
    /// Who of staff sees it.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub privacy: Patched<Privacy>,
    /// BCP 47 tag of the summaries.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub summary_language: Patched<String>,
}

/// `settings.sessionTriggers` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionTriggersPatch {
    /// A session closes with so many messages.
    #[garde(range(min = 1, max = 1000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub message_count: Patched<u32>,
    /// A session closes after so many milliseconds: one minute to 30 days.
    #[garde(range(min = 60_000_u64, max = 2_592_000_000_u64))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub time_limit: Patched<u64>,
}

/// `room.settings.privacy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// All staff who may see rooms.
    Public,
    /// Owners, admins, managers, and who is a member of the room.
    Private,
}

/// `room.metadata` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoomMetadataPatch {
    /// Customer support, sales, …
    #[garde(length(chars, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub purpose: Patched<String>,
    /// Department.
    #[garde(length(chars, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub department: Patched<String>,
    /// Labels, all of them.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub tags: Patched<Tags>,
    /// The organization's own fields, merged.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub custom_fields: Patched<CustomFields>,
}

impl RoomSettingsPatch {
    fn update(&self, update: Update) -> Update {
        update
            .patched("settings.autoClose", &self.auto_close)
            .nested("settings.sessionTriggers", &self.session_triggers, |update, triggers| {
                update
                    .patched("settings.sessionTriggers.messageCount", &triggers.message_count)
                    .patched("settings.sessionTriggers.timeLimit", &triggers.time_limit)
            })
            .patched("settings.aiEnabled", &self.ai_enabled)
            .patched("settings.notificationEnabled", &self.notification_enabled)
            .patched("settings.privacy", &self.privacy)
            .patched("settings.summaryLanguage", &self.summary_language)
    }

    fn settings(&self) -> RoomSettings {
        let triggers = self.session_triggers.value().cloned().unwrap_or_default();
        RoomSettings {
            auto_close: self.auto_close.value().copied(),
            session_triggers: SessionTriggers {
                message_count: triggers.message_count.value().copied(),
                time_limit: triggers.time_limit.value().copied(),
            },
            ai_enabled: self.ai_enabled.value().copied(),
            notification_enabled: self.notification_enabled.value().copied(),
            privacy: self.privacy.value().map(|privacy| match privacy {
                Privacy::Public => "public".to_owned(),
                Privacy::Private => "private".to_owned(),
            }),
            summary_language: self.summary_language.value().cloned(),
        }
    }
}

impl New<Room> for NewRoom {
    fn build(self, new: &NewContext) -> Result<Room, Refusal> {
        Ok(Room {
            id: new.id,
            conversation_id: new.id.to_hex(),
            name: Some(self.name),
            renamed: true,
            description: self.description,
            settings: self.settings.settings(),
            metadata: RoomMetadata {
                purpose: self.metadata.purpose,
                department: self.metadata.department,
                tags: self.metadata.tags.0,
                custom_fields: self.metadata.custom_fields.document("metadata.customFields")?,
            },
            ..crate::create_organization::default_room(&new.tenant_id(), new.now)
        })
    }
}

impl Changes<Room> for RoomPatch {
    fn update(&self, before: &Room) -> Result<Update, Refusal> {
        let mut update = self.settings.value().map_or_else(Update::new, |s| s.update(Update::new()));
        if self.settings == Patched::Null {
            // But for its privacy, which an organization has none of: a room that is hidden is not shown by the way.
            update = match &before.settings.privacy {
                None => update.unset("settings"),
                Some(privacy) => update.set("settings", &doc! { "privacy": privacy }),
            };
        }
        update = update.patched("description", &self.description);
        update = match &self.name {
            Patched::Absent => update,
            Patched::Value(name) => update.set("name", name).set("renamed", &true),
            Patched::Null if before.channel_id == Room::NO_CHANNEL => {
                return Err(Refusal::of("name", "LINE has no name for this room"));
            }
            // The recorder asks LINE with the next message.
            Patched::Null => {
                update.unset("name").unset("renamed").set("refreshAt", &DateTime::from_millis(0))
            }
        };
        let Some(metadata) = self.metadata.value() else { return Ok(update) };
        update = update
            .patched("metadata.purpose", &metadata.purpose)
            .patched("metadata.department", &metadata.department);
        update = match &metadata.tags {
            Patched::Null => update.set("metadata.tags", &Tags::default()),
            tags => update.patched("metadata.tags", tags),
        };
        CustomFields::patch(
            update,
            "metadata.customFields",
            &before.metadata.custom_fields,
            &metadata.custom_fields,
        )
    }
}

impl Exposed for Room {
    const NAME: &'static str = "room";
    const RESOURCE: Resource = Resource::Rooms;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    const ROOM: Option<&'static str> = Some("_id");
    type View = RoomView;
    type Create = NewRoom;
    type Patch = RoomPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::among(
                "status",
                &["active", "archived"],
                "State; those that were deleted are asked for with `deleted`.",
            )
            .always(),
            Filter::one_of::<RoomType>("roomType", "Kind."),
            Filter::text("channelId", "LINE's channel id."),
            Filter::text("tag", "One of its labels.").at("metadata.tags"),
            Filter::time("statistics.lastActivityAt", "When its newest message was sent."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("statistics.lastActivityAt"), Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        let create = json!({
            "name": "Complaints", "description": "What went wrong this week", "settings": { "privacy": "private" },
            "metadata": { "department": "Service", "tags": ["weekly"] },
        });
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718293", "version": 3, "channelId": "1650000001",
                "conversationId": "C4af4980629", "roomType": "group", "name": "Shop Ginza", "renamed": false,
                "settings": { "privacy": "public", "sessionTriggers": { "messageCount": 80 } },
                "metadata": { "purpose": "sales", "tags": ["vip"], "customFields": { "crmId": "A-17" } },
                "statistics": {
                    "totalSessions": 12, "totalMessages": 480, "totalImages": 7, "activeSessions": 1,
                    "lastActivityAt": "2026-11-20T09:30:00.000Z",
                },
                "overLimits": [], "status": "active", "presence": "present",
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: Some(example(create)),
            patch: Some(example(json!({
                "name": "Shop Ginza (VIP)", "settings": { "sessionTriggers": { "messageCount": 100 }, "aiEnabled": null },
            }))),
        }
    }
}
