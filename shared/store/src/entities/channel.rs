//! One connection to a messaging platform.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use garde::Validate;
use matome_domain::access::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Patched, Refusal, Sort, Update,
    example,
};
use crate::shape::{Shape, date, object_id, one_of, string};
use crate::value::{Id, Time};

/// A channel: what all platforms have in common, and under `kind` what only one has (the seeds'
/// `LineOfficialAccount`, `integrations`, `application`). `connectedRooms` of the seed is
/// `rooms.channelId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// Who pays.
    pub owner_id: ObjectId,
    /// The platform's own id of the connection, unique: LINE's channel id.
    pub channel_id: String,
    /// Platform, and what only it has; stored beside the other fields.
    #[serde(flatten)]
    pub connection: Connection,
    /// Display name.
    pub name: String,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// Description. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is used for.
    #[serde(default)]
    pub features: ChannelFeatures,
    /// Counters. Written by the scheduler and the sender, which leave `updatedAt` and `__v` alone.
    #[serde(default)]
    pub statistics: ChannelStatistics,
    /// How it is.
    #[serde(default)]
    pub health: ChannelHealth,
    /// State.
    pub status: ChannelStatus,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v", default)]
    pub version: i64,
}

/// The platform of a channel (`kind`), with what only that platform has. A further platform is a
/// further variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Connection {
    /// LINE Messaging API.
    Line(LineConnection),
}

/// A LINE Official Account. Written by the provisioner when the channel is connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineConnection {
    /// The bot's own user id, LINE's `destination`.
    pub bot_user_id: String,
    /// The account's `@…` id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_id: Option<String>,
    /// The account's bought `@…` id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premium_id: Option<String>,
    /// Whether people answer in LINE's own console (`chat`) or we do (`bot`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_mode: Option<String>,
    /// `auto` or `manual`: whether messages count as read by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark_as_read_mode: Option<String>,
    /// The channel secret, sealed by the tenant's data key; never plain. Absent once it is disconnected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_secret: Option<String>,
    /// A long-lived access token, sealed likewise. Absent as a rule: stateless tokens are issued on
    /// demand from channel id and secret, and never stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_access_token: Option<String>,
    /// The webhook endpoint set at LINE.
    pub webhook_url: String,
    /// LINE's own test of it succeeded.
    #[serde(default)]
    pub webhook_verified: bool,
    /// When it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<DateTime>,
}

/// `channel.health`: what an operator looks at first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelHealth {
    /// When the newest event came. Written by the recorder, at most once a minute from each of its
    /// environments, like the counts below: they are near the truth, not exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_webhook_at: Option<DateTime>,
    /// What went wrong last; stays when things go right again. Written by whoever calls LINE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<ChannelError>,
    /// Whether access tokens can be had. Written by the provisioner and whoever calls LINE.
    pub token_state: TokenState,
    /// When that was last found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_checked_at: Option<DateTime>,
    /// The month's messages. Written by the provisioner when the channel is connected, then by the sender
    /// when it asks LINE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<ChannelQuota>,
    /// Events received, redeliveries included, since `countedSince`. Written by the recorder.
    pub received: i64,
    /// Of those, redeliveries. Written by the recorder.
    pub redelivered: i64,
    /// When counting began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_since: Option<DateTime>,
    /// The newest event came in LINE's mode `standby`: another application has the conversation and
    /// we must not send. Written by the recorder.
    pub standby: bool,
}

impl ChannelHealth {
    /// The share of events that LINE had to deliver again, 0 to 1; absent when there were none.
    #[must_use]
    pub fn redelivery_rate(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        (self.received > 0).then(|| self.redelivered as f64 / self.received as f64)
    }
}

/// `channel.health.lastError`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelError {
    /// When.
    pub at: DateTime,
    /// A short code, such as `unauthorized` or `rate_limited`; never LINE's text.
    pub code: String,
}

/// `channel.health.tokenState`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Nobody has asked yet.
    #[default]
    Unknown,
    /// LINE issues tokens.
    Valid,
    /// LINE refuses: id and secret do not fit.
    Refused,
}

/// `channel.health.quota`, as LINE counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelQuota {
    /// Messages in the month; absent = unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// Of those, used.
    pub used: i64,
    /// When LINE said so.
    pub as_of: DateTime,
}

/// `channel.features`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelFeatures {
    /// Sends and receives messages.
    pub messaging: bool,
    /// Has a rich menu.
    pub rich_menu: bool,
    /// Broadcasts.
    pub broadcast: bool,
}

/// `channel.statistics`. All but `messagesSent` are what the channel's rooms said when its organization's usage was last
/// measured, at most an hour ago, and exact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelStatistics {
    /// People who have, or had, a chat of their own with the account.
    pub total_users: i64,
    /// Of those, the ones it reaches: they have not blocked it.
    pub active_users: i64,
    /// Messages recorded, redelivered ones once.
    pub messages_received: i64,
    /// Replies and pushes that LINE took, to a minute or so; near the truth.
    pub messages_sent: i64,
}

/// `channel.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelStatus {
    /// In use.
    Active,
    /// Disconnected: nothing comes in, nothing is sent.
    Inactive,
    /// The webhook has not been verified.
    PendingVerification,
}

impl Entity for Channel {
    const COLLECTION: &'static str = "channels";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "channelId": 1 }),
            Index::on(doc! { "ownerId": 1 }),
            // Lists: of a tenant, and of all.
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "createdAt": -1, "_id": -1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("tenantId", string())
            .required("ownerId", object_id())
            .required("kind", string())
            .required("channelId", string())
            .required("name", string())
            .required("status", one_of::<ChannelStatus>())
            .required("createdAt", date())
    }
}

/// A channel as the API shows it. Secret and token are nobody's business, sealed or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// Who pays.
    pub owner_id: Id,
    /// `line`.
    pub kind: String,
    /// The platform's own id of the connection: LINE's channel id.
    pub channel_id: String,
    /// Display name.
    pub name: String,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is used for.
    #[serde(default)]
    pub features: ChannelFeatures,
    /// Counters.
    #[serde(default)]
    pub statistics: ChannelStatistics,
    /// How it is.
    #[serde(default)]
    pub health: ChannelHealthView,
    /// State.
    pub status: ChannelStatus,
    /// The bot's own user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot_user_id: Option<String>,
    /// The account's `@…` id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_id: Option<String>,
    /// The account's bought `@…` id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premium_id: Option<String>,
    /// `chat`: people answer in LINE's own console; `bot`: we do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_mode: Option<String>,
    /// `auto` or `manual`: whether messages count as read by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark_as_read_mode: Option<String>,
    /// The webhook endpoint set at LINE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// LINE's own test of it succeeded.
    #[serde(default)]
    pub webhook_verified: bool,
    /// When it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Time>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// `channel.health`, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelHealthView {
    /// When the newest event came, to a minute or so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_webhook_at: Option<Time>,
    /// What went wrong last; stays when things go right again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<ChannelErrorView>,
    /// Whether access tokens can be had.
    pub token_state: TokenState,
    /// When that was last found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_checked_at: Option<Time>,
    /// The month's messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<ChannelQuotaView>,
    /// Events received since `countedSince`, redeliveries included; near the truth.
    pub received: i64,
    /// Of those, redeliveries.
    pub redelivered: i64,
    /// When counting began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_since: Option<Time>,
    /// Another application has the conversation; we must not send.
    pub standby: bool,
}

/// `channel.health.lastError`, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelErrorView {
    /// When.
    pub at: Time,
    /// A short code, such as `unauthorized` or `rate_limited`.
    pub code: String,
}

/// `channel.health.quota`, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelQuotaView {
    /// Messages in the month; absent = unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// Of those, used.
    pub used: i64,
    /// When LINE said so.
    pub as_of: Time,
}

/// What can be changed of a channel. Connecting one is an operation of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelPatch {
    /// Display name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
    /// Description.
    #[garde(length(chars, max = 2000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub description: Patched<String>,
    /// What it is used for.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub features: Kept<ChannelFeaturesPatch>,
}

/// `channel.features` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelFeaturesPatch {
    /// Sends and receives messages.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub messaging: Kept<bool>,
    /// Has a rich menu.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub rich_menu: Kept<bool>,
    /// Broadcasts.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub broadcast: Kept<bool>,
}

impl Changes<Channel> for ChannelPatch {
    fn update(&self, _: &Channel) -> Result<Update, Refusal> {
        let update = Update::new().kept("name", &self.name).patched("description", &self.description);
        let Some(features) = self.features.value() else { return Ok(update) };
        Ok(update
            .kept("features.messaging", &features.messaging)
            .kept("features.richMenu", &features.rich_menu)
            .kept("features.broadcast", &features.broadcast))
    }
}

impl Exposed for Channel {
    const NAME: &'static str = "channel";
    const RESOURCE: Resource = Resource::Channels;
    /// Disconnecting one is an operation of the provisioner's.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = ChannelView;
    type Create = NotCreatable;
    type Patch = ChannelPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::one_of::<ChannelStatus>("status", "State."),
            Filter::text("channelId", "The platform's own id of the connection.").few(),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829a", "version": 0, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "ownerId": "671f0a2b9d3c4e5f6071829c", "kind": "line", "channelId": "1650000001", "name": "Shop",
                "features": { "messaging": true }, "health": { "tokenState": "valid", "received": 480 },
                "status": "active", "botUserId": "U4af4980629", "basicId": "@shop",
                "webhookUrl": "https://example.com/line/1650000001", "webhookVerified": true,
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({ "name": "Shop Ginza", "features": { "broadcast": true } }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::Document;

    use super::*;

    /// As `up` wrote channels before they had a health record.
    fn old() -> Document {
        doc! {
            "_id": ObjectId::from_bytes([1; 12]), "tenantId": "t", "ownerId": ObjectId::from_bytes([2; 12]),
            "kind": "line", "channelId": "1650000001", "botUserId": "U1", "channelSecret": "sealed",
            "name": "Shop", "webhookUrl": "https://example.com/line/1650000001", "webhookVerified": true,
            "features": { "messaging": true, "richMenu": false, "broadcast": false },
            "statistics": { "totalUsers": 0_i64, "activeUsers": 0_i64, "messagesReceived": 0_i64, "messagesSent": 0_i64 },
            "status": "active", "verifiedAt": DateTime::from_millis(5),
            "createdAt": DateTime::from_millis(1), "updatedAt": DateTime::from_millis(2), "__v": 0_i64,
        }
    }

    #[test]
    fn a_channel_written_before_is_read_and_written_back_with_nothing_lost() {
        let channel: Channel = bson::deserialize_from_document(old()).unwrap();
        let Connection::Line(line) = &channel.connection;
        assert_eq!((line.bot_user_id.as_str(), line.verified_at), ("U1", Some(DateTime::from_millis(5))));
        assert_eq!(channel.health, ChannelHealth::default());
        let written = crate::collection::encode(&channel).unwrap();
        for (name, value) in old() {
            assert_eq!(written.get(&name), Some(&value), "{name}");
        }
        let bytes = bson::serialize_to_vec(&channel).unwrap();
        assert_eq!(bson::deserialize_from_slice::<Channel>(&bytes).unwrap(), channel);
    }

    #[test]
    fn the_redelivery_rate_is_a_share_of_what_came() {
        assert_eq!(ChannelHealth::default().redelivery_rate(), None);
        let health = ChannelHealth { received: 200, redelivered: 3, ..ChannelHealth::default() };
        assert_eq!(health.redelivery_rate(), Some(0.015));
    }
}
