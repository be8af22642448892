//! Keys of machines.

use bson::{DateTime, doc};
use garde::Validate;
use matome_domain::access::{Resource, Scopes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Patched, Refusal, Sort, Update,
    example,
};
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
    /// The account that made it, or rotated it last, and answers for it; the platform when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// The key that took its place; it holds on for a while, up to `expiresAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<Id>,
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

    /// Writes down that the key was used, unless that was done less than a minute ago: one write by `_id`,
    /// that changes neither its version nor `updatedAt`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key_used(
        &self,
        key: &ApiKey,
        from: Option<String>,
        now: Time,
    ) -> Result<(), StoreError> {
        let before = DateTime::from_millis(now.millis().saturating_sub(USE_NOTED_EVERY_MS));
        if key.last_used_at.is_some_and(|last| last.millis() > before.timestamp_millis()) {
            return Ok(());
        }
        let mut set = doc! { "lastUsedAt": now };
        set.extend(from.map(|from| ("lastUsedIp".to_owned(), from.into())));
        let not_noted = doc! { "_id": key.id, "lastUsedAt": { "$not": { "$gt": before } } };
        self.across_tenants::<ApiKey>().update_one(not_noted, doc! { "$set": set }).await?;
        Ok(())
    }
}

/// How often a key's use is written down, in milliseconds.
const USE_NOTED_EVERY_MS: i64 = 60_000;

/// A key as the API shows it: how it begins, and nothing more of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// What it is for.
    pub name: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How it begins, after `mtm_`.
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Not taken afterwards; absent = until revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Last used, to a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Time>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_ip: Option<String>,
    /// The account that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// The key that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<Id>,
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
}

/// What can be changed of a key: it can be made less, never more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Back office", "scopes": ["rooms:read"] }))]
pub struct ApiKeyPatch {
    /// What it is for.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
    /// More about it.
    #[garde(length(chars, max = 2000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub description: Patched<String>,
    /// What it may do: some of what it may do now.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub scopes: Kept<Scopes>,
    /// Not taken afterwards: not later than now, and within a year.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub expires_at: Kept<Time>,
}

impl Changes<ApiKey> for ApiKeyPatch {
    fn update(&self, before: &ApiKey) -> Result<Update, Refusal> {
        if before.revoked_at.is_some() {
            return Err(Refusal::of("revokedAt", "the key is revoked"));
        }
        if let Some(scopes) = self.scopes.value()
            && !before.scopes.permissions().contains_all(&scopes.permissions())
        {
            return Err(Refusal::of("scopes", "a key can be made less, not more: make another one"));
        }
        if let Some(end) = self.expires_at.value()
            && before.expires_at.is_some_and(|earlier| earlier < *end)
        {
            return Err(Refusal::of("expiresAt", "must not be later than it is: make another key"));
        }
        Ok(Update::new()
            .kept("name", &self.name)
            .patched("description", &self.description)
            .kept("scopes", &self.scopes)
            .kept("expiresAt", &self.expires_at))
    }
}

impl Exposed for ApiKey {
    const NAME: &'static str = "apiKey";
    const RESOURCE: Resource = Resource::ApiKeys;
    /// It is revoked; what it did stays in the audit under its id.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = ApiKeyView;
    /// Its text has to be shown, once.
    type Create = NotCreatable;
    type Patch = ApiKeyPatch;

    fn filters() -> Vec<Filter> {
        vec![Filter::text("prefix", "How it begins, after `mtm_`.").few()]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718294", "version": 0, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "name": "Back office", "prefix": "k7m2p9x4w3ab", "scopes": ["rooms:read", "summaries:read"],
                "expiresAt": "2027-05-01T00:00:00.000Z", "lastUsedAt": "2026-11-20T09:30:00.000Z",
                "lastUsedIp": "203.0.113.7", "createdBy": "671f0a2b9d3c4e5f60718292",
                "createdAt": "2026-11-01T00:00:00.000Z", "updatedAt": "2026-11-01T00:00:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({ "name": "Back office", "scopes": ["rooms:read"] }))),
        }
    }
}
