//! Everything the simulated platform knows. Tests look at it; only the simulator changes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::HeaderMap;
use matome_domain::clock::Timestamp;
use matome_line::client::SentMessage;
use serde_json::Value;

use crate::chat::{Author, ChatEntry, Sent};
use crate::endpoint::Endpoint;
use crate::fault::Faults;
use crate::login::LoginChannel;
use crate::people::Place;

/// The platform's state.
#[derive(Debug, Default)]
pub struct World {
    /// By channel id.
    pub channels: BTreeMap<String, Channel>,
    /// LINE Login channels by channel id.
    pub login_channels: BTreeMap<String, LoginChannel>,
    /// By user id.
    pub people: BTreeMap<String, Person>,
    /// Groups and rooms by id.
    pub groups: BTreeMap<String, Group>,
    /// All chats, oldest first.
    pub chat: Vec<ChatEntry>,
    /// All calls to the API, oldest first.
    pub calls: Vec<ApiCall>,
    pub(crate) messages: HashMap<String, StoredMessage>,
    pub(crate) reply_tokens: HashMap<String, ReplyToken>,
    pub(crate) read_tokens: HashMap<String, String>,
    pub(crate) access_tokens: HashMap<String, AccessToken>,
    pub(crate) retry_keys: HashMap<(String, String), AcceptedRequest>,
    pub(crate) faults: Faults,
    pub(crate) rates: HashMap<(Endpoint, String), (i64, u32)>,
    pub(crate) counter: u64,
}

/// A channel and its bot.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Id.
    pub channel_id: String,
    /// Signs webhooks, gets tokens.
    pub channel_secret: String,
    /// The bot's user id.
    pub bot_user_id: String,
    /// `@…`.
    pub basic_id: String,
    /// Name.
    pub name: String,
    /// Messages a month; `None` = no limit.
    pub quota: Option<u64>,
    /// Messages sent this month, one for each recipient.
    pub quota_used: u64,
    /// Calls a second that each endpoint takes.
    pub rate_per_second: u32,
    /// Where webhooks go.
    pub webhook_url: Option<String>,
    /// `Host` header to send instead of the URL's.
    pub webhook_host: Option<String>,
    /// How often a webhook is sent again that was not answered with 2xx; 0 = redelivery is off.
    pub redeliveries: u32,
    /// User ids of those who have blocked it.
    pub blocked_by: BTreeSet<String>,
    /// User ids that saw a loading animation, and for how many seconds.
    pub loading: Vec<(String, u64)>,
    /// Message ids marked as read.
    pub read: BTreeSet<String>,
    /// Times of `webhook/test`, for its 60 an hour.
    pub(crate) tests: Vec<Timestamp>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Id.
    pub user_id: String,
    /// Name.
    pub display_name: String,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// Picture.
    pub picture_url: Option<String>,
    /// Events in groups and rooms come without the id.
    pub hides_user_id: bool,
}

/// A group or room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Id.
    pub group_id: String,
    /// Name; empty for rooms.
    pub name: String,
    /// Picture.
    pub picture_url: Option<String>,
    /// User ids, in order of joining.
    pub members: Vec<String>,
    /// Channels whose bots are in it.
    pub channels: BTreeSet<String>,
}

/// A call somebody made.
#[derive(Debug, Clone)]
pub struct ApiCall {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub endpoint: Endpoint,
    /// Path.
    pub path: String,
    /// Channel, when the token was good.
    pub channel_id: Option<String>,
    /// Body, when it was JSON; never that of a token request.
    pub body: Option<Value>,
    /// Status; `None` when a fault swallowed the answer.
    pub status: Option<u16>,
    /// `X-Line-Request-Id`.
    pub request_id: String,
}

/// A postback button that the bot sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) data: String,
    pub(crate) display_text: Option<String>,
}

impl Button {
    /// The first in `message`, at whatever depth, with this label or data.
    fn find(message: &Value, wanted: &str) -> Option<Self> {
        let children: Box<dyn Iterator<Item = &Value>> = match message {
            Value::Object(fields) => Box::new(fields.values()),
            Value::Array(items) => Box::new(items.iter()),
            _ => return None,
        };
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        if text("type") == Some("postback") && (text("label") == Some(wanted) || text("data") == Some(wanted))
        {
            let display_text = text("displayText").map(str::to_owned);
            return Some(Self { data: text("data")?.to_owned(), display_text });
        }
        children.into_iter().find_map(|child| Self::find(child, wanted))
    }
}

/// A message that a person sent.
#[derive(Debug, Clone)]
pub(crate) struct StoredMessage {
    pub(crate) channel_id: String,
    pub(crate) place: Place,
    pub(crate) user_id: Option<String>,
    pub(crate) message: Value,
    pub(crate) content: Option<StoredContent>,
    pub(crate) unsent: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct StoredContent {
    pub(crate) bytes: bytes::Bytes,
    pub(crate) content_type: String,
    pub(crate) preparing: u32,
    pub(crate) unprepared: bool,
    pub(crate) expired: bool,
    pub(crate) preview: Preview,
}

/// What LINE shows of a content before it is opened.
#[derive(Debug, Clone)]
pub(crate) enum Preview {
    /// It has one.
    Picture(bytes::Bytes),
    /// It could have one.
    Missing,
    /// Recordings and files have none.
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct ReplyToken {
    pub(crate) channel_id: String,
    pub(crate) place: Place,
    pub(crate) issued: Timestamp,
    pub(crate) used: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) channel_id: String,
    pub(crate) ends: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct AcceptedRequest {
    pub(crate) at: Timestamp,
    pub(crate) request_id: String,
    pub(crate) sent: Vec<SentMessage>,
}

impl World {
    /// How often an endpoint was called, refused calls included.
    #[must_use]
    pub fn call_count(&self, endpoint: Endpoint) -> usize {
        self.calls.iter().filter(|c| c.endpoint == endpoint).count()
    }

    /// What the bot sent to a place, oldest first.
    #[must_use]
    pub fn sent_to(&self, place: &Place) -> Vec<&ChatEntry> {
        self.chat.iter().filter(|e| e.place == *place && e.is_from_bot()).collect()
    }

    /// The newest postback button of the bot in `place` with this label or data.
    pub(crate) fn button(&self, channel_id: &str, place: &Place, wanted: &str) -> Option<Button> {
        let sent = self.chat.iter().rev().filter(|e| e.is_from_bot() && e.channel_id == channel_id);
        sent.filter(|e| e.place == *place).find_map(|e| Button::find(&e.content, wanted))
    }

    /// The channel that a request's bearer token was issued to and that is still valid.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Option<String> {
        let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
        self.access_tokens.get(token).filter(|t| now < t.ends).map(|t| t.channel_id.clone())
    }

    /// A person's name; the id of a stranger.
    pub(crate) fn name_of(&self, user_id: &str) -> String {
        self.people.get(user_id).map_or_else(|| user_id.to_owned(), |p| p.display_name.clone())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(crate) fn record(
        &mut self,
        at: Timestamp,
        channel_id: &str,
        place: &Place,
        author: Author,
        sent: Sent,
        content: Value,
    ) -> ChatEntry {
        let seq = self.chat.len() as u64 + 1;
        let said = content.pointer("/postback/data").and_then(Value::as_str);
        let said = said.and_then(|data| self.button(channel_id, place, data)?.display_text);
        let channel_id = channel_id.to_owned();
        let entry = ChatEntry { seq, at, channel_id, place: place.clone(), author, sent, content, said };
        self.chat.push(entry.clone());
        entry
    }
}
