//! What a tenant used in a month, compared with what it may use.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::ids::TenantId;
use matome_domain::limits::{Level, Levels, Usage};
use matome_domain::month::Month;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::id::derived;
use crate::shape::{Shape, date, number, string};

/// One document a month. Measured by [`crate::TenantStore::measure_usage`], which the scheduler calls;
/// `apiCalls` and `agents` are counted by whoever serves calls and activates agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthlyUsage {
    /// Id; see [`usage_id`].
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Month.
    pub month: Month,
    /// What counts against limits.
    #[serde(flatten)]
    pub used: Usage,
    /// Tokens that AI providers took in the month; limited by `aiSettings.monthlyTokenLimit`.
    #[serde(default)]
    pub ai_tokens: i64,
    /// Where each limit stood.
    #[serde(default)]
    pub levels: Levels,
    /// The highest of `levels`, for lists and filters.
    #[serde(default)]
    pub level: Level,
    /// When it was measured; absent while others have counted and nobody has measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed_at: Option<DateTime>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v", default)]
    pub version: i64,
}

/// Id of a tenant's usage in a month: whoever counts can do so without a look-up.
#[must_use]
pub fn usage_id(tenant: &TenantId, month: &Month) -> ObjectId {
    derived(&["usage", tenant.as_str(), month.as_str()])
}

impl Entity for MonthlyUsage {
    const COLLECTION: &'static str = "usage";

    fn indexes() -> Vec<Index> {
        vec![Index::unique(doc! { "tenantId": 1, "month": -1 })]
    }

    fn shape() -> Shape {
        Shape::new().required("month", string()).optional("messages", number()).optional("computedAt", date())
    }
}
