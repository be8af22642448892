//! Candidates by index, hits by text.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt;
use matome_domain::words::Query;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::text::{MessageText, SummaryText};
use super::{Hit, HitKind, SearchQuery};
use crate::entities::{Message, Summary};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::scope::TENANT;
use crate::store::TenantStore;

/// Candidates looked at for one page.
const CANDIDATES: usize = 2_000;

/// What was found in one collection.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Newest first, at most one more than wanted.
    pub(super) hits: Vec<Hit>,
    /// Everything later than this was looked at, and nothing of this time or earlier: there were too many.
    pub(super) stopped_at: Option<DateTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<T> {
    #[serde(rename = "_id")]
    id: ObjectId,
    room_id: ObjectId,
    session_id: ObjectId,
    user_id: Option<ObjectId>,
    #[serde(alias = "timestamp", alias = "createdAt")]
    at: DateTime,
    #[serde(flatten)]
    text: T,
}

impl TenantStore {
    pub(super) async fn find_messages(
        &self,
        query: &SearchQuery,
        hidden: &[ObjectId],
        limit: usize,
    ) -> Result<Found, StoreError> {
        let mut filter = filter(query, hidden, "timestamp");
        filter.insert("status", doc! { "$ne": "deleted" });
        let (fields, text) = (MessageText::FIELDS.as_slice(), MessageText::text as fn(&_) -> _);
        self.candidates::<Message, MessageText>(
            HitKind::Message,
            query,
            filter,
            "timestamp",
            fields,
            text,
            limit,
        )
        .await
    }

    pub(super) async fn find_summaries(
        &self,
        query: &SearchQuery,
        hidden: &[ObjectId],
        limit: usize,
    ) -> Result<Found, StoreError> {
        let mut filter = filter(query, hidden, "createdAt");
        filter.extend(doc! { "status": "completed", "visibility": { "$ne": "private" } });
        let (fields, text) = (SummaryText::FIELDS.as_slice(), SummaryText::text as fn(&_) -> _);
        self.candidates::<Summary, SummaryText>(
            HitKind::Summary,
            query,
            filter,
            "createdAt",
            fields,
            text,
            limit,
        )
        .await
    }

    #[expect(clippy::too_many_arguments, reason = "private, and called twice")]
    async fn candidates<E: Entity, T: DeserializeOwned + Send + Sync>(
        &self,
        kind: HitKind,
        query: &SearchQuery,
        mut filter: Document,
        time: &str,
        fields: &[&str],
        text: fn(&T) -> String,
        limit: usize,
    ) -> Result<Found, StoreError> {
        filter.insert(TENANT, self.tenant.as_str());
        let mut wanted = doc! { "roomId": 1, "sessionId": 1, "userId": 1, time: 1 };
        wanted.extend(fields.iter().map(|field| ((*field).to_owned(), 1.into())));
        let collection = self.database.collection::<Candidate<T>>(&self.name::<E>());
        let mut cursor = collection.find(filter).sort(doc! { time: -1 }).projection(wanted).await?;
        let mut found = Found::default();
        let (mut seen, mut last) = (0, None);
        while let Some(candidate) = cursor.try_next().await? {
            if seen >= CANDIDATES && last != Some(candidate.at) {
                found.stopped_at = Some(candidate.at);
                break;
            }
            (seen, last) = (seen + 1, Some(candidate.at));
            let shown = query.after.as_ref();
            if shown.is_some_and(|after| after.at == candidate.at && after.ids.contains(&candidate.id)) {
                continue;
            }
            if let Some(hit) = candidate.hit(kind, &query.text, text) {
                found.hits.push(hit);
                if found.hits.len() > limit {
                    break;
                }
            }
        }
        Ok(found)
    }
}

impl<T> Candidate<T> {
    fn hit(self, kind: HitKind, query: &Query, text: fn(&T) -> String) -> Option<Hit> {
        Some(Hit {
            kind,
            id: self.id,
            room_id: self.room_id,
            session_id: self.session_id,
            user_id: self.user_id,
            at: self.at,
            snippet: query.snippet(&text(&self.text))?,
        })
    }
}

/// Every word is a condition of its own: MongoDB tries the index with each of them and goes on with the one
/// that yields most for its work, the rarest.
fn filter(query: &SearchQuery, hidden: &[ObjectId], time: &str) -> Document {
    let mut all: Vec<Document> = query.text.words().into_iter().map(|w| doc! { "search": w }).collect();
    if let Some(room) = query.room {
        all.push(doc! { "roomId": room });
    }
    if !hidden.is_empty() {
        all.push(doc! { "roomId": { "$nin": hidden } });
    }
    let mut range = Document::new();
    range.extend(query.from.map(|from| ("$gte".to_owned(), from.into())));
    range.extend(query.to.map(|to| ("$lt".to_owned(), to.into())));
    range.extend(query.after.as_ref().map(|after| ("$lte".to_owned(), after.at.into())));
    if !range.is_empty() {
        all.push(doc! { time: range });
    }
    doc! { "$and": all, "deletedAt": null }
}
