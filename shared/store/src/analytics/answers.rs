//! How fast turns were answered: see the module above for what that means.
//!
//! MongoDB before version 7 knows no percentiles, so answers are counted in classes of a width of a tenth
//! of their own length, which is a handful of numbers however many answers there are.

use bson::oid::ObjectId;
use bson::{Bson, doc};
use serde::Deserialize;

use super::{AnalyticsQuery, AnswerTimes};
use crate::entities::Message;
use crate::error::StoreError;
use crate::store::TenantStore;

/// How much longer each class is than the one before.
const STEP: f64 = 1.1;

/// Answers of one class in one part.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    pub(super) part: Bson,
    /// Logarithm of `1 + milliseconds` to the base [`STEP`], without fraction.
    class: f64,
    answers: i64,
    milliseconds: i64,
}

impl TenantStore {
    pub(super) async fn answer_times(
        &self,
        query: &AnalyticsQuery,
        hidden: &[ObjectId],
    ) -> Result<Vec<Row>, StoreError> {
        let in_order = |output: bson::Document| {
            doc! { "$setWindowFields": {
                "partitionBy": "$sessionId", "sortBy": { "timestamp": 1 }, "output": output,
            } }
        };
        let before = |field: &str| doc! { "$shift": { "output": field, "by": -1, "default": "none" } };
        // An index holds null for who is not there.
        let who = doc! { "$ifNull": ["$userId", "unidentified"] };
        let stages = vec![
            doc! { "$project": { "_id": 0, "timestamp": 1, "sessionId": 1, "roomId": 1, "who": who } },
            in_order(doc! { "before": before("$who") }),
            // Only first messages of turns are left, each with the one before: the turn it answers.
            doc! { "$match": { "$expr": { "$ne": ["$who", "$before"] } } },
            in_order(doc! { "asked": before("$timestamp") }),
            doc! { "$match": { "asked": { "$ne": "none" } } },
            doc! { "$project": {
                "part": query.part("timestamp"), "took": { "$subtract": ["$timestamp", "$asked"] },
            } },
            doc! { "$group": {
                "_id": {
                    "part": "$part",
                    "class": { "$floor": { "$log": [{ "$add": ["$took", 1_i64] }, STEP] } },
                },
                "answers": { "$sum": 1_i64 }, "milliseconds": { "$sum": "$took" },
            } },
            doc! { "$project": {
                "_id": 0, "part": "$_id.part", "class": "$_id.class", "answers": 1, "milliseconds": 1,
            } },
        ];
        self.aggregate::<Message, _>(query.filter("timestamp", hidden), stages).await
    }
}

impl AnswerTimes {
    pub(super) fn of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let mut rows: Vec<&Row> = rows.into_iter().collect();
        rows.sort_by(|a, b| a.class.total_cmp(&b.class));
        let count: i64 = rows.iter().map(|row| row.answers).sum();
        let milliseconds: i64 = rows.iter().map(|row| row.milliseconds).sum();
        let up_to = |percent: i64| {
            let wanted = (count * percent + 99) / 100;
            let mut passed = 0;
            let row = rows.iter().find(|row| {
                passed += row.answers;
                passed >= wanted
            });
            // What those of its class took on average is nearer than either end of it.
            row.map(|row| unsigned(row.milliseconds / row.answers.max(1)))
        };
        Self {
            count: unsigned(count),
            average_ms: (count > 0).then(|| unsigned(milliseconds / count.max(1))),
            p50_ms: up_to(50),
            p90_ms: up_to(90),
        }
    }
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_the_truth() {
        let mut rows = std::collections::BTreeMap::new();
        for milliseconds in 1..=1_000_i64 {
            // Below 2^52 each is exact.
            let class = ((milliseconds + 1) as f64).log(STEP).floor();
            let row = rows.entry(class as i64).or_insert(Row {
                part: Bson::Null,
                class,
                answers: 0,
                milliseconds: 0,
            });
            row.answers += 1;
            row.milliseconds += milliseconds;
        }
        let times = AnswerTimes::of(rows.values());
        assert_eq!((times.count, times.average_ms), (1_000, Some(500)));
        let near = |found: Option<u64>, truth: f64| (found.unwrap() as f64 / truth - 1.0).abs() < 0.05;
        assert!(near(times.p50_ms, 500.0) && near(times.p90_ms, 900.0), "{times:?}");
        assert_eq!(AnswerTimes::of([]), AnswerTimes::default());
    }
}
