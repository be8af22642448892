//! Content on its way from LINE to S3 and out of it again.

use std::io::Cursor;

use bson::doc;
use image::{ImageFormat, RgbImage};
use matome_line_simulator::{Act, Media as Content};
use matome_store::entities::{Dimensions, Media, MediaStatus, Message, MessageStatus, OrganizationSettings};

use crate::stage::{Business, Stage, eventually};

/// The message's media, once they stand there.
async fn media(business: &Business<'_>, line_message_id: &str, status: MediaStatus) -> Media {
    eventually(&format!("media that are {status:?}"), async || {
        let message = doc! { "lineMessageId": line_message_id };
        let message = business.store.collection::<Message>().find_one(message).await.unwrap();
        message.and_then(|m| m.media).filter(|media| media.status == status)
    })
    .await
}

#[tokio::test]
async fn a_picture_is_kept_with_a_thumbnail_under_its_tenants_prefix_and_unsent_leaves_nothing() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let group = business.group("g", &[("Aoi", "ja")]);
    let mut picture = Cursor::new(Vec::new());
    RgbImage::from_fn(900, 600, |x, y| image::Rgb([x as u8, y as u8, 7]))
        .write_to(&mut picture, ImageFormat::Png)
        .unwrap();
    // LINE prepares it for a while first.
    let content = Content { preparing: 1, ..Content::new("image/png", picture.get_ref().clone()) };
    let act = Act::Image { media: content, image_set: None };
    let sent = business.perform(&group.place, Some(&group.users[0]), act).await;

    let stored = media(&business, sent.message_id(), MediaStatus::Stored).await;
    assert_eq!(stored.dimensions, Some(Dimensions { width: 900, height: 600 }));
    assert_eq!(stored.attempts, 2, "LINE was still preparing it at the first");
    let (s3, bucket) = (stage.aws().s3(), stage.output("Bucket"));
    let read = async |key: Option<String>| {
        let key = key.expect("a key");
        assert!(key.starts_with(&format!("tenants/{}/", business.tenant)), "{key}");
        let object = s3.get_object().bucket(bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().into_bytes()
    };
    assert_eq!(read(stored.key).await, picture.get_ref().as_slice());
    let thumbnail = image::load_from_memory(&read(stored.thumbnail_key).await).unwrap();
    assert!(thumbnail.width() < 900 && thumbnail.width() * 2 / 3 == thumbnail.height());

    let act = Act::Unsend { message_id: sent.message_id().to_owned() };
    business.perform(&group.place, Some(&group.users[0]), act).await;
    let erased = media(&business, sent.message_id(), MediaStatus::Erased).await;
    assert_eq!((erased.key, erased.thumbnail_key), (None, None));
    let prefix = format!("tenants/{}/", business.tenant);
    let left = s3.list_object_versions().bucket(bucket).prefix(prefix).send().await.unwrap();
    assert!(left.versions().is_empty() && left.delete_markers().is_empty(), "{left:?}");
    let [message]: [Message; 1] = business.all(doc! {}).await.try_into().unwrap();
    assert_eq!(message.status, MessageStatus::Deleted);
}
