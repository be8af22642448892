//! What people send.

use serde::Deserialize;
use serde_json::Value;

use super::lenient;
use super::text::TextContent;

/// The message of a `message` or `messageEdited` event.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// LINE's message id; content is fetched and unsend is reported by it.
    pub id: String,
    /// What it carries.
    pub content: MessageContent,
    /// To quote this message with; does not expire, works only in its own chat.
    pub quote_token: Option<String>,
    /// The message this one quotes.
    pub quoted_message_id: Option<String>,
    /// To mark the chat as read up to this message.
    pub mark_as_read_token: Option<String>,
}

/// What a message carries.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageContent {
    /// Text.
    Text(TextContent),
    /// A picture.
    Image {
        /// Where the bytes are.
        media: MediaContent,
        /// Set when several were sent at once; they arrive in any order.
        image_set: Option<ImageSet>,
    },
    /// A video.
    Video(MediaContent),
    /// A voice message.
    Audio(MediaContent),
    /// A file; its bytes are at LINE under the message's id.
    File(FileContent),
    /// A place.
    Location(LocationContent),
    /// A sticker.
    Sticker(StickerContent),
    /// A type newer than this code, or a known one in an unknown shape.
    Unknown {
        /// `type` as sent.
        type_name: String,
        /// The message object as sent.
        raw: Value,
    },
}

/// Where the bytes of a picture, video or voice message are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaContent {
    /// LINE or elsewhere; LINE when not said.
    #[serde(default, rename = "contentProvider")]
    pub provider: ContentProvider,
    /// Milliseconds, on video and audio.
    #[serde(default, rename = "duration", deserialize_with = "lenient::option")]
    pub duration_ms: Option<i64>,
}

/// `contentProvider`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "RawProvider")]
pub enum ContentProvider {
    /// Fetch it from LINE by message id.
    #[default]
    Line,
    /// It lies elsewhere (sent through LIFF).
    External {
        /// The original.
        original_content_url: Option<String>,
        /// A preview.
        preview_image_url: Option<String>,
    },
    /// A provider newer than this code.
    Other(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProvider {
    r#type: String,
    original_content_url: Option<String>,
    preview_image_url: Option<String>,
}

impl From<RawProvider> for ContentProvider {
    fn from(raw: RawProvider) -> Self {
        match raw.r#type.as_str() {
            "line" => Self::Line,
            "external" => Self::External {
                original_content_url: raw.original_content_url,
                preview_image_url: raw.preview_image_url,
            },
            _ => Self::Other(raw.r#type),
        }
    }
}

/// Pictures sent at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImageSet {
    /// Shared by the pictures of the set.
    pub id: String,
    /// From 1; absent from older Android clients.
    #[serde(default)]
    pub index: Option<u32>,
    /// How many there are.
    #[serde(default)]
    pub total: Option<u32>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FileContent {
    /// Its name as sent; not safe as a path.
    #[serde(rename = "fileName")]
    pub name: String,
    /// Bytes.
    #[serde(default, rename = "fileSize")]
    pub size: Option<u64>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LocationContent {
    /// Its name.
    #[serde(default)]
    pub title: Option<String>,
    /// Its address.
    #[serde(default)]
    pub address: Option<String>,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A sticker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StickerContent {
    /// Which package.
    pub package_id: String,
    /// Which sticker of the package.
    pub sticker_id: String,
    /// `STATIC`, `ANIMATION`, …; an open list.
    #[serde(default, rename = "stickerResourceType", deserialize_with = "lenient::option")]
    pub resource_type: Option<String>,
    /// Up to 15 words that describe it; they differ from event to event.
    #[serde(default, deserialize_with = "lenient::list")]
    pub keywords: Vec<String>,
    /// What the sender wrote on it.
    #[serde(default, deserialize_with = "lenient::option")]
    pub text: Option<String>,
}

impl Message {
    /// Reads a message; `None` only without an `id` and a `type`.
    pub(super) fn parse(value: Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let (id, type_name) = (text("id")?, text("type")?);
        let quote_token = text("quoteToken");
        let quoted_message_id = text("quotedMessageId");
        let mark_as_read_token = text("markAsReadToken");
        let content = MessageContent::parse(&type_name, &value)
            .unwrap_or_else(|| MessageContent::Unknown { type_name, raw: value.clone() });
        Some(Self { id, content, quote_token, quoted_message_id, mark_as_read_token })
    }
}

impl MessageContent {
    fn parse(type_name: &str, value: &Value) -> Option<Self> {
        fn read<T: for<'de> Deserialize<'de>>(value: &Value) -> Option<T> {
            T::deserialize(value).ok()
        }
        Some(match type_name {
            "text" => Self::Text(read(value)?),
            "image" => Self::Image { media: read(value)?, image_set: lenient::field(value, "imageSet") },
            "video" => Self::Video(read(value)?),
            "audio" => Self::Audio(read(value)?),
            "file" => Self::File(read(value)?),
            "location" => Self::Location(read(value)?),
            "sticker" => Self::Sticker(read(value)?),
            _ => return None,
        })
    }
}
