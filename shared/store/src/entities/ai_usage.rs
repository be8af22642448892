//! What an organization's summaries cost in a month.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::shape::{Shape, number, string};

/// `_id` is derived from the month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiUsage {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// `YYYY-MM`, UTC.
    pub month: String,
    /// Summaries written.
    pub summaries: i64,
    /// Tokens sent and received.
    pub tokens_used: i64,
    /// US dollars, as far as prices are known.
    pub cost: f64,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl Entity for AiUsage {
    const COLLECTION: &'static str = "ai_usage";

    fn indexes() -> Vec<Index> {
        vec![Index::unique(doc! { "tenantId": 1, "month": -1 })]
    }

    fn shape() -> Shape {
        Shape::new().required("month", string()).required("tokensUsed", number())
    }
}
