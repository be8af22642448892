//! Sessions, and what their summaries found.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::Deserialize;

use super::AnalyticsQuery;
use crate::entities::{AiAnalysis, Session};
use crate::error::StoreError;
use crate::store::TenantStore;

/// A session that began in the days.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Begun {
    pub(super) room_id: ObjectId,
    pub(super) start_time: DateTime,
    pub(super) ai_analysis: Option<AiAnalysis>,
    /// Milliseconds, of a closed one.
    pub(super) duration: Option<i64>,
}

impl TenantStore {
    pub(super) async fn sessions_begun(
        &self,
        query: &AnalyticsQuery,
        hidden: &[ObjectId],
    ) -> Result<Vec<Begun>, StoreError> {
        let mut filter = doc! { "startTime": { "$gte": query.days.begin(), "$lt": query.days.end() } };
        filter.extend(query.rooms(hidden));
        let shown = doc! {
            "_id": 0, "roomId": 1, "startTime": 1, "aiAnalysis": 1, "duration": "$statistics.duration",
        };
        let by_time = doc! { "tenantId": 1, "startTime": -1, "_id": -1 };
        self.aggregate_by::<Session, _>(by_time, filter, vec![doc! { "$project": shown }]).await
    }
}
