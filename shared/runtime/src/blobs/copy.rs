//! Bringing a blob from one bucket to another, within S3.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::{BlobError, BlobKey, Blobs, failed};

impl Blobs {
    /// The size of a blob in bytes; `None` when there is none. Found by listing, for which a right to list
    /// one tenant's prefix is enough; who asks for an object that is not there needs a right to list all.
    ///
    /// # Errors
    /// [`BlobError::S3`].
    pub async fn size(&self, key: &BlobKey) -> Result<Option<u64>, BlobError> {
        // Of the keys that begin so, the key itself is the first.
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(key.as_str()).max_keys(1);
        let page = list.send().await.map_err(|e| failed(key, "listed", e.into_service_error()))?;
        let found = page.contents().first().filter(|object| object.key() == Some(key.as_str()));
        Ok(found.map(|object| object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default()))
    }

    /// Copies the blob `key` of `other`, which may be this same bucket, to `to`, without its bytes coming here;
    /// `false` when there is none. S3 copies up to 5 GB at once, more than LINE's content can have.
    ///
    /// # Errors
    /// [`BlobError::S3`].
    pub async fn copy_from(&self, other: &Self, key: &BlobKey, to: &BlobKey) -> Result<bool, BlobError> {
        // Keys are made of ids and plain words: nothing in them has to be encoded.
        let source = format!("{}/{}", other.bucket, key.as_str());
        let copy = self.client.copy_object().copy_source(source).bucket(&self.bucket).key(to.as_str());
        match copy.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(e)) if e.err().code() == Some("NoSuchKey") => Ok(false),
            Err(e) => Err(failed(key, "copied", e.into_service_error())),
        }
    }
}
