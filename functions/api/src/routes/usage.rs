//! What the organization used in thirty days.

use axum::extract::State;
use matome_domain::access::{Action, Resource};
use matome_domain::rate::Class;
use matome_store::time::date;
use matome_store::usage_report::{UsageOfDay, UsageOfMonth, UsageReport};
use matome_store::value::Time;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Route;
use super::analytics::AnswerTimes;
use crate::context::App;
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::get(
            "/organizations/{organizationId}/usage/report",
            "getUsageReport",
            Access::Tenant(Resource::Usage.to(Action::Read)),
        )
        .says("usage", "Report what was used in the last thirty days")
        .describes("In the organization's time zone, today included. Of API calls, tokens and storage only months are known.")
        .counts_as(Class::Search),
        report,
    )]
}

/// Thirty days.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = report_example())]
struct Report {
    /// IANA name of the zone whose days these are.
    timezone: String,
    /// When the first day begins.
    from: Time,
    /// When the last one ends.
    to: Time,
    /// Sessions that began.
    conversations: u64,
    /// Messages.
    messages: u64,
    /// Summaries written.
    summaries: u64,
    /// How fast was answered.
    answers: AnswerTimes,
    /// Day by day.
    days: Vec<OfDay>,
    /// The months the days lie in, as far as they were measured.
    months: Vec<OfMonth>,
}

/// One day.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OfDay {
    /// `YYYY-MM-DD`.
    day: String,
    /// Sessions that began.
    conversations: u64,
    /// Messages.
    messages: u64,
    /// Summaries written.
    summaries: u64,
}

/// A calendar month, UTC.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OfMonth {
    /// `YYYY-MM`.
    month: String,
    /// API calls.
    api_calls: u64,
    /// Tokens that AI providers took.
    ai_tokens: i64,
    /// Bytes of files and thumbnails when it was measured.
    storage_bytes: u64,
    /// When it was.
    measured_at: Time,
}

fn report_example() -> Value {
    json!({
        "timezone": "Asia/Tokyo", "from": "2026-10-21T15:00:00.000Z", "to": "2026-11-20T15:00:00.000Z",
        "conversations": 12, "messages": 480, "summaries": 11,
        "answers": { "count": 160, "averageMs": 240_000, "p50Ms": 90_000, "p90Ms": 600_000 },
        "days": [{ "day": "2026-11-20", "conversations": 12, "messages": 480, "summaries": 11 }],
        "months": [{
            "month": "2026-11", "apiCalls": 1200, "aiTokens": 91_000, "storageBytes": 48_213_000,
            "measuredAt": "2026-11-20T09:00:00.000Z",
        }],
    })
}

async fn report(State(app): State<App>, tenant: Tenant) -> Result<Ok200<Report>, Problem> {
    let found = tenant.store.usage_report(date(app.clock.now()), &tenant.organization.timezone).await?;
    let UsageReport { days, conversations, messages, summaries, answers, by_day, months } = found;
    let of_day = |day: UsageOfDay| OfDay {
        day: day.day.to_string(),
        conversations: day.conversations,
        messages: day.messages,
        summaries: day.summaries,
    };
    let of_month = |month: UsageOfMonth| OfMonth {
        month: month.month.to_string(),
        api_calls: month.api_calls,
        ai_tokens: month.ai_tokens,
        storage_bytes: month.storage_bytes,
        measured_at: month.measured_at.into(),
    };
    Ok(Ok200(Report {
        timezone: days.zone().to_owned(),
        from: days.begin().into(),
        to: days.end().into(),
        conversations,
        messages,
        summaries,
        answers: answers.into(),
        days: by_day.into_iter().map(of_day).collect(),
        months: months.into_iter().map(of_month).collect(),
    }))
}
