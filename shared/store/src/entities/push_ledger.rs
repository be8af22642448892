//! What a channel's pushes cost in a month.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::shape::{Shape, number, string};

/// `_id` is derived from channel and month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushLedger {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE channel id.
    pub channel_id: String,
    /// `YYYY-MM` in UTC+9, as LINE counts months.
    pub month: String,
    /// Messages booked by us, one a recipient: accepted, or under way.
    pub booked: i64,
    /// Of `booked`, those whose outcome is settled: what LINE took of them is in its own count.
    pub settled: i64,
    /// LINE's limit for the month; absent = unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// What LINE says was used, by everybody who sends for this account.
    pub consumed: i64,
    /// `settled` when `consumed` was about to be read: what is booked beyond that (under way then,
    /// or later) comes on top.
    pub settled_at_reading: i64,
    /// When limit and consumption were read.
    pub read_at: DateTime,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl Entity for PushLedger {
    const COLLECTION: &'static str = "push_ledger";

    fn indexes() -> Vec<Index> {
        vec![Index::unique(doc! { "tenantId": 1, "channelId": 1, "month": -1 })]
    }

    fn shape() -> Shape {
        Shape::new().required("channelId", string()).required("month", string()).required("booked", number())
    }
}
