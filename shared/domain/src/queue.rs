//! What travels between functions: one small struct for each kind of message, with its queue on it.
//!
//! They carry ids, never texts, names or tokens; only [`InboundEvent`] holds what LINE sent,
//! because nothing has stored it yet.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::clock::Timestamp;
use crate::ids::{ChannelId, ConversationId, DocumentId, TenantId};
use crate::lane;

/// A message and the queue it belongs to.
pub trait QueueMessage: Serialize + DeserializeOwned + Send + Sync {
    /// The queue; its URL is in the variable [`url_variable`] names.
    const QUEUE: &'static str;

    /// FIFO group: what must stay in order. `None` on a standard queue.
    fn group_id(&self) -> Option<String>;

    /// FIFO deduplication within SQS's five minutes; a saving, never the authority. At most 128
    /// characters. `None`: every send is its own (the sender makes a random one on FIFO queues).
    fn deduplication_id(&self) -> Option<String>;
}

/// Something that is done with every kind of message.
pub trait QueueVisitor {
    /// With one of them.
    fn visit<M: QueueMessage>(&mut self);
}

/// Every kind of message there is: the one list, held against the template's queues.
pub fn visit_queue_messages(visitor: &mut impl QueueVisitor) {
    visitor.visit::<Inbound>();
    visitor.visit::<MediaJob>();
    visitor.visit::<SummaryJob>();
    visitor.visit::<OutboundJob>();
    visitor.visit::<TenantJob>();
}

/// The environment variable that holds a queue's URL: `inbound.fifo` → `INBOUND_QUEUE_URL`.
#[must_use]
pub fn url_variable(queue: &str) -> String {
    format!("{}_QUEUE_URL", queue.trim_end_matches(".fifo").to_ascii_uppercase())
}

/// webhook → recorder: one event as LINE sent it (travels as [`Inbound::Event`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundEvent {
    /// From the directory, never from the payload.
    pub tenant_id: TenantId,
    /// The channel whose signature was verified.
    pub channel_id: ChannelId,
    /// The user, group or room the event is about; the bot itself for events without a source.
    pub conversation_id: ConversationId,
    /// `webhookEventId`, or a digest of the event when LINE left it out.
    pub event_id: String,
    /// When the webhook took it.
    pub received_at: Timestamp,
    /// The event object, untouched.
    pub event: serde_json::Value,
}

/// recorder → recorder: fetch a message's content from LINE into S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaJob {
    /// Tenant.
    pub tenant_id: TenantId,
    /// The message document whose media is wanted (or to be erased, if it was unsent meanwhile).
    pub message_id: DocumentId,
}

impl QueueMessage for MediaJob {
    const QUEUE: &'static str = "media";

    fn group_id(&self) -> Option<String> {
        None
    }

    fn deduplication_id(&self) -> Option<String> {
        None
    }
}

/// recorder, scheduler, api → summarizer: write the summary of a closed session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryJob {
    /// Tenant.
    pub tenant_id: TenantId,
    /// The session.
    pub session_id: DocumentId,
    /// Which writing of it: grows when an unsend or an edit makes the old one wrong.
    pub revision: u32,
}

impl QueueMessage for SummaryJob {
    const QUEUE: &'static str = "summaries.fifo";

    fn group_id(&self) -> Option<String> {
        Some(format!("{}#{}", self.tenant_id, self.session_id))
    }

    fn deduplication_id(&self) -> Option<String> {
        None
    }
}

/// recorder, summarizer, scheduler → sender: send an outbox entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboundJob {
    /// Tenant.
    pub tenant_id: TenantId,
    /// Where it goes; keeps a conversation's messages in order.
    pub conversation_id: ConversationId,
    /// The outbox entry.
    pub outbox_id: DocumentId,
}

impl QueueMessage for OutboundJob {
    const QUEUE: &'static str = "outbound.fifo";

    fn group_id(&self) -> Option<String> {
        Some(format!("{}#{}", self.tenant_id, self.conversation_id))
    }

    fn deduplication_id(&self) -> Option<String> {
        None
    }
}

/// xtask, api, scheduler → provisioner: go on with an operation on a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantJob {
    /// Tenant; one thing at a time is done to it.
    pub tenant_id: TenantId,
    /// The operation, which knows what is to be done and how far it is.
    pub operation_id: DocumentId,
}

impl QueueMessage for TenantJob {
    const QUEUE: &'static str = "tenants.fifo";

    fn group_id(&self) -> Option<String> {
        Some(self.tenant_id.to_string())
    }

    fn deduplication_id(&self) -> Option<String> {
        None
    }
}

/// scheduler → recorder: a session ran out of time and may be closed. Travels in the
/// conversation's own group of `inbound.fifo`, so the recorder stays its only writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseSession {
    /// Tenant.
    pub tenant_id: TenantId,
    /// The channel.
    pub channel_id: ChannelId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The session to close; ignored when it is closed already.
    pub session_id: DocumentId,
    /// Who closes: `time_limit` (re-checked by the recorder) or `manual`.
    pub trigger: CloseTrigger,
    /// The account or key that asked for it, if staff did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<DocumentId>,
}

/// api → recorder: staff want a session open before anything is said. Travels in the conversation's own
/// group, as [`CloseSession`] does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenSession {
    /// Tenant.
    pub tenant_id: TenantId,
    /// The channel.
    pub channel_id: ChannelId,
    /// The conversation, whose room is known already.
    pub conversation_id: ConversationId,
    /// The wish, so that it is fulfilled once. Nothing happens while a session is open.
    pub wish_id: DocumentId,
}

/// `trigger` of the seed's Session, and one for `settings.summarySchedule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, VariantArray)]
#[serde(rename_all = "snake_case")]
pub enum CloseTrigger {
    /// The session holds as many messages as it may.
    MessageCount,
    /// It has been open as long as it may.
    TimeLimit,
    /// The day, week or month that it began in ended.
    Schedule,
    /// Somebody asked for it.
    Manual,
}

impl CloseTrigger {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MessageCount => "message_count",
            Self::TimeLimit => "time_limit",
            Self::Schedule => "schedule",
            Self::Manual => "manual",
        }
    }
}

/// What `inbound.fifo` carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Inbound {
    /// An event from LINE.
    Event(InboundEvent),
    /// A wish to close a session.
    Close(CloseSession),
    /// A wish to open one.
    Open(OpenSession),
}

impl Inbound {
    /// Tenant.
    #[must_use]
    pub fn tenant_id(&self) -> &TenantId {
        match self {
            Self::Event(e) => &e.tenant_id,
            Self::Close(c) => &c.tenant_id,
            Self::Open(o) => &o.tenant_id,
        }
    }

    /// Channel.
    #[must_use]
    pub fn channel_id(&self) -> &ChannelId {
        match self {
            Self::Event(e) => &e.channel_id,
            Self::Close(c) => &c.channel_id,
            Self::Open(o) => &o.channel_id,
        }
    }

    /// Conversation.
    #[must_use]
    pub fn conversation_id(&self) -> &ConversationId {
        match self {
            Self::Event(e) => &e.conversation_id,
            Self::Close(c) => &c.conversation_id,
            Self::Open(o) => &o.conversation_id,
        }
    }
}

impl QueueMessage for Inbound {
    const QUEUE: &'static str = "inbound.fifo";

    fn group_id(&self) -> Option<String> {
        Some(lane::group(self.tenant_id(), self.channel_id(), self.conversation_id()))
    }

    fn deduplication_id(&self) -> Option<String> {
        match self {
            // `#` is in no id: no channel's event is taken for another's.
            Self::Event(e) => Some(format!("{}#{}", e.channel_id, e.event_id)),
            // The scheduler asks every minute until the session is closed; SQS keeps one in five.
            Self::Close(c) => Some(format!("#close#{}#{}", c.session_id, c.trigger.name())),
            Self::Open(o) => Some(format!("#open#{}", o.wish_id)),
        }
    }
}
