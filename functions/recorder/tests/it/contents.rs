//! What each kind of message leaves in the database, field by field.

use std::time::Duration;

use matome_domain::placement::Placement;
use matome_store::entities::{
    Emoji, FileData, ImageSet, LocationData, Media, MediaStatus, Message, MessageMetadata, StickerData,
};
use matome_store::id::derived;
use matome_testing::TestSystem;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use serde_json::{Value, json};

use crate::recorder::{Recorder, all};

/// What of a message comes from its content.
#[derive(Debug, Clone, Default, PartialEq)]
struct Kept {
    content: Option<String>,
    media: Option<Media>,
    file_data: Option<FileData>,
    sticker_data: Option<StickerData>,
    location_data: Option<LocationData>,
    metadata: MessageMetadata,
    raw: Option<Value>,
}

impl From<Message> for Kept {
    fn from(message: Message) -> Self {
        Self {
            content: message.content,
            media: message.media,
            file_data: message.file_data,
            sticker_data: message.sticker_data,
            location_data: message.location_data,
            metadata: message.metadata,
            raw: message.raw.map(|raw| bson::Bson::from(raw).into_relaxed_extjson()),
        }
    }
}

/// Type, what LINE sends of it, and what is kept.
fn kinds(tenant: &str) -> Vec<(&'static str, Value, Kept)> {
    let quoted =
        |metadata: MessageMetadata| MessageMetadata { quote_token: Some("q".to_owned()), ..metadata };
    let person = |id: &str| derived(&["user", tenant, id]);
    let text = "@田中 @Matome @All #セール #2026 https://example.com/a?b=1 (love)";
    let mentionees = json!([
        { "index": 0, "length": 3, "type": "user", "userId": "Utanaka", "isSelf": false },
        { "index": 4, "length": 7, "type": "user", "userId": "Ubot", "isSelf": true },
        { "index": 12, "length": 4, "type": "all" },
    ]);
    let emoji = json!({ "index": 56, "length": 6, "productId": "5ac1", "emojiId": "001" });
    let held = |url: &str| {
        json!({
            "type": "external", "originalContentUrl": format!("https://example.com/{url}"),
            "previewImageUrl": "https://example.com/small",
        })
    };
    let by_line = json!({ "type": "line" });
    vec![
        (
            "text",
            json!({
                "text": text, "quoteToken": "q", "quotedMessageId": "4685", "emojis": [emoji],
                "mention": { "mentionees": mentionees },
            }),
            Kept {
                content: Some(text.to_owned()),
                metadata: quoted(MessageMetadata {
                    mentions: vec![person("Utanaka"), person("Ubot")],
                    mentions_all: true,
                    mentions_bot: true,
                    hashtags: vec!["セール".to_owned(), "2026".to_owned()],
                    urls: vec!["https://example.com/a?b=1".to_owned()],
                    emojis: vec![Emoji {
                        index: 56,
                        length: 6,
                        product_id: "5ac1".to_owned(),
                        emoji_id: "001".to_owned(),
                    }],
                    original_message_id: Some("4685".to_owned()),
                    ..MessageMetadata::default()
                }),
                ..Kept::default()
            },
        ),
        (
            "image",
            json!({
                "quoteToken": "q", "contentProvider": by_line,
                "imageSet": { "id": "set-1", "index": 2, "total": 3 },
            }),
            Kept {
                media: Some(Media::pending()),
                metadata: quoted(MessageMetadata {
                    image_set: Some(ImageSet { id: "set-1".to_owned(), index: Some(2), total: Some(3) }),
                    ..MessageMetadata::default()
                }),
                ..Kept::default()
            },
        ),
        (
            "video",
            json!({ "quoteToken": "q", "duration": 60_000, "contentProvider": held("video") }),
            Kept {
                media: Some(Media {
                    status: MediaStatus::External,
                    duration: Some(60_000),
                    original_url: Some("https://example.com/video".to_owned()),
                    preview_url: Some("https://example.com/small".to_owned()),
                    ..Media::pending()
                }),
                metadata: quoted(MessageMetadata::default()),
                ..Kept::default()
            },
        ),
        (
            "audio",
            json!({ "duration": 1_500, "contentProvider": by_line }),
            Kept { media: Some(Media { duration: Some(1_500), ..Media::pending() }), ..Kept::default() },
        ),
        (
            "file",
            json!({ "fileName": "見積.pdf", "fileSize": 2_138 }),
            Kept {
                media: Some(Media {
                    file_name: Some("見積.pdf".to_owned()),
                    file_size: Some(2_138),
                    ..Media::pending()
                }),
                file_data: Some(FileData { file_name: "見積.pdf".to_owned(), file_size: 2_138 }),
                ..Kept::default()
            },
        ),
        (
            "location",
            json!({ "title": "店", "address": "1-3 Kioicho", "latitude": 35.67966, "longitude": 139.73669 }),
            Kept {
                location_data: Some(LocationData {
                    title: Some("店".to_owned()),
                    address: Some("1-3 Kioicho".to_owned()),
                    latitude: 35.67966,
                    longitude: 139.73669,
                }),
                ..Kept::default()
            },
        ),
        (
            "sticker",
            json!({
                "quoteToken": "q", "packageId": "446", "stickerId": "1988", "stickerResourceType": "MESSAGE",
                "keywords": ["hello", "hi"], "text": "おはよう",
            }),
            Kept {
                sticker_data: Some(StickerData {
                    package_id: "446".to_owned(),
                    sticker_id: "1988".to_owned(),
                    resource_type: Some("MESSAGE".to_owned()),
                    keywords: vec!["hello".to_owned(), "hi".to_owned()],
                    text: Some("おはよう".to_owned()),
                }),
                metadata: quoted(MessageMetadata::default()),
                ..Kept::default()
            },
        ),
        (
            "hologram",
            json!({ "layers": 3 }),
            Kept { raw: Some(json!({ "id": "8", "type": "hologram", "layers": 3 })), ..Kept::default() },
        ),
    ]
}

#[tokio::test]
async fn every_kind_of_message_is_stored_with_all_that_it_carries() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    let talk = Talk { tenant: &tenant, group: Some("Cfamily"), user: "Uaoi" };
    let kinds = kinds(tenant.id.as_str());
    let mut batch = Vec::new();
    for (n, (kind, said, _)) in (1_u64..).zip(&kinds) {
        let mut message = said.clone();
        message["id"] = json!(n.to_string());
        message["type"] = json!(kind);
        let at = BEGIN.plus(Duration::from_secs(n));
        batch.push(talk.event(&format!("e{n}"), at, "message", json!({ "message": message })));
    }
    let recorder = Recorder::start(&system);
    recorder.record(&batch).await;
    let messages: Vec<Message> = all(&tenant, "timestamp").await;
    assert_eq!(messages.len(), kinds.len());
    for (message, (kind, _, kept)) in messages.into_iter().zip(kinds) {
        assert_eq!(message.message_type, kind);
        assert_eq!(Kept::from(message), kept, "{kind}");
    }
    // Picture, voice and file are to be fetched; the video is held elsewhere.
    assert_eq!(recorder.sent.sent::<matome_domain::queue::MediaJob>().len(), 3);
}
