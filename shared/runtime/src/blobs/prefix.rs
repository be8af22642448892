//! Everything a bucket has of one tenant: every version of every object, listed and erased page by page.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use matome_domain::ids::{DocumentId, TenantId};

use super::{BlobError, BlobKey, Blobs, failed};

/// What the keys of some of a tenant's blobs begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobPrefix(BlobKey);

impl BlobPrefix {
    /// What the tenant has: media.
    #[must_use]
    pub fn tenant(tenant: &TenantId) -> Self {
        Self(BlobKey(format!("tenants/{tenant}/")))
    }

    /// What was exported about one person.
    #[must_use]
    pub fn exports(tenant: &TenantId, user: &DocumentId) -> Self {
        Self(BlobKey(format!("tenants/{tenant}/exports/{user}/")))
    }

    /// What stays of a tenant that leaves.
    #[must_use]
    pub fn backups(tenant: &TenantId) -> Self {
        Self(BlobKey(format!("backups/{tenant}/")))
    }
}

/// One version of an object, or a marker that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobVersion {
    /// Key in the bucket.
    pub key: String,
    /// Version; absent in a bucket that never had versions.
    pub version: Option<String>,
    /// Bytes; 0 for a marker.
    pub size: u64,
    /// What a reader of the key gets: neither replaced nor deleted.
    pub is_current: bool,
}

/// A page of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// A thousand at most.
    pub versions: Vec<BlobVersion>,
    /// Where to go on; absent after the last ones.
    pub next: Option<(String, Option<String>)>,
}

impl Blobs {
    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The same client on another bucket: a dedicated tenant's own.
    #[must_use]
    pub fn in_bucket(&self, bucket: &str) -> Self {
        Self { client: self.client.clone(), bucket: bucket.to_owned() }
    }

    /// A page of the versions under a prefix; the first one without `after`.
    ///
    /// # Errors
    /// [`BlobError::S3`].
    pub async fn versions_under(
        &self,
        prefix: &BlobPrefix,
        after: Option<&(String, Option<String>)>,
    ) -> Result<Versions, BlobError> {
        let mut list = self.client.list_object_versions().bucket(&self.bucket).prefix(prefix.0.as_str());
        if let Some((key, version)) = after {
            list = list.key_marker(key).set_version_id_marker(version.clone());
        }
        let page = list.send().await.map_err(|e| failed(&prefix.0, "listed", e.into_service_error()))?;
        let versions = page.versions().iter().map(|v| BlobVersion {
            key: v.key().unwrap_or_default().to_owned(),
            version: v.version_id().map(ToOwned::to_owned),
            size: v.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            is_current: v.is_latest() == Some(true),
        });
        let markers = page.delete_markers().iter().map(|m| BlobVersion {
            key: m.key().unwrap_or_default().to_owned(),
            version: m.version_id().map(ToOwned::to_owned),
            size: 0,
            is_current: false,
        });
        let versions = versions.chain(markers).collect();
        let next = match (page.is_truncated(), page.next_key_marker()) {
            (Some(true), Some(key)) => {
                Some((key.to_owned(), page.next_version_id_marker().map(ToOwned::to_owned)))
            }
            _ => None,
        };
        Ok(Versions { versions, next })
    }

    /// Erases a page of the versions under a prefix for good; whether nothing is left.
    ///
    /// # Errors
    /// [`BlobError::S3`]; some versions may be gone, so try again.
    pub async fn erase_under(&self, prefix: &BlobPrefix) -> Result<bool, BlobError> {
        let page = self.versions_under(prefix, None).await?;
        if page.versions.is_empty() {
            return Ok(true);
        }
        let id = |v: BlobVersion| ObjectIdentifier::builder().key(v.key).set_version_id(v.version).build();
        let ids = page.versions.into_iter().map(id).collect::<Result<Vec<_>, _>>();
        let ids = ids.map_err(|e| failed(&prefix.0, "erased", e))?;
        let delete = Delete::builder().set_objects(Some(ids)).quiet(true).build();
        let delete = delete.map_err(|e| failed(&prefix.0, "erased", e))?;
        let answer = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await;
        let answer = answer.map_err(|e| failed(&prefix.0, "erased", e.into_service_error()))?;
        if let Some(error) = answer.errors().first() {
            let code = error.code().unwrap_or("unknown error").to_owned();
            return Err(failed(&prefix.0, "erased", code));
        }
        Ok(page.next.is_none())
    }
}
