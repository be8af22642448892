//! Blobs in S3: streamed in without holding them whole, read, and erased for good. A key is made
//! only from a tenant, so nobody reaches outside of a tenant's prefix.

mod copy;
mod key;
mod link;
mod prefix;

use aws_lc_rs::digest;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};

use crate::aws::Aws;
use crate::config::{ConfigError, Env};

pub use self::key::{BlobKey, MediaPart};
pub use self::prefix::{BlobPrefix, BlobVersion, Versions};

/// Bytes of every part but the last: as few as S3 takes, because a part is held in memory. Its 10,000
/// parts are 48 GiB then.
const PART: usize = 5 * 1024 * 1024;

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
}

/// Why a blob could not be stored, read or erased.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// S3 did not answer, or refused.
    #[error("blob {key} could not be {action}")]
    S3 {
        /// The key.
        key: String,
        /// `stored`, `read`, `signed`, `copied`, `listed` or `erased`.
        action: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stream that was to be stored broke off; nothing is stored.
    #[error("the content for blob {key} broke off")]
    Content {
        /// The key.
        key: String,
        /// The stream's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stream that was to be stored is longer than allowed; nothing is stored.
    #[error("the content for blob {key} is larger than {limit} bytes")]
    TooLarge {
        /// The key.
        key: String,
        /// The limit given.
        limit: u64,
    },
}

/// The bucket.
#[derive(Debug, Clone)]
pub struct Blobs {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Blobs {
    /// The variable that names the bucket.
    pub const SETTING: &str = "BLOBS_BUCKET";

    /// The bucket that [`Self::SETTING`] names.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(env: &Env, aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::from_client(aws.s3(), env.required(Self::SETTING)?))
    }

    /// A bucket over a client made elsewhere (tests, tools).
    #[must_use]
    pub fn from_client(client: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Stores bytes that are in memory already, with the tags that the key's kind has.
    ///
    /// # Errors
    /// [`BlobError::S3`].
    pub async fn put(&self, key: &BlobKey, media_type: &str, bytes: Bytes) -> Result<Stored, BlobError> {
        let stored = Stored {
            size: bytes.len() as u64,
            sha256: hex(digest::digest(&digest::SHA256, &bytes).as_ref()),
        };
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .content_type(media_type)
            .set_tagging(key.tagging())
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|e| failed(key, "stored", e.into_service_error()))?;
        Ok(stored)
    }

    /// Stores a stream of unknown length, at most `limit` bytes, holding one part of it (5 MiB) at
    /// a time. The blob appears whole or not at all, with the tags that the key's kind has.
    ///
    /// # Errors
    /// [`BlobError`]; parts already sent are removed, as far as S3 answers.
    pub async fn put_stream<S, E>(
        &self,
        key: &BlobKey,
        media_type: &str,
        limit: u64,
        mut content: S,
    ) -> Result<Stored, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let digest = digest::Context::new(&digest::SHA256);
        let mut read = Reading { key, limit, size: 0, digest, rest: Bytes::new() };
        let first = read.part(&mut content).await?;
        if first.len() < PART {
            return self.put(key, media_type, first).await;
        }
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key.as_str())
            .content_type(media_type)
            .set_tagging(key.tagging())
            .send()
            .await
            .map_err(|e| failed(key, "stored", e.into_service_error()))?;
        let upload = upload.upload_id.ok_or_else(|| failed(key, "stored", "S3 named no upload"))?;
        match self.send_parts(key, &upload, first, &mut read, &mut content).await {
            Ok(()) => Ok(Stored { size: read.size, sha256: hex(read.digest.finish().as_ref()) }),
            Err(e) => {
                // Best effort: the bucket's lifecycle rule removes what stays behind.
                let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key.as_str());
                if let Err(abort) = abort.upload_id(&upload).send().await {
                    tracing::warn!(blob.key = key.as_str(), error = %abort, "an upload could not be aborted");
                }
                Err(e)
            }
        }
    }

    async fn send_parts<S, E>(
        &self,
        key: &BlobKey,
        upload: &str,
        first: Bytes,
        read: &mut Reading<'_>,
        content: &mut S,
    ) -> Result<(), BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut parts = Vec::new();
        let mut part = first;
        for number in 1.. {
            let answer = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(key.as_str())
                .upload_id(upload)
                .part_number(number)
                .body(ByteStream::from(part))
                .send()
                .await
                .map_err(|e| failed(key, "stored", e.into_service_error()))?;
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(answer.e_tag)
                    .set_checksum_crc32(answer.checksum_crc32)
                    .build(),
            );
            part = read.part(content).await?;
            if part.is_empty() {
                break;
            }
        }
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key.as_str())
            .upload_id(upload)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await
            .map_err(|e| failed(key, "stored", e.into_service_error()))?;
        Ok(())
    }

    /// A blob's bytes; `None` when there is none. For what fits in memory: pictures, not videos.
    ///
    /// # Errors
    /// [`BlobError::S3`].
    pub async fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, BlobError> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key.as_str()).send().await {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(e)) if matches!(e.err(), GetObjectError::NoSuchKey(_)) => {
                return Ok(None);
            }
            Err(e) => return Err(failed(key, "read", e.into_service_error())),
        };
        let body = answer.body.collect().await.map_err(|e| failed(key, "read", e))?;
        Ok(Some(body.into_bytes()))
    }

    /// Erases a blob for good: every version and delete marker of it, so that what a person unsent
    /// is not kept by the bucket's versioning. Erasing what is not there is fine.
    ///
    /// # Errors
    /// [`BlobError::S3`]; some versions may be gone, so try again.
    pub async fn erase(&self, key: &BlobKey) -> Result<(), BlobError> {
        loop {
            let (versions, more) = self.versions(key).await?;
            if versions.is_empty() && !more {
                return Ok(());
            }
            if versions.is_empty() {
                return Err(failed(key, "erased", "S3 announced more versions and listed none"));
            }
            let delete = Delete::builder().set_objects(Some(versions)).quiet(true).build();
            let delete = delete.map_err(|e| failed(key, "erased", e))?;
            let answer = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await;
            let answer = answer.map_err(|e| failed(key, "erased", e.into_service_error()))?;
            if let Some(error) = answer.errors().first() {
                let code = error.code().unwrap_or("unknown error").to_owned();
                return Err(failed(key, "erased", code));
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Up to a page of the key's versions and delete markers, and whether there may be more.
    async fn versions(&self, key: &BlobKey) -> Result<(Vec<ObjectIdentifier>, bool), BlobError> {
        // The prefix also matches longer keys; those are not this blob's.
        let list = self.client.list_object_versions().bucket(&self.bucket).prefix(key.as_str());
        let page = list.send().await.map_err(|e| failed(key, "erased", e.into_service_error()))?;
        let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
        let markers = page.delete_markers().iter().map(|m| (m.key(), m.version_id()));
        let ids = versions
            .chain(markers)
            .filter(|(k, _)| *k == Some(key.as_str()))
            .map(|(_, version)| {
                let id = ObjectIdentifier::builder()
                    .key(key.as_str())
                    .set_version_id(version.map(ToOwned::to_owned));
                id.build().map_err(|e| failed(key, "erased", e))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok((ids, page.is_truncated() == Some(true)))
    }
}

/// What has been read of a stream so far.
struct Reading<'a> {
    key: &'a BlobKey,
    limit: u64,
    size: u64,
    digest: digest::Context,
    /// What of the last chunk belongs to the next part.
    rest: Bytes,
}

impl Reading<'_> {
    /// The next part: [`PART`] bytes, fewer only at the end of the stream.
    async fn part<S, E>(&mut self, content: &mut S) -> Result<Bytes, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // The whole of it at once: growing to it would take up to three times as much.
        let mut part = BytesMut::with_capacity(PART);
        loop {
            part.extend_from_slice(&self.rest.split_to(self.rest.len().min(PART - part.len())));
            if part.len() == PART {
                break;
            }
            let Some(chunk) = content.next().await else { break };
            let chunk = chunk
                .map_err(|e| BlobError::Content { key: self.key.as_str().to_owned(), source: e.into() })?;
            self.size += chunk.len() as u64;
            if self.size > self.limit {
                return Err(BlobError::TooLarge { key: self.key.as_str().to_owned(), limit: self.limit });
            }
            self.digest.update(&chunk);
            self.rest = chunk;
        }
        Ok(part.freeze())
    }
}

fn failed(
    key: &BlobKey,
    action: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> BlobError {
    BlobError::S3 { key: key.as_str().to_owned(), action, source: source.into() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
