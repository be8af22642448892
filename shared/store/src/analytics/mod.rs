//! What happened in a stretch of days: how much was said, how fast it was answered, in what mood and
//! about what; as a whole, and day by day or room by room.
//!
//! Added up when asked, from sessions: each knows when what was said in it ([`matome_domain::activity`], where
//! answer times are defined as well) and what its summary found. A session whose activity is not written yet,
//! as that of an open one, is counted from its messages, read off an index. A 1:1 chat holds the messages of
//! one person only, so it has no answer times until those of staff are recorded.

mod activity;
mod days;
mod report;
mod sessions;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{Document, doc};
use serde::{Deserialize, Serialize};

pub use days::{Day, Days, InvalidDays, MAX_DAYS};

use crate::entities::Room;
use crate::error::StoreError;
use crate::store::TenantStore;

/// Most rooms listed; those with most messages.
pub const MAX_ROOMS: usize = 500;
/// Topics listed.
const TOPICS: usize = 20;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyticsQuery {
    /// Which days.
    pub days: Days,
    /// Of one room only.
    pub room: Option<ObjectId>,
    /// Rooms the asker may not see; deleted ones are left out anyway.
    pub hidden_rooms: Vec<ObjectId>,
    /// How it is split up.
    pub by: By,
}

/// How figures are split up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A part for each day, those without messages too.
    #[default]
    Day,
    /// A part for each room with messages or sessions, those with most messages first.
    Room,
}

/// The whole and its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Analytics {
    /// All of it.
    pub total: Figures,
    /// Day by day, or room by room.
    pub parts: Vec<Part>,
}

/// One day or one room.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Which.
    pub of: PartOf,
    /// Its figures.
    pub figures: Figures,
}

/// What a part is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartOf {
    /// A day in the time zone asked for, `YYYY-MM-DD`.
    Day(Day),
    /// A room; its name, as far as LINE told it.
    Room(ObjectId, Option<String>),
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Messages, tombstones included.
    pub messages: u64,
    /// Of those, by `messageType`.
    pub by_kind: BTreeMap<String, u64>,
    /// Sessions that began.
    pub sessions: Sessions,
    /// Topics of the sessions' summaries, by number of sessions; at most twenty.
    pub topics: Vec<(String, u64)>,
    /// How fast turns were answered.
    pub answers: AnswerTimes,
}

/// Sessions that began in the time; what their summaries found counts once they have one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    /// How many.
    pub count: u64,
    /// Of those, closed.
    pub closed: u64,
    /// Milliseconds from first to last message of a closed one, on average.
    pub average_duration_ms: Option<u64>,
    /// By tone.
    pub sentiment: SentimentCounts,
    /// By category.
    pub categories: BTreeMap<String, u64>,
}

/// Sessions by tone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentimentCounts {
    /// Pleased.
    pub positive: u64,
    /// Neither.
    pub neutral: u64,
    /// Displeased.
    pub negative: u64,
}

/// See [`matome_domain::activity`]. Percentiles are exact to five parts in a hundred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerTimes {
    /// Turns answered.
    pub count: u64,
    /// Milliseconds on average; `None` without answers.
    pub average_ms: Option<u64>,
    /// Half of the answers took no longer.
    pub p50_ms: Option<u64>,
    /// Nine of ten took no longer.
    pub p90_ms: Option<u64>,
}

impl TenantStore {
    /// Figures for a stretch of days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn analytics(&self, query: &AnalyticsQuery) -> Result<Analytics, StoreError> {
        let hidden = self.hidden(query).await?;
        let (talk, sessions) =
            tokio::try_join!(self.talk(query, &hidden), self.sessions_begun(query, &hidden))?;
        let mut analytics = report::of(query, talk, sessions);
        let rooms = analytics.parts.iter().filter_map(|part| part.of.room()).collect::<Vec<_>>();
        if !rooms.is_empty() {
            let names = self.room_names(rooms).await?;
            for part in &mut analytics.parts {
                if let PartOf::Room(room, name) = &mut part.of {
                    *name = names.get(room).cloned().flatten();
                }
            }
        }
        Ok(analytics)
    }

    async fn hidden(&self, query: &AnalyticsQuery) -> Result<Vec<ObjectId>, StoreError> {
        let mut hidden = self.deleted_rooms().await?;
        hidden.extend(&query.hidden_rooms);
        Ok(hidden)
    }

    async fn room_names(
        &self,
        rooms: Vec<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, Option<String>>, StoreError> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(rename = "_id")]
            id: ObjectId,
            name: Option<String>,
        }
        let named = vec![doc! { "$project": { "name": 1 } }];
        let rooms: Vec<Named> = self.aggregate::<Room, _>(doc! { "_id": { "$in": rooms } }, named).await?;
        Ok(rooms.into_iter().map(|room| (room.id, room.name)).collect())
    }
}

impl AnalyticsQuery {
    /// Rooms that are asked for and may be seen.
    fn rooms(&self, hidden: &[ObjectId]) -> Document {
        let mut rooms = Document::new();
        rooms.extend(self.room.map(|room| ("$eq".to_owned(), room.into())));
        if !hidden.is_empty() {
            rooms.insert("$nin", hidden);
        }
        if rooms.is_empty() {
            rooms
        } else {
            doc! { "roomId": rooms }
        }
    }
}

impl PartOf {
    fn room(&self) -> Option<ObjectId> {
        match self {
            Self::Day(_) => None,
            Self::Room(room, _) => Some(*room),
        }
    }
}
