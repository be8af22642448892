//! Keys of machines.

use bson::doc;
use matome_domain::access::Scopes;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::shape::{Shape, date, string};
use crate::store::Store;
use crate::value::{Id, Time};

/// An API key of an organization (the seeds' `api_keys`, and a company's `apiKey` and `clientSecret`, which
/// are a key's prefix and secret here). The key itself was shown once and is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant.
    pub tenant_id: String,
    /// What it is for.
    pub name: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How it begins, by which it is found and recognized; unique on the platform.
    pub prefix: String,
    /// Tag of the whole key.
    pub tag: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Not taken afterwards; absent = until revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Last used; written once a minute at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Time>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_ip: Option<String>,
    /// The account that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// Not taken any more, since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Deleted when, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl ApiKey {
    /// Whether it is taken.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.revoked_at.is_none() && self.deleted_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Entity for ApiKey {
    const COLLECTION: &'static str = "api_keys";
    const SCOPE: Scope = Scope::TenantOnPlatform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "prefix": 1 }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("name", string())
            .required("prefix", string())
            .required("tag", string())
            .optional("expiresAt", date())
            .optional("revokedAt", date())
            .optional("deletedAt", date())
            .required("createdAt", date())
    }
}

impl Store {
    /// The key that begins so, whichever tenant's; its tag and whether it is live are still to be looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key_by_prefix(&self, prefix: &str) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.across_tenants::<ApiKey>().find_one(doc! { "prefix": prefix }).await?)
    }
}
