//! The chats as their people see them.

use matome_domain::clock::Timestamp;
use matome_line::render::render_text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::people::Place;

/// One thing that happened in a chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatEntry {
    /// Counts up from 1 over all chats.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The channel it belongs to.
    pub channel_id: String,
    /// Where.
    pub place: Place,
    /// Who.
    pub author: Author,
    /// How.
    pub sent: Sent,
    /// By a person: the webhook event. By the bot: the message object.
    pub content: Value,
    /// What a tapped button says for the person (its `displayText`), if it says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Author {
    /// A person.
    #[serde(rename_all = "camelCase")]
    User {
        /// Id.
        user_id: String,
        /// Name.
        name: String,
    },
    /// The official account.
    Bot {
        /// Name.
        name: String,
    },
}

/// How it came into the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sent {
    /// A person did it.
    Event,
    /// With a reply token, free of charge.
    Reply,
    /// By push.
    Push,
    /// By multicast.
    Multicast,
}

impl ChatEntry {
    /// Whether the bot sent it.
    #[must_use]
    pub fn is_from_bot(&self) -> bool {
        matches!(self.author, Author::Bot { .. })
    }

    /// The entry drawn for a terminal, without a line end.
    #[must_use]
    pub fn render(&self) -> String {
        match &self.author {
            Author::User { name, .. } => match &self.said {
                Some(said) => format!("{name}: {said} [taps]"),
                None => format!("{name}: {}", describe(&self.content)),
            },
            Author::Bot { name } => format!("{name}:\n{}", render_text(&self.content)),
        }
    }
}

/// A person's event in a line.
fn describe(event: &Value) -> String {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match text("/type") {
        "message" | "messageEdited" => {
            let edited = if text("/type") == "messageEdited" { " (edited)" } else { "" };
            let words = match text("/message/type") {
                "text" => text("/message/text").to_owned(),
                "location" => format!("📍 {} {}", text("/message/title"), text("/message/address")),
                "file" => format!("[file {}]", text("/message/fileName")),
                other => format!("[{other}]"),
            };
            format!("{words}{edited}")
        }
        "postback" => format!("[taps {}]", text("/postback/data")),
        other => format!("[{other}]"),
    }
}
