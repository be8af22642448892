//! What happened: one variant for each event type of `webhook.yml`, `messageEdited`, and one for
//! everything else.

use std::collections::BTreeMap;

use matome_domain::clock::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::lenient;
use super::message::Message;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// Somebody sent a message.
    Message(Message),
    /// Somebody edited a text (groups only, so far). Edits arrive in any order: the largest
    /// [`super::Event::timestamp`] is the latest state.
    MessageEdited(Message),
    /// Somebody took a message back: its content must go from everywhere.
    Unsend {
        /// The message.
        message_id: String,
    },
    /// Somebody added or unblocked the account.
    Follow {
        /// It was an unblocking.
        is_unblocked: bool,
    },
    /// Somebody blocked the account.
    Unfollow,
    /// The account joined a group or room.
    Join,
    /// The account left a group or room, or was removed.
    Leave,
    /// People joined a group or room the account is in.
    MemberJoined {
        /// Their user ids, where given.
        user_ids: Vec<String>,
    },
    /// People left a group or room the account is in.
    MemberLeft {
        /// Their user ids, where given.
        user_ids: Vec<String>,
    },
    /// Somebody tapped a button that we sent.
    Postback {
        /// The button's data; see [`crate::postback`].
        data: String,
        /// What a date picker or rich menu switch adds.
        params: BTreeMap<String, String>,
    },
    /// Somebody watched a video to its end.
    VideoPlayComplete {
        /// The video's tracking id.
        tracking_id: String,
    },
    /// Somebody came near a beacon.
    Beacon {
        /// The beacon.
        hwid: String,
        /// What happened there.
        kind: BeaconKind,
        /// The beacon's message, hexadecimal.
        device_message: Option<String>,
    },
    /// Somebody linked an account with a service.
    AccountLink {
        /// Whether it worked.
        result: AccountLinkResult,
        /// The nonce of the attempt.
        nonce: String,
    },
    /// Somebody's paid membership changed.
    Membership {
        /// How.
        change: MembershipChange,
        /// Which membership plan.
        membership_id: i64,
    },
    /// A module channel was attached or detached.
    Module(ModuleChange),
    /// This module channel may send from now on.
    Activated {
        /// Until when.
        expire_at: Timestamp,
    },
    /// This module channel may no longer send.
    Deactivated,
    /// The account was suspended.
    BotSuspended,
    /// The account came back from suspension.
    BotResumed,
    /// A LINE notification message was delivered.
    Delivery {
        /// Hashed phone number, or the sender's tag.
        data: String,
    },
    /// A type newer than this code, or a known one in an unknown shape.
    Unknown {
        /// `type` as sent; empty when there is none.
        type_name: String,
        /// The event as sent.
        raw: Value,
    },
}

/// What happened at a beacon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BeaconKind {
    /// Came into range.
    Enter,
    /// Tapped its banner.
    Banner,
    /// Is still in range.
    Stay,
    /// A kind newer than this code.
    #[serde(untagged)]
    Other(String),
}

/// How linking an account ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountLinkResult {
    /// Linked.
    Ok,
    /// Not linked.
    Failed,
    /// A result newer than this code.
    #[serde(untagged)]
    Other(String),
}

/// How a membership changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MembershipChange {
    /// Subscribed.
    Joined,
    /// Unsubscribed.
    Left,
    /// Renewed.
    Renewed,
    /// A change newer than this code.
    #[serde(untagged)]
    Other(String),
}

/// How a module channel's attachment changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleChange {
    /// Attached to an account.
    Attached {
        /// The account's bot.
        bot_id: String,
        /// What the account's admin permitted.
        scopes: Vec<String>,
    },
    /// Detached from an account.
    Detached {
        /// The account's bot.
        bot_id: String,
        /// Why.
        reason: String,
    },
    /// A change newer than this code.
    Other {
        /// `type` as sent.
        type_name: String,
    },
}

impl EventKind {
    pub(super) fn parse(event: Value) -> Self {
        let type_name = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        match Self::known(&type_name, &event) {
            Some(kind) => kind,
            None => Self::Unknown { type_name, raw: event },
        }
    }

    /// The event type's name as LINE writes it.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Message(_) => "message",
            Self::MessageEdited(_) => "messageEdited",
            Self::Unsend { .. } => "unsend",
            Self::Follow { .. } => "follow",
            Self::Unfollow => "unfollow",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::MemberJoined { .. } => "memberJoined",
            Self::MemberLeft { .. } => "memberLeft",
            Self::Postback { .. } => "postback",
            Self::VideoPlayComplete { .. } => "videoPlayComplete",
            Self::Beacon { .. } => "beacon",
            Self::AccountLink { .. } => "accountLink",
            Self::Membership { .. } => "membership",
            Self::Module(_) => "module",
            Self::Activated { .. } => "activated",
            Self::Deactivated => "deactivated",
            Self::BotSuspended => "botSuspended",
            Self::BotResumed => "botResumed",
            Self::Delivery { .. } => "delivery",
            Self::Unknown { type_name, .. } => type_name,
        }
    }

    fn known(type_name: &str, event: &Value) -> Option<Self> {
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Some(match type_name {
            "message" => Self::Message(Message::parse(event.get("message")?.clone())?),
            "messageEdited" => Self::MessageEdited(Message::parse(event.get("message")?.clone())?),
            "unsend" => Self::Unsend { message_id: text("/unsend/messageId")? },
            "follow" => Self::Follow {
                is_unblocked: event.pointer("/follow/isUnblocked").and_then(Value::as_bool).unwrap_or(false),
            },
            "unfollow" => Self::Unfollow,
            "join" => Self::Join,
            "leave" => Self::Leave,
            "memberJoined" => Self::MemberJoined { user_ids: user_ids(event.pointer("/joined/members")?)? },
            "memberLeft" => Self::MemberLeft { user_ids: user_ids(event.pointer("/left/members")?)? },
            "postback" => Self::Postback {
                data: text("/postback/data")?,
                params: postback_params(event.get("postback")?),
            },
            "videoPlayComplete" => {
                Self::VideoPlayComplete { tracking_id: text("/videoPlayComplete/trackingId")? }
            }
            "beacon" => Self::Beacon {
                hwid: text("/beacon/hwid")?,
                kind: lenient::field(event.get("beacon")?, "type")?,
                device_message: text("/beacon/dm"),
            },
            "accountLink" => Self::AccountLink {
                result: lenient::field(event.get("link")?, "result")?,
                nonce: text("/link/nonce")?,
            },
            "membership" => Self::Membership {
                change: lenient::field(event.get("membership")?, "type")?,
                membership_id: event.pointer("/membership/membershipId")?.as_i64()?,
            },
            "module" => Self::Module(module(event.get("module")?)?),
            "activated" => {
                Self::Activated { expire_at: Timestamp(event.pointer("/chatControl/expireAt")?.as_i64()?) }
            }
            "deactivated" => Self::Deactivated,
            "botSuspended" => Self::BotSuspended,
            "botResumed" => Self::BotResumed,
            "delivery" => Self::Delivery { data: text("/delivery/data")? },
            _ => return None,
        })
    }
}

/// Ids of the members that have one; `None` when it is not a list.
fn user_ids(members: &Value) -> Option<Vec<String>> {
    let ids = members.as_array()?.iter().filter_map(|m| m.get("userId")?.as_str());
    Some(ids.map(str::to_owned).collect())
}

/// LINE types `params` as strings; one of another type is kept as its JSON text.
fn postback_params(postback: &Value) -> BTreeMap<String, String> {
    let Some(Value::Object(params)) = postback.get("params") else {
        return BTreeMap::new();
    };
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    params.iter().map(|(k, v)| (k.clone(), text(v))).collect()
}

fn module(module: &Value) -> Option<ModuleChange> {
    let text = |name: &str| module.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(match text("type")?.as_str() {
        "attached" => ModuleChange::Attached {
            bot_id: text("botId")?,
            scopes: lenient::field(module, "scopes").unwrap_or_default(),
        },
        "detached" => {
            ModuleChange::Detached { bot_id: text("botId")?, reason: text("reason").unwrap_or_default() }
        }
        other => ModuleChange::Other { type_name: other.to_owned() },
    })
}
