//! Sessions, and what their summaries found.

use bson::oid::ObjectId;
use bson::{Bson, doc};
use matome_domain::summary::Sentiment;
use serde::Deserialize;

use super::AnalyticsQuery;
use crate::entities::Session;
use crate::error::StoreError;
use crate::store::TenantStore;

/// Sessions of one tone and category in one part.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) part: Bson,
    pub(super) sentiment: Option<Sentiment>,
    pub(super) category: Option<String>,
    pub(super) sessions: i64,
    pub(super) closed: i64,
    /// Of closed ones.
    pub(super) milliseconds: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Topic {
    #[serde(rename = "_id")]
    pub(super) topic: String,
    pub(super) sessions: i64,
}

impl TenantStore {
    pub(super) async fn session_figures(
        &self,
        query: &AnalyticsQuery,
        hidden: &[ObjectId],
    ) -> Result<Vec<Row>, StoreError> {
        let timed = doc! { "$ne": [{ "$type": "$statistics.duration" }, "missing"] };
        let stages = vec![
            doc! { "$group": {
                "_id": {
                    "part": query.part("startTime"),
                    "sentiment": "$aiAnalysis.sentiment", "category": "$aiAnalysis.category",
                },
                "sessions": { "$sum": 1_i64 },
                "closed": { "$sum": { "$cond": [timed, 1_i64, 0_i64] } },
                "milliseconds": { "$sum": { "$ifNull": ["$statistics.duration", 0_i64] } },
            } },
            doc! { "$project": {
                "_id": 0, "part": "$_id.part", "sentiment": "$_id.sentiment", "category": "$_id.category",
                "sessions": 1, "closed": 1, "milliseconds": 1,
            } },
        ];
        self.aggregate::<Session, _>(query.filter("startTime", hidden), stages).await
    }

    pub(super) async fn topics(
        &self,
        query: &AnalyticsQuery,
        hidden: &[ObjectId],
        limit: usize,
    ) -> Result<Vec<Topic>, StoreError> {
        let stages = vec![
            doc! { "$project": { "_id": 0, "topics": "$aiAnalysis.topics" } },
            doc! { "$unwind": "$topics" },
            doc! { "$group": { "_id": "$topics", "sessions": { "$sum": 1_i64 } } },
            doc! { "$sort": { "sessions": -1, "_id": 1 } },
            doc! { "$limit": i64::try_from(limit).unwrap_or(i64::MAX) },
        ];
        self.aggregate::<Session, _>(query.filter("startTime", hidden), stages).await
    }
}
