//! What an entity declares about itself, once.

use bson::Document;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shape::Shape;

/// Who a collection belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The platform's own database.
    Platform,
    /// A tenant, but lives in the platform's database, whatever the tenant's placement: what has to be known
    /// of it before its data can be reached. Documents carry `tenantId`.
    TenantOnPlatform,
    /// A tenant; lives where the tenant's placement says.
    Tenant,
}

/// One index.
#[derive(Debug, Clone)]
pub struct Index {
    /// Keys in order, such as `{"tenantId": 1, "timestamp": -1}`.
    pub keys: Document,
    /// No two documents may share the keys.
    pub unique: bool,
    /// Only documents matching this are indexed.
    pub partial: Option<Document>,
    /// Documents vanish this many seconds after the (single) key's date.
    pub expire_after_seconds: Option<u64>,
}

impl Index {
    /// A plain index.
    #[must_use]
    pub fn on(keys: Document) -> Self {
        Self { keys, unique: false, partial: None, expire_after_seconds: None }
    }

    /// A unique index.
    #[must_use]
    pub fn unique(keys: Document) -> Self {
        Self { unique: true, ..Self::on(keys) }
    }

    /// Over some of the documents only.
    #[must_use]
    pub fn only(self, filter: Document) -> Self {
        Self { partial: Some(filter), ..self }
    }

    /// TTL: `keys` names one date field; a document goes when that date has passed.
    #[must_use]
    pub fn ttl(keys: Document) -> Self {
        Self { expire_after_seconds: Some(0), ..Self::on(keys) }
    }
}

/// A kind of document.
pub trait Entity: Serialize + DeserializeOwned + Send + Sync + Unpin + 'static {
    /// Collection name, plural, snake_case.
    const COLLECTION: &'static str;
    /// Who it belongs to.
    const SCOPE: Scope = Scope::Tenant;

    /// Its indexes besides `_id`. Tenant entities lead with `tenantId`, except where a sweep over
    /// all tenants of a database needs the index.
    fn indexes() -> Vec<Index>;

    /// What MongoDB checks of its documents, besides the `tenantId` of what belongs to a tenant.
    fn shape() -> Shape {
        Shape::new()
    }
}
