//! What is said, edited and unsent, and the sessions it falls into.

use bson::oid::ObjectId;
use matome_domain::command::Command;
use matome_domain::limits::Limit;
use matome_domain::session::{Closed, Placed};
use matome_line::events::{Message as LineMessage, MessageContent};
use matome_store::entities::{
    Edit, MediaStatus, Message, MessageMetadata, MessageStatus, ReplyToken, Session, SessionStatistics,
    SessionStatus,
};
use matome_store::time::{date, timestamp};

use super::{CloseTrigger, Desk, Fact};
use crate::message::{UNKNOWN_TYPE, fill, fill_text, type_name};

/// A reply token lives a minute (LINE); the sender needs some of it.
const REPLY_TOKEN_LIFE: std::time::Duration = std::time::Duration::from_secs(55);

/// What the recorder may change of a session.
pub(super) const SESSION_FIELDS: &[&str] = &[
    "participants",
    "status",
    "trigger",
    "closesAt",
    "startTime",
    "lastMessageAt",
    "endTime",
    "statistics",
    "activity",
    "revision",
    "closedBy",
    "replyToken",
    "updatedAt",
    "__v",
];

/// What the recorder may change of a message that is there.
pub(super) const MESSAGE_FIELDS: &[&str] = &[
    "userId",
    "messageType",
    "content",
    "media",
    "fileData",
    "stickerData",
    "locationData",
    "metadata",
    "raw",
    "aiProcessing",
    "command",
    "placeholder",
    "editHistory",
    "editedAt",
    "search",
    "status",
    "deletedAt",
    "replyToken",
    "timestamp",
    "webhookEventId",
    "updatedAt",
    "__v",
];

impl Desk<'_> {
    /// Records a message. `false` when it is a command with no session to close.
    pub(super) fn say(&mut self, fact: &Fact, said: &LineMessage, command: Option<Command>) -> bool {
        let id = self.key.message_id(&said.id);
        if let Some(known) = self.messages.get(id) {
            if known.placeholder {
                self.complete(fact, said, id)
            } else {
                self.repeat(id)
            }
            return true;
        }
        self.heard_in_mode(fact);
        self.unknown_events += usize::from(is_unknown(said));
        if command == Some(Command::Summarize) {
            if let Some(closed) = self.cursor.expire(fact.at) {
                // Its time was up anyway: this is the summary that is asked for.
                self.finish(closed.by_hand(), Some(fact));
                return false;
            }
            if self.cursor.open().is_none() {
                self.answer(fact, "nothing", super::Purpose::NothingToSummarize);
                return false;
            }
        }
        let placed = self.place(fact, id, &said.id, type_name(&said.content) == "image");
        let key = self.key;
        if let Some(message) = self.messages.change(id) {
            fill(message, said, key);
            message.command = command.map(|Command::Summarize| "summarize".to_owned());
            message.renew_search();
            if message.media.as_ref().is_some_and(|m| m.status == MediaStatus::Pending) {
                self.media.insert(id);
            }
        }
        let closed = match command {
            // Also where it is the message that fills the session: somebody waits for the summary.
            Some(Command::Summarize) => {
                placed.closed_after.map(Closed::by_hand).or_else(|| self.cursor.close(CloseTrigger::Manual))
            }
            None => placed.closed_after,
        };
        match closed {
            Some(closed) => self.finish(closed, Some(fact)),
            None => self.offer_waiting_summary(fact),
        }
        true
    }

    /// An edit: the old text goes to the history. Comes before its message: waits for it.
    pub(super) fn edit(&mut self, fact: &Fact, now_reads: &LineMessage) {
        let MessageContent::Text(text) = &now_reads.content else { return };
        let id = self.key.message_id(&now_reads.id);
        if self.messages.get(id).is_none() {
            self.place(fact, id, &now_reads.id, false);
            if let Some(message) = self.messages.change(id) {
                message.placeholder = true;
                message.message_type = "text".to_owned();
                message.edited_at = Some(date(fact.at));
                fill_text(message, text, |user| self.key.user_id(user));
                message.renew_search();
            }
            return;
        }
        let Some(message) = self.messages.change(id) else { return };
        if message.status == MessageStatus::Deleted {
            return;
        }
        let at = date(fact.at);
        if message.edited_at.is_some_and(|edited| at < edited) {
            // An older edit that comes late belongs into the history, not on top.
            message.edit_history.push(Edit { content: text.text.clone(), written_at: at });
            message.edit_history.sort_by_key(|e| e.written_at);
            return;
        }
        if let Some(before) = message.content.take() {
            let written_at = message.edited_at.unwrap_or(message.timestamp);
            message.edit_history.push(Edit { content: before, written_at });
        }
        message.edited_at = Some(at);
        message.updated_at = date(self.now);
        fill_text(message, text, |user| self.key.user_id(user));
        message.renew_search();
        let session = message.session_id;
        self.rewrite(session);
    }

    /// An unsend: content goes, a tombstone stays. Comes before its message: waits for it.
    pub(super) fn unsend(&mut self, fact: &Fact, line_message_id: &str) {
        let id = self.key.message_id(line_message_id);
        if self.messages.get(id).is_none() {
            self.place(fact, id, line_message_id, false);
            if let Some(message) = self.messages.change(id) {
                message.placeholder = true;
            }
        }
        let (now, at) = (date(self.now), date(fact.at));
        let Some(message) = self.messages.change(id) else { return };
        if message.status == MessageStatus::Deleted {
            return;
        }
        message.make_tombstone(at, now);
        if message.media.as_ref().is_some_and(|m| m.status == MediaStatus::Erasing) {
            self.media.insert(id);
        }
        let session = message.session_id;
        self.rewrite(session);
    }

    /// Closes on somebody's wish, if the session is still the open one.
    pub(super) fn close_on_request(
        &mut self,
        session: Option<ObjectId>,
        trigger: CloseTrigger,
        by: Option<ObjectId>,
    ) {
        let open = self.cursor.open().map(|o| self.key.session_id(o.number));
        let Some(open) = open.filter(|open| Some(*open) == session) else { return };
        let closed = match trigger {
            CloseTrigger::TimeLimit | CloseTrigger::Schedule => self.cursor.expire(self.now),
            CloseTrigger::Manual | CloseTrigger::MessageCount => self.cursor.close(trigger),
        };
        if let Some(closed) = closed {
            self.finish(closed, None);
            if let (CloseTrigger::Manual, Some(session)) = (closed.trigger, self.sessions.change(open)) {
                session.closed_by = by;
            }
        }
    }

    /// Opens a session in a known room, on the wish of staff; nothing happens while one is open.
    pub(super) fn open_on_request(&mut self) {
        let room_id = self.key.room_id();
        if self.rooms.get(room_id).is_none() {
            return;
        }
        if let Some(closed) = self.cursor.expire(self.now) {
            self.finish(closed, None);
        }
        let Some(number) = self.cursor.begin(self.now) else { return };
        let now = date(self.now);
        let session = self.new_session(number, now);
        self.sessions.change_or_insert(session.id, || session);
        if let Some(room) = self.rooms.change(room_id) {
            room.last_session_number = i64::try_from(number).unwrap_or(i64::MAX);
            room.statistics.total_sessions += 1;
            room.statistics.active_sessions = 1;
            room.updated_at = now;
        }
    }

    /// A session in which nothing was said yet; when it closes is set last of all.
    fn new_session(&self, number: u64, at: bson::DateTime) -> Session {
        let now = date(self.now);
        Session {
            id: self.key.session_id(number),
            tenant_id: self.key.tenant.to_string(),
            room_id: self.key.room_id(),
            channel_id: self.key.channel.to_string(),
            conversation_id: self.key.conversation.to_string(),
            session_number: i64::try_from(number).unwrap_or(i64::MAX),
            participants: Vec::new(),
            status: SessionStatus::Active,
            trigger: None,
            opened_at: at,
            closes_at: at,
            start_time: at,
            last_message_at: at,
            end_time: None,
            statistics: SessionStatistics::default(),
            summary: None,
            revision: 0,
            summary_wish: None,
            ai_analysis: None,
            activity: None,
            metadata: bson::doc! { "platform": "line" },
            closed_by: None,
            reply_token: None,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    /// Closes the open session by hand and says whether there was one.
    pub(super) fn close_by_hand(&mut self, fact: &Fact) -> bool {
        let closed = self.cursor.close(CloseTrigger::Manual);
        if let Some(closed) = closed {
            self.finish(closed, Some(fact));
        }
        closed.is_some()
    }

    /// Settings may have changed since the open session's last message.
    pub(super) fn refresh_closing_time(&mut self) {
        let room = self.rooms.get(self.key.room_id());
        let limits = self.terms.limits(room);
        let Some(open) = self.cursor.open() else { return };
        let id = self.key.session_id(open.number);
        let closes_at = date(limits.closes_at(open.opened_at));
        if self.sessions.get(id).is_some_and(|s| s.closes_at != closes_at)
            && let Some(session) = self.sessions.change(id)
        {
            session.closes_at = closes_at;
        }
    }

    /// Gives a new message its session and counts it everywhere. The message itself is made bare.
    fn place(&mut self, fact: &Fact, id: ObjectId, line_message_id: &str, image: bool) -> Placed {
        let user = fact.user.as_deref().map(|u| self.person(fact, u));
        let placed = self.cursor.place(fact.at);
        if let Some(closed) = placed.closed_before {
            self.finish(closed, None);
        }
        self.count_in_session(fact, placed, user, image);
        let (last, opened) = (self.cursor.last_number(), i64::from(placed.opened));
        let month = self.month.clone();
        let room = self.room(fact);
        room.count_message(&month);
        room.last_session_number = i64::try_from(last).unwrap_or(i64::MAX);
        room.statistics.total_messages += 1;
        room.statistics.total_images += i64::from(image);
        room.statistics.total_sessions += opened;
        room.statistics.active_sessions += opened;
        room.statistics.last_activity_at = room.statistics.last_activity_at.max(date(fact.at));
        if let Some(user) = user {
            if let Some(u) = self.users.change(user) {
                u.statistics.total_messages += 1;
            }
            if let Some(m) = self.members.change(self.key.member_id(user)) {
                m.statistics.messages_sent += 1;
            }
        }
        let message = self.bare(fact, id, line_message_id, self.key.session_id(placed.number), user);
        self.messages.change_or_insert(id, || message);
        placed
    }

    fn count_in_session(&mut self, fact: &Fact, placed: Placed, user: Option<ObjectId>, image: bool) {
        let (key, now, at) = (self.key, date(self.now), date(fact.at));
        let id = key.session_id(placed.number);
        let new = self.new_session(placed.number, at);
        let (session, _) = self.sessions.change_or_insert(id, || new);
        if session.statistics.message_count == 0 {
            // Opened by hand, before anything was said.
            (session.start_time, session.last_message_at) = (at, at);
        }
        session.statistics.message_count += 1;
        session.statistics.image_count += i64::from(image);
        session.start_time = session.start_time.min(at);
        session.last_message_at = session.last_message_at.max(at);
        session.updated_at = now;
        if let Some(user) = user
            && !session.participants.contains(&user)
        {
            session.participants.push(user);
            session.statistics.participant_count += 1;
            if let Some(u) = self.users.change(user) {
                u.statistics.total_sessions += 1;
            }
            if let Some(m) = self.members.change(key.member_id(user)) {
                m.statistics.sessions_participated += 1;
            }
        }
    }

    fn bare(
        &self,
        fact: &Fact,
        id: ObjectId,
        line_message_id: &str,
        session_id: ObjectId,
        user_id: Option<ObjectId>,
    ) -> Message {
        let now = date(self.now);
        Message {
            id,
            tenant_id: self.key.tenant.to_string(),
            channel_id: self.key.channel.to_string(),
            session_id,
            room_id: self.key.room_id(),
            user_id,
            line_message_id: line_message_id.to_owned(),
            webhook_event_id: Some(fact.event_id.clone()),
            reply_token: reply_token(fact),
            message_type: UNKNOWN_TYPE.to_owned(),
            content: None,
            media: None,
            file_data: None,
            sticker_data: None,
            location_data: None,
            metadata: MessageMetadata::default(),
            raw: None,
            command: None,
            placeholder: false,
            edit_history: Vec::new(),
            search: Vec::new(),
            edited_at: None,
            status: MessageStatus::Delivered,
            over_limits: self.beyond(Limit::MessagesPerMonth),
            ai_processing: None,
            delivered_at: None,
            read_at: None,
            deleted_at: None,
            timestamp: date(fact.at),
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    /// The message of an unsend or an edit that came first: it was counted then.
    fn complete(&mut self, fact: &Fact, said: &LineMessage, id: ObjectId) {
        let (key, now, at) = (self.key, date(self.now), date(fact.at));
        let Some(message) = self.messages.change(id) else { return };
        self.unknown_events += usize::from(is_unknown(said));
        message.placeholder = false;
        message.timestamp = at;
        message.updated_at = now;
        let session = message.session_id;
        if message.status == MessageStatus::Deleted {
            type_name(&said.content).clone_into(&mut message.message_type);
        } else if let MessageContent::Text(text) = &said.content {
            message.edit_history.insert(0, Edit { content: text.text.clone(), written_at: at });
            message.metadata.quote_token.clone_from(&said.quote_token);
            message.metadata.original_message_id.clone_from(&said.quoted_message_id);
        } else {
            fill(message, said, key);
            message.renew_search();
        }
        let image = type_name(&said.content) == "image";
        if let Some(session) = self.sessions.change(session) {
            // Its time and kind are others than were counted. Where no summary is written anew, it is counted from
            // its messages from now on.
            session.activity = None;
            session.start_time = session.start_time.min(at);
            session.statistics.image_count += i64::from(image);
        }
        let room = self.room(fact);
        room.statistics.total_images += i64::from(image);
        self.rewrite(session);
    }

    fn repeat(&mut self, id: ObjectId) {
        self.repeated = true;
        let status = self.messages.get(id).and_then(|m| m.media.as_ref()).map(|m| m.status);
        if matches!(status, Some(MediaStatus::Pending | MediaStatus::Erasing)) {
            self.media.insert(id);
        }
    }

    /// A session closed: what it comes to is to be written.
    fn finish(&mut self, closed: Closed, by: Option<&Fact>) {
        let id = self.key.session_id(closed.number);
        let closed_by = by
            .filter(|_| closed.trigger == CloseTrigger::Manual)
            .and_then(|f| f.user.as_deref())
            .map(|u| self.key.user_id(u));
        let now = date(self.now);
        if let Some(session) = self.sessions.change(id) {
            let (first, last) = (timestamp(session.start_time), timestamp(session.last_message_at));
            session.status = SessionStatus::Summarizing;
            session.trigger = Some(closed.trigger);
            session.end_time = Some(session.last_message_at);
            session.statistics.duration = Some(last.0 - first.0);
            session.closed_by = closed_by;
            session.reply_token = by.and_then(reply_token);
            session.updated_at = now;
        }
        self.summarize.insert(id);
        if let Some(room) = self.rooms.change(self.key.room_id()) {
            room.statistics.active_sessions = 0;
            room.updated_at = now;
        }
    }

    /// What a closed session's summary rests on has changed: it is to be written anew. One that has none gets none:
    /// settings may have changed since, and nobody waits for a summary of what was said long ago.
    fn rewrite(&mut self, session: ObjectId) {
        let now = date(self.now);
        let Some(known) = self.sessions.get(session) else { return };
        let anew = match known.status {
            SessionStatus::Active => false,
            SessionStatus::Summarizing => true,
            SessionStatus::Closed => known.summary.is_some(),
        };
        if anew && let Some(session) = self.sessions.change(session) {
            session.revision += 1;
            session.status = SessionStatus::Summarizing;
            session.updated_at = now;
            self.summarize.insert(session.id);
        }
    }
}

/// Whether it is of a type this code does not know, or of a known one in an unknown shape.
fn is_unknown(message: &LineMessage) -> bool {
    matches!(message.content, MessageContent::Unknown { .. })
}

/// The fact's reply token, for as long as it can be used.
pub(super) fn reply_token(fact: &Fact) -> Option<ReplyToken> {
    let expires_at = date(fact.at.plus(REPLY_TOKEN_LIFE));
    fact.reply_token.as_ref().map(|token| ReplyToken { token: token.clone(), expires_at })
}
