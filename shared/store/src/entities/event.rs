//! Events that are not messages: done once, and kept for a while.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, string};

/// One event as recorded. `_id` is derived from channel and event id, which makes it the authority
/// on "already done".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundEventRecord {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE channel id.
    pub channel_id: String,
    /// LINE's `webhookEventId`, or a digest of the event.
    pub webhook_event_id: String,
    /// LINE's `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<ObjectId>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<ObjectId>,
    /// What a postback asked for, typed, with the `params` that LINE added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Document>,
    /// What a known kind says of itself, as LINE sent it: the beacon, the membership, how an account link ended (but
    /// not its nonce).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Document>,
    /// The event untouched: only for kinds this code does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Document>,
    /// When it happened, as LINE says.
    pub timestamp: DateTime,
    /// Recorded.
    pub created_at: DateTime,
    /// Forgotten after this.
    pub expires_at: DateTime,
}

impl Entity for InboundEventRecord {
    const COLLECTION: &'static str = "inbound_events";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "channelId": 1, "webhookEventId": 1 }),
            Index::on(doc! { "tenantId": 1, "roomId": 1, "timestamp": -1 }),
            Index::ttl(doc! { "expiresAt": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("channelId", string())
            .required("webhookEventId", string())
            .required("type", string())
            .required("timestamp", date())
            .required("createdAt", date())
            .required("expiresAt", date())
    }
}
