use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use bytes::Bytes;
use futures::{Stream, stream};
use matome_domain::ids::{DocumentId, TenantId};
use matome_runtime::aws::Aws;
use matome_runtime::blobs::{BlobError, BlobKey, Blobs, MediaPart};
use matome_runtime::clock::SystemClock;
use matome_runtime::scoped::TenantAccess;

use crate::services;

const MIB: usize = 1024 * 1024;

/// A versioned bucket, as in the template.
async fn bucket() -> (Aws, String, Blobs) {
    let (aws, name) = (services::aws().await, services::name());
    let s3 = aws.s3();
    let region = aws_sdk_s3::types::BucketLocationConstraint::from(matome_local_stack::REGION);
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region).build();
    s3.create_bucket().bucket(&name).create_bucket_configuration(place).send().await.unwrap();
    let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket(&name).versioning_configuration(versioning).send().await.unwrap();
    let blobs = Blobs::from_client(s3, name.clone());
    (aws, name, blobs)
}

fn key(message: &str) -> BlobKey {
    let tenant = TenantId::new("t1").unwrap();
    BlobKey::media(&tenant, &DocumentId::new(message).unwrap(), MediaPart::Original)
}

/// `chunks` chunks of `size` bytes, no two alike.
fn content(chunks: u8, size: usize) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Unpin + Send {
    stream::iter((0..chunks).map(move |n| Ok(Bytes::from(vec![n; size]))))
}

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn a_stream_of_any_length_arrives_whole_with_its_size_and_digest() {
    let (_, _, blobs) = bucket().await;
    // Nothing, less than a part, exactly one part, and several with a rest.
    for (message, chunks, size) in [("a", 0, 1), ("b", 3, MIB), ("c", 8, MIB), ("d", 19, MIB + 7)] {
        let stored = blobs
            .put_stream(&key(message), "video/mp4", 64 * MIB as u64, content(chunks, size))
            .await
            .unwrap();
        let expected: Vec<u8> = (0..chunks).flat_map(|n| vec![n; size]).collect();
        assert_eq!((stored.size, stored.sha256), (expected.len() as u64, sha256(&expected)));
        let read = blobs.get(&key(message)).await.unwrap().unwrap();
        assert!(read == expected, "{message}");
    }
}

#[tokio::test]
async fn what_was_exported_is_tagged_for_the_lifecycle_rules_and_media_are_not() {
    let (aws, name, blobs) = bucket().await;
    let (tenant, id) = (TenantId::new("t1").unwrap(), DocumentId::new("u1").unwrap());
    let export = BlobKey::export(&tenant, &id, &id);
    // With a tenant's session, as the API does.
    let role = "arn:aws:iam::000000000000:role/tenant-access".to_owned();
    let access = TenantAccess::new(&aws, role, name.clone(), Arc::new(SystemClock));
    let of_tenant = access.blobs(&tenant, None).await.unwrap();
    of_tenant.put_stream(&export, "application/json", MIB as u64, content(1, 2)).await.unwrap();
    blobs.put(&key("a"), "image/png", Bytes::new()).await.unwrap();
    let tags = async |key: &BlobKey| {
        let answer = aws.s3().get_object_tagging().bucket(&name).key(key.as_str()).send().await.unwrap();
        let tags = answer.tag_set().iter().map(|tag| format!("{}={}", tag.key(), tag.value()));
        tags.collect::<Vec<_>>()
    };
    assert_eq!(tags(&export).await, ["matome:kind=export"]);
    assert_eq!(tags(&key("a")).await, [""; 0]);
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_is_too_long_stores_nothing() {
    let (aws, name, blobs) = bucket().await;
    let broken = stream::iter((0..20).map(|n| match n {
        19 => Err(std::io::Error::other("connection reset")),
        _ => Ok(Bytes::from(vec![0; MIB])),
    }));
    let err = blobs.put_stream(&key("a"), "video/mp4", 64 * MIB as u64, broken).await.unwrap_err();
    assert!(matches!(err, BlobError::Content { .. }));
    let err = blobs.put_stream(&key("b"), "video/mp4", 17 * MIB as u64, content(18, MIB)).await.unwrap_err();
    assert!(matches!(err, BlobError::TooLarge { limit, .. } if limit == 17 * MIB as u64));
    for message in ["a", "b"] {
        assert_eq!(blobs.get(&key(message)).await.unwrap(), None);
    }
    let uploads = aws.s3().list_multipart_uploads().bucket(name).send().await.unwrap();
    assert!(uploads.uploads().is_empty(), "no parts stay behind to be paid for");
}

#[tokio::test]
async fn erasing_leaves_no_version_and_no_neighbour_is_touched() {
    let (aws, name, blobs) = bucket().await;
    let (erased, longer) = (key("a"), format!("{}-preview", key("a").as_str()));
    for n in 0..3 {
        blobs.put(&erased, "image/png", Bytes::from(vec![n; 10])).await.unwrap();
    }
    // A delete marker on top, and a key that merely begins alike.
    aws.s3().delete_object().bucket(&name).key(erased.as_str()).send().await.unwrap();
    aws.s3().put_object().bucket(&name).key(&longer).send().await.unwrap();

    blobs.erase(&erased).await.unwrap();
    let left = aws.s3().list_object_versions().bucket(&name).send().await.unwrap();
    let left: Vec<_> = left.versions().iter().filter_map(|v| v.key()).collect();
    assert_eq!(left, [longer.as_str()]);
    assert_eq!(blobs.get(&erased).await.unwrap(), None);
    // Again, and of what never was: nothing to do.
    blobs.erase(&erased).await.unwrap();
    blobs.erase(&key("never")).await.unwrap();
}

#[tokio::test]
async fn a_blob_is_copied_to_another_bucket_with_its_type_and_one_that_is_not_there_is_not() {
    let (aws, name, blobs) = bucket().await;
    let (_, _, other) = bucket().await;
    other.put(&key("m"), "image/png", Bytes::from_static(b"picture")).await.unwrap();
    assert_eq!((other.size(&key("m")).await.unwrap(), blobs.size(&key("m")).await.unwrap()), (Some(7), None));
    assert!(blobs.copy_from(&other, &key("m"), &key("m")).await.unwrap());
    assert_eq!(blobs.get(&key("m")).await.unwrap().as_deref(), Some(&b"picture"[..]));
    let copied = aws.s3().head_object().bucket(name).key(key("m").as_str()).send().await.unwrap();
    assert_eq!(copied.content_type(), Some("image/png"));
    assert!(!blobs.copy_from(&other, &key("n"), &key("n")).await.unwrap());
    assert_eq!(blobs.size(&key("n")).await.unwrap(), None);
    // The key of another blob may begin like it.
    blobs.put(&key("no"), "image/png", Bytes::new()).await.unwrap();
    assert_eq!(blobs.size(&key("n")).await.unwrap(), None);
}

#[tokio::test]
async fn a_link_gives_its_blob_as_a_download_and_no_other() {
    let (aws, name, blobs) = bucket().await;
    for message in ["a", "b"] {
        blobs.put(&key(message), "text/html", Bytes::from(format!("of {message}"))).await.unwrap();
    }
    // Signed by us, and with a tenant's session, as the API does.
    let role = "arn:aws:iam::000000000000:role/tenant-access".to_owned();
    let access = TenantAccess::new(&aws, role, name, Arc::new(SystemClock));
    let of_tenant = access.blobs(&TenantId::new("t1").unwrap(), None).await.unwrap();
    let http = reqwest::Client::new();
    for blobs in [blobs, of_tenant] {
        let link =
            blobs.presigned_get(&key("a"), TenantAccess::REMAINING, "写真.png", "image/png").await.unwrap();
        assert!(link.contains("X-Amz-Expires=300&"), "{link}");
        let answer = http.get(&link).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/png");
        let disposition = answer.headers()["content-disposition"].to_str().unwrap();
        assert_eq!(disposition, "attachment; filename=\"__.png\"; filename*=UTF-8''%E5%86%99%E7%9C%9F.png");
        assert_eq!(answer.bytes().await.unwrap(), "of a");

        for (what, forged) in [
            ("another key", link.replace(key("a").as_str(), key("b").as_str())),
            ("a longer time", link.replace("X-Amz-Expires=300&", "X-Amz-Expires=301&")),
            ("another type", link.replace("image%2Fpng", "text%2Fhtml")),
            ("another signature", link.replace("X-Amz-Signature=", "X-Amz-Signature=0")),
        ] {
            assert_ne!(forged, link, "{what}");
            let answer = http.get(&forged).send().await.unwrap();
            assert!(answer.status().is_client_error(), "{what}: {}", answer.status());
            assert_ne!(answer.bytes().await.unwrap(), "of b", "{what}");
        }
        assert_eq!(http.put(&link).body("x").send().await.unwrap().status(), 403, "it only reads");
    }
}

#[tokio::test]
async fn a_link_is_for_a_second_to_a_week() {
    let (_, _, blobs) = bucket().await;
    let link = async |seconds| {
        let link = blobs.presigned_get(&key("a"), Duration::from_secs(seconds), "a", "image/png").await;
        link.map(|_| ()).map_err(|e| e.to_string())
    };
    let week = 7 * 24 * 60 * 60;
    let refused = Err(format!("blob {} could not be signed", key("a").as_str()));
    assert_eq!([link(1).await, link(week).await], [Ok(()), Ok(())]);
    assert_eq!([link(0).await, link(week + 1).await], [refused.clone(), refused]);
}
