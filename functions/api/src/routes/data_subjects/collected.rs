//! Everything about one person as a stream of JSON: a page at a time is in memory, however long they wrote.

use std::collections::BTreeSet;

use axum::body::Bytes;
use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::Stream;
use futures::stream::try_unfold;
use matome_store::entities::{Message, Room, RoomMember};
use matome_store::exposed::Exposed;
use matome_store::value::Time;
use matome_store::{Entity, StoreError};
use serde::Serialize;
use serde_json::Value;
use strum::VariantArray;

use super::super::media_links;
use super::held::{Held, Kind};
use super::shown;
use crate::context::App;
use crate::crud::view;
use crate::guard::Tenant;
use crate::http::Problem;

/// Documents of a page.
const PAGE: usize = 500;

/// Where the stream is.
enum At {
    /// Who they are comes next.
    Person,
    /// The list of the first of these kinds is to be begun.
    List(&'static [Kind]),
    /// A list is being written, and then those of these kinds.
    Within(Kind, Left, &'static [Kind]),
    /// Everything is written.
    Over,
}

/// What of a list is to be written yet.
enum Left {
    /// Their messages from here on: there may be very many.
    Messages(Option<(DateTime, ObjectId)>),
    /// The documents with these ids, or about the sessions with these: twelve bytes each.
    Ids(std::vec::IntoIter<ObjectId>),
}

struct Collecting {
    app: App,
    tenant: Tenant,
    held: Held,
    now: DateTime,
    at: At,
    /// The sessions that they wrote in, as far as they were met.
    sessions: BTreeSet<ObjectId>,
    /// Nothing stands yet in the list that is being written.
    first: bool,
}

/// The text of one JSON object, in pieces.
pub(super) fn stream(
    app: App,
    tenant: Tenant,
    held: Held,
    now: DateTime,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    let collecting =
        Collecting { app, tenant, held, now, at: At::Person, sessions: BTreeSet::new(), first: true };
    try_unfold(collecting, async |mut collecting| {
        Ok(collecting.next().await?.map(|piece| (Bytes::from(piece), collecting)))
    })
}

impl Collecting {
    async fn next(&mut self) -> Result<Option<String>, Problem> {
        let piece = match std::mem::replace(&mut self.at, At::Over) {
            At::Person => {
                self.at = At::List(Kind::VARIANTS);
                let (now, user) = (text(&Time::from(self.now))?, text(&view(&self.held.user)?)?);
                format!("{{\"exportedAt\":{now},\"user\":{user}")
            }
            At::List(kinds) => match kinds.split_first() {
                Some((kind, rest)) => {
                    self.at = At::Within(*kind, self.left(*kind).await?, rest);
                    self.first = true;
                    format!(",\"{}\":[", kind.name())
                }
                None => "}".to_owned(),
            },
            At::Within(kind, mut left, rest) => match self.page(kind, &mut left).await? {
                Some(page) => {
                    self.at = At::Within(kind, left, rest);
                    self.listed(&page)?
                }
                None => {
                    self.at = At::List(rest);
                    "]".to_owned()
                }
            },
            At::Over => return Ok(None),
        };
        Ok(Some(piece))
    }

    fn listed(&mut self, page: &[Value]) -> Result<String, Problem> {
        let mut piece = String::new();
        for entry in page {
            if !std::mem::take(&mut self.first) {
                piece.push(',');
            }
            piece.push_str(&text(entry)?);
        }
        Ok(piece)
    }

    async fn left(&self, kind: Kind) -> Result<Left, StoreError> {
        let ids = match kind {
            Kind::Messages => return Ok(Left::Messages(None)),
            // Met with the messages, which come before.
            Kind::Sessions | Kind::Summaries => self.sessions.iter().copied().collect(),
            Kind::Memberships => self.held.memberships.iter().map(|member| member.id).collect(),
            Kind::Chats => self.held.chats().await?,
            Kind::Ratings => self.held.ratings().await?,
            Kind::Events => self.held.events(doc! {}).await?,
            Kind::Audit => self.held.audit().await?,
        };
        Ok(Left::Ids(ids.into_iter()))
    }

    /// What comes next in a list, as it is shown; `None` at its end.
    async fn page(&mut self, kind: Kind, left: &mut Left) -> Result<Option<Vec<Value>>, Problem> {
        let ids: Vec<ObjectId> = match left {
            Left::Messages(after) => return self.messages(after).await,
            Left::Ids(ids) => ids.by_ref().take(PAGE).collect(),
        };
        if ids.is_empty() {
            return Ok(None);
        }
        let user = self.held.user.id;
        let page = match kind {
            // By pages of their own, above.
            Kind::Messages => Vec::new(),
            Kind::Chats => values(&self.find::<Room>("_id", &ids).await?)?,
            Kind::Memberships => values(&self.find::<RoomMember>("_id", &ids).await?)?,
            Kind::Sessions => self.find("_id", &ids).await?.iter().map(shown::session).collect(),
            Kind::Summaries => {
                let summaries = self.find("sessionId", &ids).await?;
                summaries.iter().flat_map(|summary| shown::about(summary, user)).collect()
            }
            Kind::Ratings => self.find("_id", &ids).await?.iter().filter_map(shown::rating).collect(),
            Kind::Events => self.find("_id", &ids).await?.iter().map(shown::event).collect(),
            Kind::Audit => self.find("_id", &ids).await?.iter().map(shown::audit_entry).collect(),
        };
        Ok(Some(page))
    }

    async fn find<E: Entity>(&self, field: &str, ids: &[ObjectId]) -> Result<Vec<E>, StoreError> {
        let mut wanted = Document::new();
        wanted.insert(field, doc! { "$in": ids });
        self.held.store.collection::<E>().find(wanted, doc! { "_id": 1 }, 0).await
    }

    async fn messages(
        &mut self,
        after: &mut Option<(DateTime, ObjectId)>,
    ) -> Result<Option<Vec<Value>>, Problem> {
        let mut filter = doc! { "userId": self.held.user.id };
        if let Some((at, id)) = *after {
            let later = doc! { "timestamp": { "$gt": at } };
            filter.insert("timestamp", doc! { "$gte": at });
            filter.insert("$or", vec![later, doc! { "timestamp": at, "_id": { "$gt": id } }]);
        }
        let in_order = doc! { "timestamp": 1, "_id": 1 };
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let page = self.held.store.collection::<Message>().find(filter, in_order, limit).await?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some((last.timestamp, last.id));
        let mut entries = Vec::with_capacity(page.len());
        for message in &page {
            self.sessions.insert(message.session_id);
            // Signing asks nobody once the tenant's session is there.
            let links = media_links::of_message(&self.app, &self.tenant, message).await?;
            entries.push(shown::message(message, links.as_ref())?);
        }
        Ok(Some(entries))
    }
}

/// Documents as the API shows them elsewhere.
fn values<E: Exposed>(documents: &[E]) -> Result<Vec<Value>, Problem> {
    documents.iter().map(|document| shown::value(&view(document)?)).collect()
}

fn text(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}
