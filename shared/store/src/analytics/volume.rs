//! How much was said.

use bson::oid::ObjectId;
use bson::{Bson, doc};
use serde::Deserialize;

use super::AnalyticsQuery;
use crate::entities::Message;
use crate::error::StoreError;
use crate::store::TenantStore;

/// Messages of one kind in one part.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) part: Bson,
    pub(super) kind: String,
    pub(super) messages: i64,
}

impl TenantStore {
    pub(super) async fn volume(
        &self,
        query: &AnalyticsQuery,
        hidden: &[ObjectId],
    ) -> Result<Vec<Row>, StoreError> {
        let stages = vec![
            doc! { "$group": {
                "_id": { "part": query.part("timestamp"), "kind": "$messageType" }, "messages": { "$sum": 1_i64 },
            } },
            doc! { "$project": { "_id": 0, "part": "$_id.part", "kind": "$_id.kind", "messages": 1 } },
        ];
        self.aggregate::<Message, _>(query.filter("timestamp", hidden), stages).await
    }
}
