//! Translate: what LINE sent (or the scheduler or staff want) as one fact about a room.

use std::collections::BTreeMap;

use matome_domain::clock::Timestamp;
use matome_domain::command::Command;
use matome_domain::ids::DocumentId;
use matome_domain::queue::{CloseTrigger, Inbound};
use matome_line::events::{Event, EventKind, Message, MessageContent, Mode, Source};
use matome_line::postback::PostbackAction;
use matome_store::entities::RoomType;
use serde_json::Value;

/// One thing to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// LINE's event id: done once.
    pub event_id: String,
    /// LINE's word for the kind of event.
    pub type_name: String,
    /// When it happened.
    pub at: Timestamp,
    /// Where; absent for events about the account as a whole.
    pub place: Option<RoomType>,
    /// Who, as LINE calls them; absent for people who have not consented.
    pub user: Option<String>,
    /// A free way to answer. Absent in standby: another system answers there.
    pub reply_token: Option<String>,
    /// Whether another system answers there by now; only events say.
    pub standby: Option<bool>,
    /// What happened.
    pub what: What,
    /// What an event says that nothing here is made of, as LINE sent it.
    pub details: Option<Value>,
}

/// See [`Fact`].
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Something was said.
    Said(Box<Message>, Option<Command>),
    /// Something said earlier reads differently now.
    Edited(Box<Message>),
    /// Something said earlier is taken back.
    Unsent {
        /// LINE's message id.
        message_id: String,
    },
    /// Our messages reach the room, or no longer do.
    Presence {
        /// They do.
        present: bool,
        /// The bot was added to a group just now: say hello.
        greet: bool,
    },
    /// People came.
    Joined(Vec<String>),
    /// People left.
    Left(Vec<String>),
    /// A button of ours, or of somebody else; and what its date picker or rich menu switch adds.
    Tapped(PostbackAction, BTreeMap<String, String>),
    /// A known kind that changes nothing here; it is only noted, with its details.
    Noted,
    /// A kind this code does not know; kept raw.
    Unknown(Value),
    /// Somebody wants a session closed.
    Close {
        /// Which.
        session_id: DocumentId,
        /// Why.
        trigger: CloseTrigger,
        /// Who of staff.
        by: Option<DocumentId>,
    },
    /// Staff want a session open.
    Open,
}

impl Fact {
    /// Reads a queue message. Cannot fail: what is not understood is [`What::Unknown`].
    #[must_use]
    pub fn translate(inbound: Inbound, now: Timestamp) -> Self {
        match inbound {
            Inbound::Event(envelope) => {
                let details = details(&envelope.event);
                let fact =
                    Self::from_event(Event::parse(envelope.event), envelope.event_id, envelope.received_at);
                Self { details, ..fact }
            }
            Inbound::Close(close) => Self {
                event_id: format!("close-{}", close.session_id),
                type_name: "close".to_owned(),
                at: now,
                place: None,
                user: None,
                reply_token: None,
                standby: None,
                what: What::Close {
                    session_id: close.session_id,
                    trigger: close.trigger,
                    by: close.closed_by,
                },
                details: None,
            },
            Inbound::Open(open) => Self {
                event_id: format!("open-{}", open.wish_id),
                type_name: "open".to_owned(),
                at: now,
                place: None,
                user: None,
                reply_token: None,
                standby: None,
                what: What::Open,
                details: None,
            },
        }
    }

    fn from_event(event: Event, event_id: String, received_at: Timestamp) -> Self {
        let standby = event.mode != Mode::Active;
        let reply_token = event.reply_token.filter(|_| !standby);
        let type_name = event.kind.type_name().to_owned();
        let source = event.source.as_ref();
        Self {
            event_id,
            type_name,
            // LINE always says when; an event of the future that does not is taken as of now.
            at: if event.timestamp.0 > 0 { event.timestamp } else { received_at },
            place: source.and_then(place),
            user: source.and_then(|s| s.user_id.clone()),
            reply_token,
            standby: Some(standby),
            what: What::of(event.kind, source.is_some_and(Source::is_shared)),
            details: None,
        }
    }
}

/// What an event says beside its envelope, of the kinds that are otherwise only noted, and how a follow came
/// about. What is said is not among it: it is in its message alone, where an unsend finds it.
fn details(event: &Value) -> Option<Value> {
    let part = match event.get("type")?.as_str()? {
        part @ ("follow" | "videoPlayComplete" | "beacon" | "membership" | "module" | "delivery") => part,
        "accountLink" => "link",
        "activated" => "chatControl",
        _ => return None,
    };
    let mut details = event.get(part)?.clone();
    forget_nonce(Some(&mut details));
    Some(details)
}

/// The nonce of an account link proves, once, who somebody is at a service: it is a secret, and not ours.
fn forget_nonce(link: Option<&mut Value>) {
    if let Some(link) = link.and_then(Value::as_object_mut) {
        link.remove("nonce");
    }
}

/// Which kind of room a source is; `None` when it names no conversation.
fn place(source: &Source) -> Option<RoomType> {
    source.conversation_id()?;
    Some(match (&source.group_id, &source.room_id) {
        (Some(_), _) => RoomType::Group,
        (None, Some(_)) => RoomType::MultiPerson,
        (None, None) => RoomType::Individual,
    })
}

impl What {
    fn of(kind: EventKind, shared: bool) -> Self {
        match kind {
            EventKind::Message(message) => {
                let command = match &message.content {
                    // In a group people address the bot: "@Matome /summary".
                    MessageContent::Text(text) => Command::parse(&text.without_bot_mention()),
                    _ => None,
                };
                Self::Said(Box::new(message), command)
            }
            EventKind::MessageEdited(message) => Self::Edited(Box::new(message)),
            EventKind::Unsend { message_id } => Self::Unsent { message_id },
            EventKind::Follow { .. } => Self::Presence { present: true, greet: false },
            EventKind::Join => Self::Presence { present: true, greet: shared },
            EventKind::Unfollow | EventKind::Leave => Self::Presence { present: false, greet: false },
            EventKind::MemberJoined { user_ids } => Self::Joined(user_ids),
            EventKind::MemberLeft { user_ids } => Self::Left(user_ids),
            EventKind::Postback { data, params } => Self::Tapped(PostbackAction::parse(&data), params),
            EventKind::VideoPlayComplete { .. }
            | EventKind::Beacon { .. }
            | EventKind::AccountLink { .. }
            | EventKind::Membership { .. }
            | EventKind::Module(_)
            | EventKind::Activated { .. }
            | EventKind::Deactivated
            | EventKind::BotSuspended
            | EventKind::BotResumed
            | EventKind::Delivery { .. } => Self::Noted,
            EventKind::Unknown { mut raw, .. } => {
                forget_nonce(raw.get_mut("link"));
                Self::Unknown(raw)
            }
        }
    }
}
