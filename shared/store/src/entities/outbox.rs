//! What is to be said in LINE, and what became of it.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entities::session::ReplyToken;
use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, object, one_of, string};

/// One message to be sent. `_id` is derived from what caused it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE channel id.
    pub channel_id: String,
    /// LINE's user, group or room id.
    pub conversation_id: String,
    /// Room, when it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<ObjectId>,
    /// What to say; the texts are made when it is sent.
    pub purpose: Purpose,
    /// State.
    pub state: OutboxState,
    /// How the last attempt went out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_as: Option<OutboxKind>,
    /// The free way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_token: Option<ReplyToken>,
    /// A call with the reply token was begun; its outcome is known only when `state` moved on.
    #[serde(default)]
    pub reply_begun: bool,
    /// Answers a tap or a command: worth a free reply, not a push from the month's quota.
    #[serde(default)]
    pub reply_only: bool,
    /// `X-Line-Retry-Key` of the push: the same for every attempt.
    pub retry_key: String,
    /// When the first push with the retry key was begun; LINE knows the key for 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_begun_at: Option<DateTime>,
    /// The body of the first push: a retry must carry the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_body: Option<String>,
    /// Messages the push costs: one a recipient.
    #[serde(default)]
    pub cost: i64,
    /// Calendar month (`YYYY-MM`, UTC+9 as LINE counts) whose ledger `cost` is booked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booked_month: Option<String>,
    /// LINE's `x-line-request-id` of the accepted request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// A code that says why it was refused or failed; never LINE's text about contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Attempts so far.
    #[serde(default)]
    pub attempts: i64,
    /// Accepted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// What is known of an entry when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOutboxEntry {
    /// Derived from what caused it.
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE channel id.
    pub channel_id: String,
    /// LINE's user, group or room id.
    pub conversation_id: String,
    /// Room, when it is one of ours.
    pub room_id: Option<ObjectId>,
    /// What to say.
    pub purpose: Purpose,
    /// The free way out.
    pub reply_token: Option<ReplyToken>,
    /// See [`OutboxEntry::reply_only`].
    pub reply_only: bool,
    /// See [`OutboxEntry::retry_key`].
    pub retry_key: String,
}

impl NewOutboxEntry {
    /// The entry, to be sent.
    #[must_use]
    pub fn queued(self, now: DateTime) -> OutboxEntry {
        OutboxEntry {
            id: self.id,
            tenant_id: self.tenant_id,
            channel_id: self.channel_id,
            conversation_id: self.conversation_id,
            room_id: self.room_id,
            purpose: self.purpose,
            state: OutboxState::Queued,
            sent_as: None,
            reply_token: self.reply_token,
            reply_begun: false,
            reply_only: self.reply_only,
            retry_key: self.retry_key,
            push_begun_at: None,
            push_body: None,
            cost: 0,
            booked_month: None,
            request_id: None,
            error: None,
            attempts: 0,
            accepted_at: None,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Purpose {
    /// A summary.
    Summary {
        /// Which.
        summary_id: ObjectId,
    },
    /// A summary's full account.
    Details {
        /// Which.
        summary_id: ObjectId,
    },
    /// "A summary is ready", with a button: waits for a free reply token.
    SummaryReady {
        /// Which.
        summary_id: ObjectId,
    },
    /// There was nothing to summarize.
    NothingToSummarize,
    /// Thanks for a rating.
    RatingThanks {
        /// 1 to 5.
        rating: i32,
    },
    /// Hello, on being added.
    Welcome,
}

/// Reply or push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxKind {
    /// With a reply token: free.
    Reply,
    /// Counts against the month's quota.
    Push,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// To be sent.
    Queued,
    /// LINE took it (which is not "delivered").
    Accepted,
    /// The month's quota is spent; a "summary ready" waits for a free token.
    QuotaRefused,
    /// The person has blocked the account, or the bot has left.
    Blocked,
    /// A reply's outcome is unknown and cannot be found out; sending again could say it twice.
    Ambiguous,
    /// LINE refused it for good.
    Failed,
}

impl Entity for OutboxEntry {
    const COLLECTION: &'static str = "outbox";

    fn indexes() -> Vec<Index> {
        vec![
            Index::on(doc! { "tenantId": 1, "roomId": 1, "createdAt": -1 }),
            Index::on(doc! { "tenantId": 1, "state": 1, "createdAt": -1 }),
            // For the sweep, which looks over all tenants of a database.
            Index::on(doc! { "updatedAt": 1 }).only(doc! { "state": "queued" }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("channelId", string())
            .required("conversationId", string())
            .required("purpose", object())
            .required("state", one_of::<OutboxState>())
            .required("retryKey", string())
            .required("createdAt", date())
    }
}
