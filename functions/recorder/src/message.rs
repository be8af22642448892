//! A LINE message as the seed's Message: the fields that come from its content.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::text::{hashtags, urls};
use matome_line::events::{
    ContentProvider, MediaContent, MentioneeKind, Message as LineMessage, MessageContent, TextContent,
};
use matome_store::collection::encode;
use matome_store::entities::{
    Emoji, FileData, ImageSet, LocationData, Media, MediaStatus, Message, MessageMetadata, StickerData,
};

use serde_json::Value;

use crate::room_key::RoomKey;

/// The word for a tombstone whose message never came.
pub const UNKNOWN_TYPE: &str = "unknown";

/// `messageType`.
#[must_use]
pub fn type_name(content: &MessageContent) -> &str {
    match content {
        MessageContent::Text(_) => "text",
        MessageContent::Image { .. } => "image",
        MessageContent::Video(_) => "video",
        MessageContent::Audio(_) => "audio",
        MessageContent::File(_) => "file",
        MessageContent::Location(_) => "location",
        MessageContent::Sticker(_) => "sticker",
        MessageContent::Unknown { type_name, .. } => type_name,
    }
}

/// Writes what `said` carries into `message`.
pub fn fill(message: &mut Message, said: &LineMessage, key: &RoomKey) {
    message.message_type = type_name(&said.content).to_owned();
    message.metadata = MessageMetadata {
        original_message_id: said.quoted_message_id.clone(),
        quote_token: said.quote_token.clone(),
        ..MessageMetadata::default()
    };
    match &said.content {
        MessageContent::Text(text) => fill_text(message, text, |user| key.user_id(user)),
        MessageContent::Image { media, image_set } => {
            message.media = Some(media_of(media));
            message.metadata.image_set = image_set.as_ref().map(|set| ImageSet {
                id: set.id.clone(),
                index: set.index.map(i64::from),
                total: set.total.map(i64::from),
            });
        }
        MessageContent::Video(media) | MessageContent::Audio(media) => message.media = Some(media_of(media)),
        MessageContent::File(file) => {
            let size = file.size.and_then(|s| i64::try_from(s).ok());
            message.media =
                Some(Media { file_name: Some(file.name.clone()), file_size: size, ..Media::pending() });
            message.file_data =
                Some(FileData { file_name: file.name.clone(), file_size: size.unwrap_or_default() });
        }
        MessageContent::Location(place) => {
            message.location_data = Some(LocationData {
                title: place.title.clone(),
                address: place.address.clone(),
                latitude: place.latitude,
                longitude: place.longitude,
            });
        }
        MessageContent::Sticker(sticker) => {
            message.sticker_data = Some(StickerData {
                package_id: sticker.package_id.clone(),
                sticker_id: sticker.sticker_id.clone(),
                resource_type: sticker.resource_type.clone(),
                keywords: sticker.keywords.clone(),
                text: sticker.text.clone(),
            });
        }
        MessageContent::Unknown { raw, .. } => message.raw = Some(kept_raw(raw)),
    }
}

/// What this code does not understand, as it came: as a document, or, where BSON has no place for it
/// (no object, a number beyond 64 bits, a NUL in a name, a name such as `$oid` that extended JSON has a
/// meaning for), as `{json: "…"}`.
#[must_use]
pub fn kept_raw(raw: &Value) -> Document {
    let document = encode(raw).ok();
    // What would not come back as it went would take the whole message with it.
    let comes_back = |document: &Document| {
        let bytes = document.to_vec().ok();
        let again = bytes.and_then(|bytes| bson::deserialize_from_slice::<Document>(&bytes).ok());
        again.is_some_and(|again| again == *document)
    };
    document.filter(comes_back).unwrap_or_else(|| doc! { "json": raw.to_string() })
}

/// Writes a text and what can be read off it.
pub fn fill_text(message: &mut Message, text: &TextContent, user_id: impl Fn(&str) -> ObjectId) {
    message.content = Some(text.text.clone());
    let metadata = &mut message.metadata;
    metadata.hashtags = hashtags(&text.text);
    metadata.urls = urls(&text.text);
    metadata.mentions = text.mentionees.iter().filter_map(|m| m.user_id.as_deref()).map(user_id).collect();
    metadata.mentions_all = text.mentionees.iter().any(|m| m.kind == MentioneeKind::All);
    metadata.mentions_bot = text.mentions_bot();
    metadata.emojis = text
        .emojis
        .iter()
        .map(|e| Emoji {
            index: i64::try_from(e.index).unwrap_or(i64::MAX),
            length: i64::try_from(e.length).unwrap_or(i64::MAX),
            product_id: e.product_id.clone(),
            emoji_id: e.emoji_id.clone(),
        })
        .collect();
}

fn media_of(content: &MediaContent) -> Media {
    let media = Media { duration: content.duration_ms, ..Media::pending() };
    match &content.provider {
        ContentProvider::External { original_content_url, preview_image_url } => Media {
            status: MediaStatus::External,
            original_url: original_content_url.clone(),
            preview_url: preview_image_url.clone(),
            ..media
        },
        ContentProvider::Line | ContentProvider::Other(_) => media,
    }
}
