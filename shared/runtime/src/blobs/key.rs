//! Where a blob is.

use std::str::Split;

use matome_domain::ids::{DocumentId, TenantId};

/// What of a message's media a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaPart {
    /// As LINE had it.
    Original,
    /// A small picture of it.
    Thumbnail,
}

/// Where a blob is; always under its tenant's prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobKey(pub(super) String);

impl BlobKey {
    /// `tenants/{tenantId}/media/{messageId}/original` or `…/thumbnail`.
    #[must_use]
    pub fn media(tenant: &TenantId, message: &DocumentId, part: MediaPart) -> Self {
        let part = match part {
            MediaPart::Original => "original",
            MediaPart::Thumbnail => "thumbnail",
        };
        Self(format!("tenants/{tenant}/media/{message}/{part}"))
    }

    /// `tenants/{tenantId}/exports/{userId}/{exportId}`: everything that is stored about one person. Made to be
    /// fetched and not to be kept: the bucket forgets it after a week, by its tag.
    #[must_use]
    pub fn export(tenant: &TenantId, user: &DocumentId, export: &DocumentId) -> Self {
        Self(format!("tenants/{tenant}/exports/{user}/{export}"))
    }

    /// `backups/{tenantId}/{name}`: a file of what stays of a tenant that leaves. Not under the tenant's
    /// own prefix, which is erased.
    ///
    /// # Panics
    /// When `name` leads elsewhere, which only a mistake in the caller can make it do.
    #[must_use]
    pub fn backup(tenant: &TenantId, name: &str) -> Self {
        assert!(!name.is_empty() && !name.contains(".."), "a backup's name is a plain path");
        Self(format!("backups/{tenant}/{name}"))
    }

    /// A key as it was stored, if it is one of this tenant's: one that is built of its prefix and names,
    /// without anything that a proxy or an emulator could take for a way out.
    #[must_use]
    pub fn of_tenant(tenant: &TenantId, stored: &str) -> Option<Self> {
        let rest = stored.strip_prefix("tenants/")?.strip_prefix(tenant.as_str())?.strip_prefix('/')?;
        let is_name = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        rest.split('/').all(is_name).then(|| Self(stored.to_owned()))
    }

    /// The message whose media it is part of, where it is one's.
    #[must_use]
    pub fn message(&self) -> Option<DocumentId> {
        let mut parts = self.of_kind("media")?;
        DocumentId::new(parts.next()?).ok()
    }

    /// Whether it is what was exported about a person.
    #[must_use]
    pub fn is_export(&self) -> bool {
        self.of_kind("exports").is_some()
    }

    /// What follows the tenant's prefix: `media/{messageId}/original`.
    #[must_use]
    pub fn within_tenant(&self) -> &str {
        self.0.splitn(3, '/').nth(2).unwrap_or(&self.0)
    }

    /// What follows a kind of a tenant's blobs.
    fn of_kind(&self, kind: &str) -> Option<Split<'_, char>> {
        let mut parts = self.0.strip_prefix("tenants/")?.split('/');
        (parts.nth(1) == Some(kind)).then_some(parts)
    }

    /// The object's tags, as `PutObject` takes them. By them lifecycle rules (`template.yaml`,
    /// `infra/tenant.yaml`) know what is not to be kept: a rule's prefix cannot have any tenant in its middle.
    pub(super) fn tagging(&self) -> Option<String> {
        self.is_export().then(|| "matome%3Akind=export".to_owned())
    }

    /// The key in the bucket.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> DocumentId {
        DocumentId::new(text).unwrap()
    }

    #[test]
    fn a_key_stays_under_its_tenant() {
        let (tenant, other) = (TenantId::new("t1").unwrap(), TenantId::new("t").unwrap());
        let key = BlobKey::media(&tenant, &id("m1"), MediaPart::Original);
        assert_eq!(key.as_str(), "tenants/t1/media/m1/original");
        assert_eq!(BlobKey::of_tenant(&tenant, key.as_str()), Some(key.clone()));
        assert_eq!(BlobKey::of_tenant(&other, key.as_str()), None);
        assert_eq!(key.message(), Some(id("m1")));
        assert_eq!(key.within_tenant(), "media/m1/original");
        assert_eq!(BlobKey::backup(&tenant, "media/m1").message(), None);
    }

    #[test]
    fn exports_alone_are_tagged_as_what_is_not_kept() {
        // A tenant's name may be that of a kind.
        let tenant = TenantId::new("exports").unwrap();
        let export = BlobKey::export(&tenant, &id("u1"), &id("e1"));
        assert_eq!((export.is_export(), export.message()), (true, None));
        assert_eq!(export.tagging().as_deref(), Some("matome%3Akind=export"));
        let media = BlobKey::media(&tenant, &id("exports"), MediaPart::Thumbnail);
        for kept in [media, BlobKey::backup(&tenant, "exports/m1")] {
            assert_eq!((kept.is_export(), kept.tagging()), (false, None), "{kept:?}");
        }
    }
}
