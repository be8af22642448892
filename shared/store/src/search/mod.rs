//! Finds messages and summaries by words, in scripts with and without spaces.
//!
//! MongoDB's text index cuts words at spaces and drops Thai tone marks as "diacritics"; so documents carry
//! the words they are found by ([`matome_domain::words`]) in the array `search`, with an ordinary index
//! over tenant, word and time. Against a text index over the same words it won where it matters (see
//! `docs/architecture.md`): it yields hits newest first without reading all of them, it serves filters by
//! time, and it matches words exactly.
//!
//! The index narrows; the text decides: every hit's text is read again, which also gives the places to
//! highlight.

mod find;
mod page;
mod text;

pub(crate) use text::{words_of_message, words_of_summary};

use bson::DateTime;
use bson::oid::ObjectId;
use matome_domain::words::{Query, Snippet};
use serde::{Deserialize, Serialize};

use crate::entities::Room;
use crate::error::StoreError;
use crate::store::TenantStore;

/// Most hits of a page.
pub const MAX_HITS: usize = 100;

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// The words; all of them must be there.
    pub text: Query,
    /// In messages, summaries, or both.
    pub within: Within,
    /// In one room only.
    pub room: Option<ObjectId>,
    /// Sent (or written) at this time or later.
    pub from: Option<DateTime>,
    /// Sent (or written) before this time.
    pub to: Option<DateTime>,
    /// Rooms the asker may not see.
    pub hidden_rooms: Vec<ObjectId>,
    /// Where the page before ended: its [`SearchPage::next`].
    pub after: Option<SearchPlace>,
    /// Hits wanted: 1 to [`MAX_HITS`].
    pub limit: usize,
}

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Within {
    /// Messages.
    Messages,
    /// Summaries.
    Summaries,
    /// Both.
    #[default]
    Both,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPlace {
    /// Time of the last hit.
    pub at: DateTime,
    /// Hits of that very time that were shown.
    pub ids: Vec<ObjectId>,
}

/// What kind of document was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HitKind {
    /// A message.
    Message,
    /// A summary.
    Summary,
}

/// Something found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// Its id.
    pub id: ObjectId,
    /// Its room.
    pub room_id: ObjectId,
    /// Its session.
    pub session_id: ObjectId,
    /// Who sent it; absent for summaries and for people LINE does not identify.
    pub user_id: Option<ObjectId>,
    /// When it was sent; of a summary, when it was written first.
    pub at: DateTime,
    /// The part of its text that shows why.
    pub snippet: Snippet,
}

/// Hits, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchPage {
    /// At most [`SearchQuery::limit`]; fewer do not mean that there are no more.
    pub hits: Vec<Hit>,
    /// Where to go on; `None`: that was all.
    pub next: Option<SearchPlace>,
}

impl TenantStore {
    /// Messages and summaries that have all words of the query, newest first.
    ///
    /// Not found are: unsent messages, summaries that are not completed or are `private`, what was deleted,
    /// and everything in hidden or deleted rooms. At most about two thousand candidates of a kind are looked
    /// at for one page: a page can then have fewer hits, or none, and a `next`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn search(&self, query: &SearchQuery) -> Result<SearchPage, StoreError> {
        let limit = query.limit.clamp(1, MAX_HITS);
        let mut hidden = self.deleted_rooms().await?;
        hidden.extend(&query.hidden_rooms);
        if query.room.is_some_and(|room| hidden.contains(&room)) {
            return Ok(SearchPage::default());
        }
        let messages = async {
            if query.within == Within::Summaries {
                Ok(find::Found::default())
            } else {
                self.find_messages(query, &hidden, limit).await
            }
        };
        let summaries = async {
            if query.within == Within::Messages {
                Ok(find::Found::default())
            } else {
                self.find_summaries(query, &hidden, limit).await
            }
        };
        let (messages, summaries) = tokio::try_join!(messages, summaries)?;
        Ok(page::of(messages, summaries, query.after.as_ref(), limit))
    }

    /// Rooms that were deleted and can still be restored: what is in them is not shown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deleted_rooms(&self) -> Result<Vec<ObjectId>, StoreError> {
        // Two questions with an index each: of one with `$or`, MongoDB reads all rooms of the tenant.
        let rooms = self.collection::<Room>();
        let called_so = rooms.ids(bson::doc! { "status": "deleted" });
        let dated = rooms.ids(bson::doc! { "deletedAt": { "$exists": true } });
        let (mut deleted, dated) = tokio::try_join!(called_so, dated)?;
        deleted.extend(dated);
        deleted.sort_unstable();
        deleted.dedup();
        Ok(deleted)
    }
}
