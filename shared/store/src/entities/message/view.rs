//! What the API shows of a message.

use matome_domain::access::Resource;
use matome_domain::limits::Limit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Dimensions, Emoji, FileData, ImageSet, LocationData, MediaStatus, Message, MessageStatus, StickerData,
};
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::value::{Id, Time};

/// A message as the API shows it: its media by what they are, never by where they lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// LINE channel id.
    pub channel_id: String,
    /// Session.
    pub session_id: Id,
    /// Room.
    pub room_id: Id,
    /// Who said it; absent for people whom LINE does not identify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// LINE's id of it.
    pub line_message_id: String,
    /// `text`, `image`, `video`, `audio`, `file`, `location`, `sticker`, or what LINE invents.
    pub message_type: String,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Picture, video, sound or file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaView>,
    /// File.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_data: Option<FileData>,
    /// Sticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticker_data: Option<StickerData>,
    /// Place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_data: Option<LocationData>,
    /// What is in the text.
    #[serde(default)]
    pub metadata: MessageMetadataView,
    /// The command that it is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Stands for a message that was edited or unsent before it came.
    #[serde(default)]
    pub placeholder: bool,
    /// What it said before.
    #[serde(default)]
    pub edit_history: Vec<EditView>,
    /// Edited when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Time>,
    /// State; `deleted` when it was unsent.
    pub status: MessageStatus,
    /// Limits that it is beyond.
    #[serde(default)]
    pub over_limits: Vec<Limit>,
    /// Unsent when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// When it was sent, as LINE says.
    pub timestamp: Time,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// `message.media`, as it is shown. A link to it that expires is made on demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MediaView {
    /// Where it stands.
    pub status: MediaStatus,
    /// Bytes of its thumbnail, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_size: Option<i64>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<i64>,
    /// Media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// What a summarizer saw in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<MediaAnalysisView>,
}

/// `message.media.analysis`, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MediaAnalysisView {
    /// In its words.
    pub description: String,
    /// When.
    pub analyzed_at: Time,
}

/// `message.metadata`, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageMetadataView {
    /// Users who are mentioned.
    pub mentions: Vec<Id>,
    /// Everybody is mentioned.
    pub mentions_all: bool,
    /// The bot is mentioned.
    pub mentions_bot: bool,
    /// Hashtags, without `#`.
    pub hashtags: Vec<String>,
    /// Links.
    pub urls: Vec<String>,
    /// LINE's emoji.
    pub emojis: Vec<Emoji>,
    /// The LINE message that it quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_message_id: Option<String>,
    /// Pictures sent together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_set: Option<ImageSet>,
}

/// A text that was replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditView {
    /// The text before.
    pub content: String,
    /// When it was written.
    pub written_at: Time,
}

impl Exposed for Message {
    const NAME: &'static str = "message";
    const RESOURCE: Resource = Resource::Messages;
    const DELETE: DeletePolicy = DeletePolicy::Never;
    const ROOM: Option<&'static str> = Some("roomId");
    type View = MessageView;
    /// The recorder alone writes messages.
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::id("roomId", "Room."),
            Filter::id("sessionId", "Session."),
            Filter::id("userId", "Who said it."),
            Filter::text("messageType", "Kind, such as `text` or `image`."),
            Filter::one_of::<MessageStatus>("status", "State."),
            Filter::time("timestamp", "When it was sent."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("timestamp")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718299", "version": 0, "channelId": "1650000001",
                "sessionId": "671f0a2b9d3c4e5f60718297", "roomId": "671f0a2b9d3c4e5f60718293",
                "userId": "671f0a2b9d3c4e5f60718294", "lineMessageId": "468789577898262530",
                "messageType": "image",
                "media": {
                    "status": "stored", "fileSize": 48213, "mimeType": "image/jpeg",
                    "dimensions": { "width": 1024, "height": 768 }, "thumbnailSize": 3120,
                },
                "status": "delivered", "timestamp": "2026-11-20T09:30:00.000Z",
                "createdAt": "2026-11-20T09:30:01.000Z", "updatedAt": "2026-11-20T09:30:02.000Z",
            })),
            create: None,
            patch: None,
        }
    }
}
