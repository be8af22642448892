//! What the recorder knows about a room before it decides: one round trip, inside the transaction.

use std::collections::{BTreeMap, BTreeSet};

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_store::entities::{InboundEventRecord, Message, Room, RoomMember, Session, User};
use matome_store::transaction::{LookUp, decode};
use matome_store::{StoreError, TenantStore, Transaction};

use crate::fact::{Fact, What};
use crate::room_key::RoomKey;

/// The part of the database a batch of facts touches.
#[derive(Debug, Clone, Default)]
pub struct RoomState {
    /// The room, if it is known.
    pub room: Option<Room>,
    /// Its open session, if there is one, and the sessions of messages that are edited or unsent.
    pub sessions: Vec<Session>,
    /// Messages of the batch that are there already.
    pub messages: Vec<Message>,
    /// Events of the batch that are done already.
    pub events: BTreeSet<ObjectId>,
    /// People of the batch that are known.
    pub users: Vec<User>,
    /// Their memberships of this room.
    pub members: Vec<RoomMember>,
}

impl RoomState {
    /// Reads it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(
        transaction: &mut Transaction<'_>,
        store: &TenantStore,
        key: &RoomKey,
        facts: &[Fact],
    ) -> Result<Self, StoreError> {
        let wanted = Wanted::of(key, facts);
        let by_id =
            |ids: &BTreeSet<ObjectId>| doc! { "_id": { "$in": ids.iter().copied().collect::<Vec<_>>() } };
        let room = key.room_id();
        let mut look_ups = vec![
            LookUp::of::<Room>(store, doc! { "_id": room }, "room"),
            LookUp::of::<Session>(store, doc! { "roomId": room, "status": "active" }, "open"),
            LookUp::of::<InboundEventRecord>(store, by_id(&wanted.events), "events")
                .then(doc! { "$project": { "_id": 1 } }),
            LookUp::of::<User>(store, by_id(&wanted.users), "users"),
            LookUp::of::<RoomMember>(store, by_id(&wanted.members), "members"),
        ];
        let messages = LookUp::of::<Message>(store, by_id(&wanted.messages), "messages");
        look_ups.push(if wanted.past_sessions { messages.then(join_session(store)) } else { messages });

        let mut answer = transaction.look_up(look_ups).await?;
        let (messages, mut sessions) = split_sessions(decode::<Document>(&mut answer, "messages")?)?;
        for open in decode::<Session>(&mut answer, "open")? {
            sessions.insert(open.id, open);
        }
        Ok(Self {
            room: decode(&mut answer, "room")?.into_iter().next(),
            sessions: sessions.into_values().collect(),
            messages,
            events: decode::<Document>(&mut answer, "events")?
                .iter()
                .filter_map(|e| e.get_object_id("_id").ok())
                .collect(),
            users: decode(&mut answer, "users")?,
            members: decode(&mut answer, "members")?,
        })
    }
}

/// Ids the batch may touch.
#[derive(Default)]
struct Wanted {
    messages: BTreeSet<ObjectId>,
    events: BTreeSet<ObjectId>,
    users: BTreeSet<ObjectId>,
    members: BTreeSet<ObjectId>,
    /// An edit or an unsend may reach back into a closed session.
    past_sessions: bool,
}

impl Wanted {
    fn of(key: &RoomKey, facts: &[Fact]) -> Self {
        let mut wanted = Self::default();
        for fact in facts {
            wanted.events.insert(key.event_id(&fact.event_id));
            let mut people: Vec<&String> = fact.user.iter().collect();
            match &fact.what {
                What::Said(message, _) => {
                    wanted.messages.insert(key.message_id(&message.id));
                }
                What::Edited(message) => {
                    wanted.messages.insert(key.message_id(&message.id));
                    wanted.past_sessions = true;
                }
                What::Unsent { message_id } => {
                    wanted.messages.insert(key.message_id(message_id));
                    wanted.past_sessions = true;
                }
                What::Joined(users) | What::Left(users) => people.extend(users),
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

/// Joins each message's session to it, as `session`.
fn join_session(store: &TenantStore) -> Document {
    doc! { "$lookup": {
        "from": store.name::<Session>(),
        "localField": "sessionId",
        "foreignField": "_id",
        "pipeline": [{ "$match": { "tenantId": store.tenant_id().as_str() } }],
        "as": "session",
    } }
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
