//! What was said in a room or a session, in order; who took part; and what somebody missed.

use std::collections::{BTreeMap, BTreeSet};

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use crate::entities::{Message, Session, SessionStatus, Summary, SummaryStatus, User};
use crate::error::StoreError;
use crate::store::TenantStore;

/// Most messages of a page.
pub const MAX_MESSAGES: usize = 200;
/// Sessions that [`TenantStore::catch_up`] goes back.
pub const MAX_SESSIONS: usize = 100;

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineOf {
    /// All sessions of a room.
    Room(ObjectId),
    /// One session.
    Session(ObjectId),
}

/// A place in a timeline: before, at or behind a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimelinePlace {
    /// The message's time.
    pub at: DateTime,
    /// The message; tells those of the same millisecond apart.
    pub id: ObjectId,
}

/// Which part of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The newest messages.
    Newest,
    /// The oldest messages.
    Oldest,
    /// Those right before a place.
    Before(TimelinePlace),
    /// Those right behind a place.
    After(TimelinePlace),
}

/// Who sent a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// User.
    pub id: ObjectId,
    /// Display name, as far as LINE told it.
    pub name: Option<String>,
    /// Picture URL.
    pub picture_url: Option<String>,
}

/// One message of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    /// The message, its content and what is known of its media.
    pub message: Message,
    /// Who sent it; `None` for people LINE does not identify.
    pub sender: Option<Sender>,
    /// Where a session begins: the session this message belongs to, if the message right before it on the
    /// page does not.
    pub opens: Option<ObjectId>,
}

/// A page, oldest message first whatever the direction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimelinePage {
    /// The messages, unsent ones as tombstones.
    pub entries: Vec<TimelineEntry>,
    /// The sessions they belong to, by number.
    pub sessions: Vec<Session>,
    /// There are messages before the first: ask for those [`Direction::Before`] this place.
    pub before: Option<TimelinePlace>,
    /// There are messages behind the last: ask for those [`Direction::After`] this place.
    pub after: Option<TimelinePlace>,
}

/// Somebody who spoke in a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionParticipant {
    /// Who; `None`: everybody LINE does not identify.
    pub sender: Option<Sender>,
    /// Messages, tombstones included.
    pub messages: u64,
    /// First message.
    pub first_at: DateTime,
    /// Last message.
    pub last_at: DateTime,
}

/// What happened in a room since a time.
#[derive(Debug, Clone, PartialEq)]
pub struct CaughtUp {
    /// What to read, oldest first.
    pub to_read: Vec<Reading>,
    /// Messages since then, in all sessions.
    pub messages: u64,
    /// More sessions than [`MAX_SESSIONS`] had messages since then; the oldest are left out.
    pub truncated: bool,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A session that has a summary.
    Summarized {
        /// The session.
        session: Session,
        /// Its summary.
        summary: Box<Summary>,
        /// Messages in it since then.
        messages: u64,
    },
    /// A session without one: still open, waiting for its summary, or not to be summarized. Its messages
    /// since then are those of its timeline [`Direction::After`] the time.
    Messages {
        /// The session.
        session: Session,
        /// How many.
        messages: u64,
    },
}

impl TenantStore {
    /// Messages in order, with their senders and sessions. Whether the asker may see the room is not asked
    /// here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn timeline(
        &self,
        of: TimelineOf,
        direction: Direction,
        limit: usize,
    ) -> Result<TimelinePage, StoreError> {
        let limit = limit.clamp(1, MAX_MESSAGES);
        let mut filter = match of {
            TimelineOf::Room(room) => doc! { "roomId": room },
            TimelineOf::Session(session) => doc! { "sessionId": session },
        };
        let (back, place) = match direction {
            Direction::Newest => (true, None),
            Direction::Oldest => (false, None),
            Direction::Before(place) => (true, Some(place)),
            Direction::After(place) => (false, Some(place)),
        };
        if let Some(place) = place {
            filter.extend(beyond(place, back));
        }
        let order = if back { -1 } else { 1 };
        let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let sort = doc! { "timestamp": order, "_id": order };
        let mut messages = self.collection::<Message>().find(filter, sort, wanted).await?;
        let more = messages.len() > limit;
        messages.truncate(limit);
        if back {
            messages.reverse();
        }
        let ends =
            messages.first().zip(messages.last()).map(|(first, last)| (of_message(first), of_message(last)));
        let Some((first, last)) = ends else { return Ok(TimelinePage::default()) };
        let (senders, sessions) = tokio::try_join!(
            self.senders(messages.iter().filter_map(|message| message.user_id).collect()),
            self.sessions(messages.iter().map(|message| message.session_id).collect()),
        )?;
        // On the side that was come from there is at least the message of the place.
        let before = if back { more } else { place.is_some() };
        let after = if back { place.is_some() } else { more };
        Ok(TimelinePage {
            entries: entries(messages, &senders),
            sessions,
            before: before.then_some(first),
            after: after.then_some(last),
        })
    }

    /// Who spoke in a session, those with most messages first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn participants(&self, session: ObjectId) -> Result<Vec<SessionParticipant>, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Row {
            #[serde(rename = "_id")]
            user: Option<ObjectId>,
            messages: i64,
            first_at: DateTime,
            last_at: DateTime,
        }
        let stages = vec![
            doc! { "$group": {
                "_id": { "$ifNull": ["$userId", null] }, "messages": { "$sum": 1_i64 },
                "firstAt": { "$min": "$timestamp" }, "lastAt": { "$max": "$timestamp" },
            } },
            doc! { "$sort": { "messages": -1, "_id": 1 } },
        ];
        let rows: Vec<Row> = self.aggregate::<Message, _>(doc! { "sessionId": session }, stages).await?;
        let senders = self.senders(rows.iter().filter_map(|row| row.user).collect()).await?;
        let participant = |row: Row| SessionParticipant {
            sender: row.user.map(|user| sender(user, &senders)),
            messages: u64::try_from(row.messages).unwrap_or_default(),
            first_at: row.first_at,
            last_at: row.last_at,
        };
        Ok(rows.into_iter().map(participant).collect())
    }

    /// What somebody who last looked at `since` missed in a room: the summaries of its sessions, and the
    /// sessions whose messages are still to be read as they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn catch_up(&self, room: ObjectId, since: DateTime) -> Result<CaughtUp, StoreError> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            session: ObjectId,
            messages: i64,
        }
        let new = doc! { "roomId": room, "timestamp": { "$gt": since } };
        let by_session = vec![doc! { "$group": { "_id": "$sessionId", "messages": { "$sum": 1_i64 } } }];
        let rows: Vec<Row> = self.aggregate::<Message, _>(new, by_session).await?;
        let counts: BTreeMap<ObjectId, u64> = rows
            .into_iter()
            .map(|row| (row.session, u64::try_from(row.messages).unwrap_or_default()))
            .collect();
        let ids: Vec<ObjectId> = counts.keys().copied().collect();
        let newest_first = doc! { "sessionNumber": -1 };
        let wanted = i64::try_from(MAX_SESSIONS + 1).unwrap_or(i64::MAX);
        let with_messages = doc! { "_id": { "$in": ids } };
        let mut sessions = self.collection::<Session>().find(with_messages, newest_first, wanted).await?;
        let truncated = sessions.len() > MAX_SESSIONS;
        sessions.truncate(MAX_SESSIONS);
        let ids: Vec<ObjectId> = sessions.iter().map(|session| session.id).collect();
        let of_sessions = doc! { "sessionId": { "$in": ids }, "deletedAt": null };
        let summaries = self.collection::<Summary>().find(of_sessions, doc! { "_id": 1 }, 0).await?;
        let messages = counts.values().sum();
        Ok(CaughtUp { to_read: reading_list(sessions, summaries, &counts), messages, truncated })
    }

    async fn senders(&self, ids: BTreeSet<ObjectId>) -> Result<BTreeMap<ObjectId, Sender>, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Row {
            #[serde(rename = "_id")]
            id: ObjectId,
            display_name: Option<String>,
            picture_url: Option<String>,
        }
        let ids: Vec<ObjectId> = ids.into_iter().collect();
        let shown = vec![doc! { "$project": { "displayName": 1, "pictureUrl": 1 } }];
        let rows: Vec<Row> = self.aggregate::<User, _>(doc! { "_id": { "$in": ids } }, shown).await?;
        let sender = |row: Row| Sender { id: row.id, name: row.display_name, picture_url: row.picture_url };
        Ok(rows.into_iter().map(|row| (row.id, sender(row))).collect())
    }

    async fn sessions(&self, ids: BTreeSet<ObjectId>) -> Result<Vec<Session>, StoreError> {
        let ids: Vec<ObjectId> = ids.into_iter().collect();
        let sessions = self.collection::<Session>();
        sessions.find(doc! { "_id": { "$in": ids } }, doc! { "sessionNumber": 1 }, 0).await
    }
}

/// What to read, oldest session first. A summary counts where it is completed and not `private`, and its
/// session closed: that of an open one says too little.
#[must_use]
pub fn reading_list(
    mut sessions: Vec<Session>,
    summaries: Vec<Summary>,
    counts: &BTreeMap<ObjectId, u64>,
) -> Vec<Reading> {
    let readable =
        |summary: &Summary| summary.status == SummaryStatus::Completed && summary.visibility != "private";
    let mut summaries: BTreeMap<ObjectId, Summary> =
        summaries.into_iter().filter(readable).map(|summary| (summary.session_id, summary)).collect();
    sessions.sort_by_key(|session| session.session_number);
    let reading = |session: Session| {
        let messages = counts.get(&session.id).copied().unwrap_or_default();
        match summaries.remove(&session.id).filter(|_| session.status == SessionStatus::Closed) {
            Some(summary) => Reading::Summarized { session, summary: Box::new(summary), messages },
            None => Reading::Messages { session, messages },
        }
    };
    sessions.into_iter().map(reading).collect()
}

/// In two parts, each a range of the index.
fn beyond(place: TimelinePlace, back: bool) -> Document {
    let operator = if back { "$lt" } else { "$gt" };
    let or_same = if back { "$lte" } else { "$gte" };
    doc! {
        "timestamp": { or_same: place.at },
        "$or": [{ "timestamp": { operator: place.at } }, { "timestamp": place.at, "_id": { operator: place.id } }],
    }
}

fn of_message(message: &Message) -> TimelinePlace {
    TimelinePlace { at: message.timestamp, id: message.id }
}

fn sender(user: ObjectId, senders: &BTreeMap<ObjectId, Sender>) -> Sender {
    senders.get(&user).cloned().unwrap_or(Sender { id: user, name: None, picture_url: None })
}

fn entries(messages: Vec<Message>, senders: &BTreeMap<ObjectId, Sender>) -> Vec<TimelineEntry> {
    let mut before = None;
    let entry = |message: Message| {
        let opens = (before != Some(message.session_id)).then_some(message.session_id);
        before = Some(message.session_id);
        let sender = message.user_id.map(|user| sender(user, senders));
        TimelineEntry { message, sender, opens }
    };
    messages.into_iter().map(entry).collect()
}
