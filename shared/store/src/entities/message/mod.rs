//! What was said.

mod view;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::limits::Limit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entities::session::ReplyToken;
use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, object_id, one_of, string};

pub use view::{EditView, MediaAnalysisView, MediaView, MessageMetadataView, MessageView};

/// `_id` is derived from channel and LINE message id: the same message is one document, however
/// often it is delivered.
///
/// The recorder writes what people say. What we say goes out by the outbox and is no message here yet, so nothing
/// writes `delivered_at`, `read_at`, `ai_processing` and the states `read` and `failed`, which the seeds have: LINE
/// tells neither that a message arrived nor that it was read, and staff read in no place that counts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE channel id.
    pub channel_id: String,
    /// Session.
    pub session_id: ObjectId,
    /// Room.
    pub room_id: ObjectId,
    /// Sender; absent for people who have not consented to being identified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<ObjectId>,
    /// LINE's message id, unique within the channel.
    pub line_message_id: String,
    /// LINE's event id of the delivery that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_event_id: Option<String>,
    /// LINE's reply token for this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_token: Option<ReplyToken>,
    /// `text`, `image`, `video`, `audio`, `file`, `sticker`, `location`; LINE's own word for kinds
    /// that came later; `unknown` for a tombstone whose message never came.
    pub message_type: String,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Picture, video, voice or file (the seed's `imageData`, for all of them).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// File as announced by LINE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_data: Option<FileData>,
    /// Sticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticker_data: Option<StickerData>,
    /// Place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_data: Option<LocationData>,
    /// Read off the message.
    #[serde(default)]
    pub metadata: MessageMetadata,
    /// A kind of message that came after this code: LINE's object, untouched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Document>,
    /// A chat command, such as `summarize`; not part of the talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// An unsend or an edit came before its message: what is known stands here, and the message
    /// fills in the rest when it comes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub placeholder: bool,
    /// Earlier texts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edit_history: Vec<Edit>,
    /// Last edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime>,
    /// The words it is found by: see [`Message::renew_search`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// State.
    pub status: MessageStatus,
    /// Limits of the organization that were exceeded when it was recorded, or its content stored: it
    /// is kept all the same. Written by the recorder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over_limits: Vec<Limit>,
    /// Translation, intent and entities, once something finds them (the seed's `aiProcessing`). Nothing does yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_processing: Option<Document>,
    /// Ours, and taken by LINE when. Not written yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<DateTime>,
    /// Read by staff when. Not written yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<DateTime>,
    /// Unsent when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime>,
    /// When it was sent, as LINE says: the order of reading.
    pub timestamp: DateTime,
    /// Recorded.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking: how often somebody edited it. What is counted and observed leaves it
    /// alone.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `message.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// Recorded.
    Delivered,
    /// Read by staff.
    Read,
    /// Ours, and could not be sent.
    Failed,
    /// Unsent by its sender: a tombstone without content.
    Deleted,
}

/// Stored content of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Where it stands.
    pub status: MediaStatus,
    /// Key in the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Key of the thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_key: Option<String>,
    /// Bytes of the thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_size: Option<i64>,
    /// The content is stored, and LINE is to be asked again for what the thumbnail is made from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail_due: bool,
    /// File name as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<i64>,
    /// Media type, as LINE served it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Hexadecimal SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    /// Milliseconds of video or audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// Held elsewhere: LINE's `contentProvider.originalContentUrl`; not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_url: Option<String>,
    /// LINE's `contentProvider.previewImageUrl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// What a summarizer saw in it (the seed's `geminiAnalysis`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Document>,
    /// Attempts at fetching it, or its thumbnail.
    #[serde(default)]
    pub attempts: i64,
}

/// Where a message's content stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaStatus {
    /// To be fetched, or LINE is still preparing it.
    Pending,
    /// In the bucket.
    Stored,
    /// LINE no longer has it.
    Gone,
    /// Held by somebody else; only the URLs are known.
    External,
    /// Could not be fetched: after many attempts, or because LINE says that no attempt will help.
    Failed,
    /// Unsent: to be erased from the bucket.
    Erasing,
    /// Unsent: erased from the bucket.
    Erased,
}

/// Pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dimensions {
    /// Width.
    pub width: i64,
    /// Height.
    pub height: i64,
}

/// `message.fileData`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileData {
    /// Name.
    pub file_name: String,
    /// Bytes.
    pub file_size: i64,
}

/// `message.stickerData`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StickerData {
    /// Package.
    pub package_id: String,
    /// Sticker.
    pub sticker_id: String,
    /// LINE's `stickerResourceType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// LINE's words for it.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Text of a message sticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `message.locationData`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LocationData {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
}

/// `message.metadata`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageMetadata {
    /// Users mentioned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<ObjectId>,
    /// Everybody was mentioned.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mentions_all: bool,
    /// The bot was mentioned.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mentions_bot: bool,
    /// `#words`, without the sign.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashtags: Vec<String>,
    /// Web addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// LINE emoji.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emojis: Vec<Emoji>,
    /// LINE message id of the quoted message (the seed's `originalMessageId`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_message_id: Option<String>,
    /// To quote this message with; never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_token: Option<String>,
    /// Pictures sent together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_set: Option<ImageSet>,
}

/// A LINE emoji in the text; positions count UTF-16 units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Emoji {
    /// Position.
    pub index: i64,
    /// Length.
    pub length: i64,
    /// Set.
    pub product_id: String,
    /// Emoji.
    pub emoji_id: String,
}

/// LINE's `imageSet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSet {
    /// Shared by the pictures.
    pub id: String,
    /// 1, 2, 3 …; absent on old phones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<i64>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

/// A text that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// The text before.
    pub content: String,
    /// When it was written: sent, or put in place of an older one.
    pub written_at: DateTime,
}

impl Media {
    /// Of which nothing is known yet.
    #[must_use]
    pub fn pending() -> Self {
        Self {
            status: MediaStatus::Pending,
            key: None,
            thumbnail_key: None,
            thumbnail_size: None,
            thumbnail_due: false,
            file_name: None,
            file_size: None,
            mime_type: None,
            sha256: None,
            dimensions: None,
            duration: None,
            original_url: None,
            preview_url: None,
            analysis: None,
            attempts: 0,
        }
    }
}

impl Message {
    /// Takes everything out that says what was in it, for good: it was unsent, or its sender is to be
    /// forgotten. What lies in the bucket is to be erased by the recorder; the scheduler sees to that.
    pub fn make_tombstone(&mut self, at: DateTime, now: DateTime) {
        self.content = None;
        self.file_data = None;
        self.sticker_data = None;
        self.location_data = None;
        self.raw = None;
        self.reply_token = None;
        self.ai_processing = None;
        self.edit_history.clear();
        self.metadata = MessageMetadata::default();
        if let Some(media) = &mut self.media {
            *media = match media.status {
                // Something of it may be in the bucket, or on its way there.
                MediaStatus::Pending | MediaStatus::Stored | MediaStatus::Erasing | MediaStatus::Failed => {
                    Media {
                        status: MediaStatus::Erasing,
                        key: media.key.take(),
                        thumbnail_key: media.thumbnail_key.take(),
                        ..Media::pending()
                    }
                }
                MediaStatus::Gone | MediaStatus::External | MediaStatus::Erased => {
                    Media { status: MediaStatus::Erased, ..Media::pending() }
                }
            };
        }
        self.status = MessageStatus::Deleted;
        self.renew_search();
        self.deleted_at = Some(at);
        self.updated_at = now;
    }
}

impl Entity for Message {
    const COLLECTION: &'static str = "messages";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "channelId": 1, "lineMessageId": 1 }),
            // Timelines: `_id` tells messages of the same millisecond apart, from page to page.
            Index::on(doc! { "tenantId": 1, "roomId": 1, "timestamp": -1, "_id": -1 }),
            // And all that analytics count of a session that has no activity yet, read off the index alone.
            Index::on(doc! {
                "tenantId": 1, "sessionId": 1, "timestamp": 1, "_id": 1, "userId": 1, "messageType": 1,
            }),
            Index::on(doc! { "tenantId": 1, "userId": 1, "timestamp": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "timestamp": 1, "_id": 1 }),
            Index::on(doc! { "tenantId": 1, "search": 1, "timestamp": -1 })
                .only(doc! { "search": { "$exists": true } }),
            // For the sweep, which looks over all tenants of a database.
            Index::on(doc! { "media.status": 1, "updatedAt": 1 })
                .only(doc! { "media.status": { "$in": ["pending", "erasing"] } }),
            // For the sum of what is stored, read off the index alone.
            Index::on(
                doc! { "tenantId": 1, "media.status": 1, "media.fileSize": 1, "media.thumbnailSize": 1 },
            )
            .only(doc! { "media.status": "stored" }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("channelId", string())
            .required("sessionId", object_id())
            .required("roomId", object_id())
            .required("lineMessageId", string())
            .required("messageType", string())
            .required("status", one_of::<MessageStatus>())
            .required("timestamp", date())
            .required("createdAt", date())
    }
}
