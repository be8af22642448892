//! Webhook events, parsed so that nothing LINE may add tomorrow fails today.
//!
//! Shapes are those of LINE's `webhook.yml` and, for `messageEdited`, of the reference's
//! "edit event". Parsing an event cannot fail: a type we do not know, or one we know in a shape we
//! do not, becomes [`EventKind::Unknown`] with the raw object kept.

mod kind;
mod lenient;
mod message;
mod source;
mod text;

use matome_domain::clock::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use kind::{AccountLinkResult, BeaconKind, EventKind, MembershipChange, ModuleChange};
pub use message::{
    ContentProvider, FileContent, ImageSet, LocationContent, MediaContent, Message, MessageContent,
    StickerContent,
};
pub use source::{Source, SourceKind};
pub use text::{Emoji, Mentionee, MentioneeKind, TextContent};

/// The body of a webhook request. The events stay raw so that one cannot fail another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Callback {
    /// User id of the bot that the events are for.
    pub destination: String,
    /// The events; empty in LINE's connection check.
    pub events: Vec<Value>,
}

impl Callback {
    /// Reads a webhook's body, whose signature must have been verified before.
    ///
    /// # Errors
    /// When the body is not JSON, or lacks `destination` or `events`. The error names the position
    /// and the field and never repeats the body.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidCallback> {
        serde_json::from_slice(body).map_err(|e| InvalidCallback {
            problem: match e.classify() {
                serde_json::error::Category::Data => {
                    "is not a callback: `destination` (string) and `events` (array)"
                }
                _ => "is not JSON",
            },
            line: e.line(),
            column: e.column(),
        })
    }
}

/// A webhook body that LINE cannot have sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook body {problem} (line {line}, column {column})")]
pub struct InvalidCallback {
    problem: &'static str,
    line: usize,
    column: usize,
}

/// One webhook event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// Where and who; absent on account-wide events (`botSuspended`, …).
    pub source: Option<Source>,
    /// When it happened, the same on a redelivery; zero when LINE left it out.
    pub timestamp: Timestamp,
    /// Whether this channel may answer.
    pub mode: Mode,
    /// ULID, the same on a redelivery.
    pub webhook_event_id: Option<String>,
    /// LINE sends the event again.
    pub is_redelivery: bool,
    /// Usable once, within a minute; absent on events that cannot be answered and in standby.
    pub reply_token: Option<String>,
}

/// The channel's state when LINE sent the event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// May send.
    Active,
    /// Another module channel is in control: do not send.
    Standby,
    /// A state newer than this code; treat it as standby.
    #[serde(untagged)]
    Other(String),
}

impl Event {
    /// Reads one element of [`Callback::events`]. Never fails; see [`EventKind::Unknown`].
    #[must_use]
    pub fn parse(value: Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let reply_token = text("replyToken").filter(|t| !t.is_empty());
        let webhook_event_id = text("webhookEventId").filter(|t| !t.is_empty());
        let timestamp = Timestamp(value.get("timestamp").and_then(Value::as_i64).unwrap_or_default());
        let mode = lenient::field(&value, "mode").unwrap_or(Mode::Active);
        let source = value.get("source").and_then(Source::parse);
        let is_redelivery =
            value.pointer("/deliveryContext/isRedelivery").and_then(Value::as_bool).unwrap_or(false);
        Self {
            kind: EventKind::parse(value),
            source,
            timestamp,
            mode,
            webhook_event_id,
            is_redelivery,
            reply_token,
        }
    }

    /// The conversation the event belongs to: group, else room, else user.
    #[must_use]
    pub fn conversation_id(&self) -> Option<&str> {
        self.source.as_ref().and_then(Source::conversation_id)
    }
}

#[cfg(test)]
mod tests;
