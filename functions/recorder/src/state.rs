//! What the recorder knows about a tenant's rooms before it decides: one round trip, inside the
//! transaction, however many rooms a batch is about.

use std::collections::{BTreeMap, BTreeSet};

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use matome_line::postback::PostbackAction;
use matome_store::entities::{
    InboundEventRecord, Message, Room, RoomMember, Session, Summary, SummaryOrigin, User,
};
use matome_store::id::object_id;
use matome_store::transaction::{LookUp, decode};
use matome_store::{StoreError, TenantStore, Transaction};

use crate::fact::{Fact, What};
use crate::room_key::RoomKey;

/// What happened in one room, in the order of the queue.
#[derive(Debug, Clone)]
pub struct RoomFacts {
    /// The room.
    pub key: RoomKey,
    /// What happened.
    pub facts: Vec<Fact>,
}

/// The part of the database that the facts of a tenant's rooms touch.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// One for each room of the batch, in its order.
    pub rooms: Vec<RoomState>,
    /// People of the batch that are known; a person may be in several of the rooms.
    pub users: Vec<User>,
}

/// What is stored of one room.
#[derive(Debug, Clone, Default)]
pub struct RoomState {
    /// The room, if it is known.
    pub room: Option<Room>,
    /// Its open session, if there is one, and the sessions of messages that are there.
    pub sessions: Vec<Session>,
    /// Messages of the batch that are there already.
    pub messages: Vec<Message>,
    /// Events of the batch that are done already.
    pub events: BTreeSet<ObjectId>,
    /// Memberships of the people of the batch.
    pub members: Vec<RoomMember>,
    /// Summaries that somebody in the room rates, of whichever room they are.
    pub summaries: Vec<SummaryOrigin>,
}

impl State {
    /// Reads it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(
        transaction: &mut Transaction<'_>,
        store: &TenantStore,
        batch: &[RoomFacts],
    ) -> Result<Self, StoreError> {
        let wanted: Vec<Wanted> = batch.iter().map(Wanted::of).collect();
        let by_id = |ids: fn(&Wanted) -> &BTreeSet<ObjectId>| {
            let ids: BTreeSet<ObjectId> = wanted.iter().flat_map(ids).copied().collect();
            doc! { "_id": { "$in": ids.into_iter().collect::<Vec<_>>() } }
        };
        let rooms: Vec<ObjectId> = batch.iter().map(|r| r.key.room_id()).collect();
        let open = doc! { "roomId": { "$in": &rooms }, "status": "active" };
        let messages = LookUp::of::<Message>(store, by_id(|w| &w.messages), "messages");
        let mut look_ups = vec![
            LookUp::of::<Room>(store, doc! { "_id": { "$in": rooms } }, "rooms"),
            LookUp::of::<Session>(store, open, "open"),
            LookUp::of::<InboundEventRecord>(store, by_id(|w| &w.events), "events")
                .then(doc! { "$project": { "_id": 1 } }),
            LookUp::of::<User>(store, by_id(|w| &w.users), "users"),
            LookUp::of::<RoomMember>(store, by_id(|w| &w.members), "members"),
            // A message that is there is changed by what comes now, and its session may have closed.
            messages.join::<Session>(store, "sessionId", "session"),
        ];
        // Seldom: nothing is looked for in a batch without a rating.
        if wanted.iter().any(|w| !w.summaries.is_empty()) {
            let mut rated = by_id(|w| &w.summaries);
            rated.insert("deletedAt", Bson::Null);
            let origin = doc! { "$project": { "roomId": 1, "channelId": 1 } };
            look_ups.push(LookUp::of::<Summary>(store, rated, "summaries").then(origin));
        }
        let mut answer = transaction.look_up(look_ups).await?;
        let (messages, mut sessions) = split_sessions(decode::<Document>(&mut answer, "messages")?)?;
        for open in decode::<Session>(&mut answer, "open")? {
            sessions.insert(open.id, open);
        }
        let stored = Stored {
            rooms: decode(&mut answer, "rooms")?,
            sessions: sessions.into_values().collect(),
            messages,
            events: decode::<Document>(&mut answer, "events")?
                .iter()
                .filter_map(|e| e.get_object_id("_id").ok())
                .collect(),
            members: decode(&mut answer, "members")?,
            summaries: decode(&mut answer, "summaries")?,
        };
        let of_rooms = batch.iter().zip(&wanted).map(|(room, wanted)| stored.of(room.key.room_id(), wanted));
        Ok(Self { rooms: of_rooms.collect(), users: decode(&mut answer, "users")? })
    }
}

/// What was read, before it is told apart by room.
struct Stored {
    rooms: Vec<Room>,
    sessions: Vec<Session>,
    messages: Vec<Message>,
    events: BTreeSet<ObjectId>,
    members: Vec<RoomMember>,
    summaries: Vec<SummaryOrigin>,
}

impl Stored {
    fn of(&self, room: ObjectId, wanted: &Wanted) -> RoomState {
        RoomState {
            room: self.rooms.iter().find(|r| r.id == room).cloned(),
            sessions: self.sessions.iter().filter(|s| s.room_id == room).cloned().collect(),
            messages: self.messages.iter().filter(|m| wanted.messages.contains(&m.id)).cloned().collect(),
            events: self.events.intersection(&wanted.events).copied().collect(),
            members: self.members.iter().filter(|m| m.room_id == room).cloned().collect(),
            summaries: self.summaries.iter().filter(|s| wanted.summaries.contains(&s.id)).cloned().collect(),
        }
    }
}

/// Ids the batch may touch.
#[derive(Default)]
struct Wanted {
    messages: BTreeSet<ObjectId>,
    events: BTreeSet<ObjectId>,
    users: BTreeSet<ObjectId>,
    members: BTreeSet<ObjectId>,
    summaries: BTreeSet<ObjectId>,
}

impl Wanted {
    fn of(RoomFacts { key, facts }: &RoomFacts) -> Self {
        let mut wanted = Self::default();
        for fact in facts {
            wanted.events.insert(key.event_id(&fact.event_id));
            let mut people: Vec<&String> = fact.user.iter().collect();
            match &fact.what {
                What::Said(message, _) | What::Edited(message) => {
                    wanted.messages.insert(key.message_id(&message.id));
                }
                What::Unsent { message_id } => {
                    wanted.messages.insert(key.message_id(message_id));
                }
                What::Joined(users) | What::Left(users) => people.extend(users),
                What::Tapped(PostbackAction::RateSummary { summary_id, .. }, _) => {
                    wanted.summaries.extend(object_id(summary_id));
                }
                _ => {}
            }
            for person in people {
                let user = key.user_id(person);
                wanted.users.insert(user);
                wanted.members.insert(key.member_id(user));
            }
        }
        wanted
    }
}

fn split_sessions(
    documents: Vec<Document>,
) -> Result<(Vec<Message>, BTreeMap<ObjectId, Session>), StoreError> {
    let mut messages = Vec::with_capacity(documents.len());
    let mut sessions = BTreeMap::new();
    for mut document in documents {
        for session in decode::<Session>(&mut document, "session")? {
            sessions.insert(session.id, session);
        }
        let fail = |why| StoreError::Decode { collection: "messages".to_owned(), why };
        messages.push(bson::deserialize_from_document(document).map_err(fail)?);
    }
    Ok((messages, sessions))
}
