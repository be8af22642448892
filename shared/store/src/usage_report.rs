//! What a tenant used in thirty days (the `generateTenantReport` of seed 001).
//!
//! Messages, conversations and summaries are counted day by day from what is stored. API calls, tokens and
//! storage are measured by the month and are given for the months the days lie in: there is no record of
//! the day they were used on.

use std::collections::BTreeMap;

use bson::{DateTime, doc};
use matome_domain::month::Month;
use serde::Deserialize;

use crate::analytics::{AnalyticsQuery, AnswerTimes, By, Day, Days, PartOf};
use crate::entities::{MonthlyUsage, Summary};
use crate::error::StoreError;
use crate::store::TenantStore;
use crate::time::timestamp;

/// Days of the report, today included.
pub const DAYS: i64 = 30;

/// Thirty days.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageReport {
    /// Which days.
    pub days: Days,
    /// Sessions that began (the seed's conversations).
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// Summaries written.
    pub summaries: u64,
    /// The seed's `averageResponseTime`, and more.
    pub answers: AnswerTimes,
    /// Day by day, those on which nothing happened too.
    pub by_day: Vec<UsageOfDay>,
    /// The months the days lie in, oldest first, as they were measured last; a month that was never
    /// measured is missing.
    pub months: Vec<UsageOfMonth>,
}

/// One day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageOfDay {
    /// Which.
    pub day: Day,
    /// Sessions that began.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// Summaries written.
    pub summaries: u64,
}

/// A whole calendar month, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageOfMonth {
    /// Which.
    pub month: Month,
    /// API calls.
    pub api_calls: u64,
    /// Tokens that AI providers took.
    pub ai_tokens: i64,
    /// Bytes of files and thumbnails when it was measured.
    pub storage_bytes: u64,
    /// When.
    pub measured_at: DateTime,
}

impl TenantStore {
    /// The report of the thirty days up to the one `now` lies in, in the organization's time zone. Nothing is
    /// hidden: it counts, and shows nothing of what was said.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Setting`] for a time zone that is none.
    pub async fn usage_report(&self, now: DateTime, timezone: &str) -> Result<UsageReport, StoreError> {
        let days = Days::last(DAYS, now, timezone).map_err(|e| StoreError::Setting(e.to_string()))?;
        let query = AnalyticsQuery { days, room: None, hidden_rooms: Vec::new(), by: By::Day };
        let (analytics, summaries, months) = tokio::try_join!(
            self.analytics(&query),
            self.summaries_by_day(&query.days),
            self.months(&query.days)
        )?;
        let written = |day: &Day| summaries.get(&day.to_string()).copied().unwrap_or_default();
        let by_day: Vec<UsageOfDay> = analytics
            .parts
            .iter()
            .filter_map(|part| match &part.of {
                PartOf::Day(day) => Some(UsageOfDay {
                    day: *day,
                    conversations: part.figures.sessions.count,
                    messages: part.figures.messages,
                    summaries: written(day),
                }),
                PartOf::Room(..) => None,
            })
            .collect();
        Ok(UsageReport {
            conversations: analytics.total.sessions.count,
            messages: analytics.total.messages,
            summaries: by_day.iter().map(|day| day.summaries).sum(),
            answers: analytics.total.answers,
            by_day,
            months,
            days: query.days,
        })
    }

    async fn summaries_by_day(&self, days: &Days) -> Result<BTreeMap<String, u64>, StoreError> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "_id")]
            day: String,
            summaries: i64,
        }
        let written =
            doc! { "status": "completed", "createdAt": { "$gte": days.begin(), "$lt": days.end() } };
        let day =
            doc! { "$dateToString": { "date": "$createdAt", "format": "%Y-%m-%d", "timezone": days.zone() } };
        let by_day = vec![doc! { "$group": { "_id": day, "summaries": { "$sum": 1_i64 } } }];
        let rows: Vec<Row> = self.aggregate::<Summary, _>(written, by_day).await?;
        let count = |row: Row| (row.day, u64::try_from(row.summaries).unwrap_or_default());
        Ok(rows.into_iter().map(count).collect())
    }

    async fn months(&self, days: &Days) -> Result<Vec<UsageOfMonth>, StoreError> {
        let last_moment = DateTime::from_millis(days.end().timestamp_millis() - 1);
        let first = Month::of(timestamp(days.begin()));
        let last = Month::of(timestamp(last_moment));
        let within = doc! { "month": { "$gte": first.as_str(), "$lte": last.as_str() } };
        let measured = self.collection::<MonthlyUsage>().find(within, doc! { "month": 1 }, 0).await?;
        let of = |usage: MonthlyUsage| UsageOfMonth {
            month: usage.month,
            api_calls: usage.used.api_calls,
            ai_tokens: usage.ai_tokens,
            storage_bytes: usage.used.storage_bytes,
            measured_at: usage.computed_at,
        };
        Ok(measured.into_iter().map(of).collect())
    }
}
