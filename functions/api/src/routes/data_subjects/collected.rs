//! Everything about one person as a stream of JSON: a page at a time is in memory, however long they wrote.

use std::collections::BTreeSet;

use axum::body::Bytes;
use bson::oid::ObjectId;
use bson::{DateTime, doc};
use futures::Stream;
use futures::stream::try_unfold;
use matome_store::TenantStore;
use matome_store::entities::{Message, RoomMember, Session, Summary, User};
use matome_store::value::{Id, Time};
use serde::Serialize;
use serde_json::{Value, json};

use crate::crud::view;
use crate::http::Problem;

/// Documents of a page.
const PAGE: i64 = 500;

/// Where the stream is.
enum At {
    Beginning,
    Messages(Option<(DateTime, ObjectId)>),
    Sessions,
    Summaries,
    End,
}

struct Collecting {
    store: TenantStore,
    user: User,
    now: DateTime,
    at: At,
    /// The sessions that they wrote in, as far as they were met: twelve bytes each.
    sessions: BTreeSet<ObjectId>,
    /// Those of them that were written.
    done: usize,
    /// Nothing stands yet in the list that is being written.
    first: bool,
}

/// The text of one JSON object, in pieces.
pub(super) fn stream(
    store: TenantStore,
    user: User,
    now: DateTime,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    let collecting =
        Collecting { store, user, now, at: At::Beginning, sessions: BTreeSet::new(), done: 0, first: true };
    try_unfold(collecting, async |mut collecting| {
        Ok(collecting.next().await?.map(|piece| (Bytes::from(piece), collecting)))
    })
}

impl Collecting {
    async fn next(&mut self) -> Result<Option<String>, Problem> {
        match self.at {
            At::Beginning => self.beginning().await.map(Some),
            At::Messages(after) => self.messages(after).await.map(Some),
            At::Sessions => self.sessions().await.map(Some),
            At::Summaries => self.summaries().await.map(Some),
            At::End => Ok(None),
        }
    }

    async fn beginning(&mut self) -> Result<String, Problem> {
        let theirs = doc! { "userId": self.user.id };
        let members = self.store.collection::<RoomMember>().find(theirs, doc! { "_id": 1 }, 0).await?;
        let members = members.iter().map(view).collect::<Result<Vec<_>, _>>()?;
        let (now, user) = (text(&Time::from(self.now))?, text(&view(&self.user)?)?);
        self.at = At::Messages(None);
        Ok(format!(
            "{{\"exportedAt\":{now},\"user\":{user},\"memberships\":{},\"messages\":[",
            text(&members)?
        ))
    }

    async fn messages(&mut self, after: Option<(DateTime, ObjectId)>) -> Result<String, Problem> {
        let mut filter = doc! { "userId": self.user.id };
        if let Some((at, id)) = after {
            let later = doc! { "timestamp": { "$gt": at } };
            filter.insert("timestamp", doc! { "$gte": at });
            filter.insert("$or", vec![later, doc! { "timestamp": at, "_id": { "$gt": id } }]);
        }
        let in_order = doc! { "timestamp": 1, "_id": 1 };
        let page = self.store.collection::<Message>().find(filter, in_order, PAGE).await?;
        self.sessions.extend(page.iter().map(|message| message.session_id));
        let mut piece = String::new();
        for message in &page {
            self.list(&mut piece, &view(message)?)?;
        }
        match page.last() {
            Some(last) => self.at = At::Messages(Some((last.timestamp, last.id))),
            None => self.begin(&mut piece, "sessions", At::Sessions),
        }
        Ok(piece)
    }

    async fn sessions(&mut self) -> Result<String, Problem> {
        let mut piece = String::new();
        let ids = self.next_sessions();
        if ids.is_empty() {
            self.begin(&mut piece, "summaries", At::Summaries);
            return Ok(piece);
        }
        let wanted = doc! { "_id": { "$in": ids } };
        for session in self.store.collection::<Session>().find(wanted, doc! { "_id": 1 }, 0).await? {
            // The others who spoke there are not this person's data.
            let shown = json!({
                "id": Id::from(session.id), "roomId": Id::from(session.room_id),
                "sessionNumber": session.session_number, "status": session.status,
                "startTime": Time::from(session.start_time), "lastMessageAt": Time::from(session.last_message_at),
            });
            self.list(&mut piece, &shown)?;
        }
        Ok(piece)
    }

    async fn summaries(&mut self) -> Result<String, Problem> {
        let mut piece = String::new();
        let ids = self.next_sessions();
        if ids.is_empty() {
            self.at = At::End;
            piece.push_str("]}");
            return Ok(piece);
        }
        let wanted = doc! { "sessionId": { "$in": ids } };
        for summary in self.store.collection::<Summary>().find(wanted, doc! { "_id": 1 }, 0).await? {
            for shown in about(&summary, self.user.id) {
                self.list(&mut piece, &shown)?;
            }
        }
        Ok(piece)
    }

    fn next_sessions(&mut self) -> Vec<ObjectId> {
        let page = usize::try_from(PAGE).unwrap_or_default();
        let ids: Vec<ObjectId> = self.sessions.iter().skip(self.done).take(page).copied().collect();
        self.done += ids.len();
        ids
    }

    fn begin(&mut self, piece: &mut String, list: &str, at: At) {
        piece.push_str(&format!("],\"{list}\":["));
        (self.at, self.first, self.done) = (at, true, 0);
    }

    fn list(&mut self, piece: &mut String, entry: &impl Serialize) -> Result<(), Problem> {
        if !std::mem::take(&mut self.first) {
            piece.push(',');
        }
        piece.push_str(&text(entry)?);
        Ok(())
    }
}

/// What a summary says about a person.
fn about(summary: &Summary, user: ObjectId) -> Vec<Value> {
    let theirs = summary.participants.iter().filter(|participant| participant.user_id == Some(user));
    let shown = theirs.map(|participant| {
        json!({
            "id": Id::from(summary.id), "sessionId": Id::from(summary.session_id),
            "createdAt": Time::from(summary.created_at), "messageCount": participant.message_count,
            "sentiment": participant.sentiment, "keyPoints": participant.key_points,
        })
    });
    shown.collect()
}

fn text(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}
