//! Messages and links to their media, on MiniStack.

use bytes::Bytes;
use matome_api_testing::s3;
use matome_api_testing::world::of;
use matome_domain::access::Role;
use matome_runtime::blobs::{BlobKey, MediaPart};
use matome_store::entities::{Media, MediaStatus, Message};
use matome_store::id::document_id;

use crate::talk::{Talk, at, each, hex, message, put, told};

#[tokio::test]
async fn a_link_to_media_gives_the_file_for_five_minutes_to_who_may_read() {
    let (world, blobs) = s3::world().await;
    let tenant = world.tenant().await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let talk = Talk::closed(&tenant, "Cgroup").await;
    let mut picture = message(&talk.session, 3, &talk.bun, "");
    let key = BlobKey::media(&tenant.id, &document_id(picture.id), MediaPart::Original);
    blobs.put(&key, "image/jpeg", Bytes::from_static(b"pixels")).await.unwrap();
    picture.content = None;
    picture.message_type = "image".to_owned();
    picture.media = Some(Media {
        status: MediaStatus::Stored,
        key: Some(key.as_str().to_owned()),
        mime_type: Some("image/jpeg".to_owned()),
        file_size: Some(6),
        analysis: Some(bson::doc! { "description": "A cat", "analyzedAt": at(3) }),
        ..Media::pending()
    });
    put::<Message>(&tenant, &picture).await;

    let media = |id| of(&tenant, &format!("/messages/{}/media", hex(id)));
    let shown = world.get(media(picture.id)).by(&viewer).send().await.ok();
    assert_eq!((shown["mimeType"].as_str(), shown["fileSize"].as_i64()), (Some("image/jpeg"), Some(6)));
    assert_eq!(shown["expiresAt"], "2026-11-20T09:05:00.000Z");
    let timeline = world.get(of(&tenant, &talk.session("/timeline"))).by(&viewer).send().await.ok();
    for link in [&shown["url"], &timeline["entries"][3]["links"]["url"]] {
        let link = link.as_str().unwrap();
        assert!(link.contains("X-Amz-Expires=300"), "{link}");
        let fetched = reqwest::get(link).await.unwrap();
        assert_eq!(fetched.bytes().await.unwrap(), "pixels");
    }
    assert_eq!(timeline["entries"][0]["links"].as_object(), None);
    let list = world.get(of(&tenant, &format!("/messages?sessionId={}", hex(talk.session.id)))).by(&viewer);
    let list = list.send().await.ok();
    assert_eq!(each(&list, "id").len(), 4);
    assert!(!list.to_string().contains(key.as_str()), "where it lies is nobody's business");
    assert_eq!(list["items"][0]["media"]["analysis"]["description"], "A cat");
    assert_eq!(told(&world.get(media(talk.messages[0].id)).by(&viewer).send().await), (404, "not_found"));
}
