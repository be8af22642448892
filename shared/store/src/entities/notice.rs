//! What operators, and later the tenant's own people, are to be told about a tenant.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::ids::TenantId;
use matome_domain::limits::{Level, Limit};
use matome_domain::month::Month;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::id::derived;
use crate::shape::{Shape, date, string};

/// A limit that came to a level: 80 % of it used, all of it, or more. One for each month, limit and
/// level, so that nobody is told twice. Raised by [`crate::TenantStore::measure_usage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Id; see [`Notice::id_of`].
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Month.
    pub month: Month,
    /// Which limit.
    pub limit: Limit,
    /// How far: never `ok`.
    pub level: Level,
    /// What was used then, in the unit of [`matome_domain::limits::Usage::of`].
    pub used: u64,
    /// What was allowed then, in the same unit.
    pub allowed: u64,
    /// Raised.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v", default)]
    pub version: i64,
}

impl Notice {
    /// The id of the one notice there can be.
    #[must_use]
    pub fn id_of(tenant: &TenantId, month: &Month, limit: Limit, level: Level) -> ObjectId {
        derived(&["notice", tenant.as_str(), month.as_str(), limit.as_str(), level.as_str()])
    }
}

impl Entity for Notice {
    const COLLECTION: &'static str = "notices";

    fn indexes() -> Vec<Index> {
        vec![Index::unique(doc! { "tenantId": 1, "month": -1, "limit": 1, "level": 1 })]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("month", string())
            .required("limit", string())
            .required("level", string())
            .required("createdAt", date())
    }
}
