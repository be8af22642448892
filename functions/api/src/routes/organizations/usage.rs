//! What an organization uses, beside what it may use. The report of thirty days is a route of its own.

use axum::extract::State;
use bson::doc;
use matome_domain::access::{Action, Resource};
use matome_domain::limits::{Level, Limit, Limits, Standing};
use matome_domain::month::Month;
use matome_domain::plan::Features;
use matome_domain::trial::TrialStage;
use matome_store::Time;
use matome_store::entities::{MonthlyUsage, Notice, TrialNotice};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::ONE;
use crate::context::App;
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem};
use crate::routes::Route;

const TAG: &str = "usage";
/// Months that are shown.
const MONTHS: i64 = 13;
/// Notices that are shown: each month has at most eighteen.
const NOTICES: i64 = 200;

pub(super) fn routes() -> Vec<Route> {
    let read = Access::Tenant(Resource::Usage.to(Action::Read));
    vec![
        Route::new(
            Rule::get(format!("{ONE}/usage"), "getUsage", read)
                .says(TAG, "Show what is used, beside what may be used")
                .describes("Measured every hour; with the last thirteen months."),
            usage,
        ),
        Route::new(
            Rule::get(format!("{ONE}/notices"), "listNotices", read)
                .says(TAG, "List which limits came to 80 %, 100 % and beyond, newest first")
                .describes("With what was said of the trial's end: a week before, a day before, and then."),
            notices,
        ),
    ]
}

/// What is used.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({
    "month": "2026-11", "limits": { "maxRooms": 100, "maxAgents": 1 },
    "features": { "aiSummaries": true, "exports": true },
    "standings": [{ "limit": "rooms", "used": 85, "allowed": 100, "level": "notice" }],
    "measuredAt": "2026-11-20T09:00:00.000Z", "months": [],
}))]
struct UsageView {
    /// The month, UTC.
    month: String,
    /// What may be used.
    limits: Limits,
    /// What may be used besides.
    features: Features,
    /// Every limit beside what counts against it.
    standings: Vec<StandingView>,
    /// When that was measured; absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured_at: Option<Time>,
    /// The last months, newest first.
    months: Vec<MonthView>,
}

/// How one limit stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StandingView {
    /// Which.
    limit: Limit,
    /// What counts against it; bytes for `storage`.
    used: u64,
    /// How much is allowed, in the same unit; absent = as much as there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<u64>,
    /// How the two compare: `ok`, `notice` (80 %), `reached` or `over`.
    level: &'static str,
}

/// What was used in a month.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MonthView {
    /// Which, UTC.
    month: String,
    /// Messages recorded.
    messages: u64,
    /// API calls.
    api_calls: u64,
    /// Tokens that AI providers took.
    ai_tokens: i64,
    /// Rooms in use when it was measured.
    rooms: u64,
    /// Bytes of media when it was measured.
    storage_bytes: u64,
    /// Staff who answer when it was measured.
    agents: u64,
    /// The highest of all levels.
    level: &'static str,
    /// When it was measured last.
    measured_at: Time,
}

impl From<Standing> for StandingView {
    fn from(Standing { limit, used, allowed, level }: Standing) -> Self {
        Self { limit, used, allowed, level: level.as_str() }
    }
}

impl From<MonthlyUsage> for MonthView {
    fn from(usage: MonthlyUsage) -> Self {
        Self {
            month: usage.month.to_string(),
            messages: usage.used.messages,
            api_calls: usage.used.api_calls,
            ai_tokens: usage.ai_tokens,
            rooms: usage.used.rooms,
            storage_bytes: usage.used.storage_bytes,
            agents: usage.used.agents,
            level: usage.level.as_str(),
            measured_at: usage.computed_at.into(),
        }
    }
}

async fn usage(State(app): State<App>, tenant: Tenant) -> Result<Ok200<UsageView>, Problem> {
    let months = tenant.collection::<MonthlyUsage>().find(doc! {}, doc! { "month": -1 }, MONTHS).await?;
    let now = app.clock.now();
    let organization = &tenant.organization;
    let standings = organization.standings_at(now).into_iter().map(StandingView::from).collect();
    Ok(Ok200(UsageView {
        month: Month::of(now).to_string(),
        limits: organization.limits,
        features: organization.features(),
        standings,
        measured_at: organization.usage.as_ref().map(|usage| usage.measured_at.into()),
        months: months.into_iter().map(MonthView::from).collect(),
    }))
}

/// Notices, newest month first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(example = json!({ "items": [], "trial": [] }))]
struct Notices {
    /// In order.
    items: Vec<NoticeView>,
    /// Of the trial's end, in the order they were raised.
    trial: Vec<TrialNoticeView>,
}

/// What was said of a trial's end.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TrialNoticeView {
    /// How near it was.
    stage: TrialStage,
    /// The end that was spoken of.
    ends_at: Time,
    /// When.
    created_at: Time,
}

impl From<&TrialNotice> for TrialNoticeView {
    fn from(notice: &TrialNotice) -> Self {
        Self { stage: notice.stage, ends_at: notice.ends_at.into(), created_at: notice.at.into() }
    }
}

/// A limit that came to a level.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoticeView {
    /// In which month, UTC.
    month: String,
    /// Which.
    limit: Limit,
    /// How far: `notice` (80 %), `reached` or `over`.
    level: &'static str,
    /// What was used then.
    used: u64,
    /// What was allowed then.
    allowed: u64,
    /// When.
    created_at: Time,
}

async fn notices(tenant: Tenant) -> Result<Ok200<Notices>, Problem> {
    let newest_first = doc! { "month": -1, "limit": 1, "level": 1 };
    let found = tenant.collection::<Notice>().find(doc! {}, newest_first, NOTICES).await?;
    let view = |notice: Notice| NoticeView {
        month: notice.month.to_string(),
        limit: notice.limit,
        level: Level::as_str(notice.level),
        used: notice.used,
        allowed: notice.allowed,
        created_at: notice.created_at.into(),
    };
    let trial = tenant.organization.trial_notices.iter().map(TrialNoticeView::from).collect();
    Ok(Ok200(Notices { items: found.into_iter().map(view).collect(), trial }))
}
