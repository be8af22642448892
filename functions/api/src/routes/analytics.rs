//! Numbers about the talk.

use std::collections::BTreeMap;

use garde::Validate;
use matome_domain::access::{Action, Resource};
use matome_domain::rate::Class;
use matome_store::analytics::{self, AnalyticsQuery, Day, Days, Part, PartOf};
use matome_store::value::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Route;
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem, Query};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::get(
            "/organizations/{organizationId}/analytics",
            "getAnalytics",
            Access::Tenant(Resource::Analytics.to(Action::Read)),
        )
        .says("analytics", "Count what was said, how fast it was answered, in what mood and about what")
        .describes(
            "Day by day or room by room. An answer's time counts from the first message of a turn to the first message \
             of anybody else in the session. Rooms that are hidden from you are not counted.",
        )
        .counts_as(Class::Search),
        get,
    )]
}

/// What is asked.
#[derive(Debug, Clone, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    /// First day, `YYYY-MM-DD`.
    #[garde(length(chars, min = 10, max = 10))]
    from: String,
    /// Last day, inclusive; at most 366 days in all.
    #[garde(length(chars, min = 10, max = 10))]
    to: String,
    /// IANA name of the zone whose days these are; the organization's when absent.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default)]
    timezone: Option<String>,
    /// Of one room only.
    #[garde(skip)]
    #[serde(default)]
    room_id: Option<Id>,
    /// How it is split up.
    #[garde(skip)]
    #[serde(default)]
    by: By,
}

/// How figures are split up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    /// Day by day, those on which nothing was said too.
    #[default]
    Day,
    /// Room by room, those with most messages first, at most 500.
    Room,
}

/// The whole and its parts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = analytics_example())]
struct Analytics {
    /// All of it.
    total: Figures,
    /// Day by day, or room by room.
    parts: Vec<FiguresOf>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Topic {
    /// As the summaries call it.
    topic: String,
    /// Sessions.
    sessions: u64,
}

/// One day or one room.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FiguresOf {
    /// The day, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// The room.
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<Id>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    room_name: Option<String>,
    /// What was counted.
    figures: Figures,
}

/// What was counted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Figures {
    /// Messages, unsent ones too.
    messages: u64,
    /// Of those, by kind.
    by_kind: BTreeMap<String, u64>,
    /// Sessions that began.
    sessions: u64,
    /// Of those, closed.
    closed_sessions: u64,
    /// Milliseconds from first to last message of a closed one, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_duration_ms: Option<u64>,
    /// Sessions by tone.
    sentiment: Sentiments,
    /// Sessions by category.
    categories: BTreeMap<String, u64>,
    /// Topics of the sessions' summaries, those of most sessions first; at most twenty.
    topics: Vec<Topic>,
    /// How fast was answered.
    answers: AnswerTimes,
}

/// Sessions by tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
struct Sentiments {
    /// Pleased.
    positive: u64,
    /// Neither.
    neutral: u64,
    /// Displeased.
    negative: u64,
}

/// How fast people of a room answered each other. A 1:1 chat has none: it holds what the customer says, until staff answer
/// through us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerTimes {
    /// Turns that were answered.
    count: u64,
    /// Milliseconds on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_ms: Option<u64>,
    /// Half of the answers took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<u64>,
    /// Nine of ten took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p90_ms: Option<u64>,
}

fn analytics_example() -> Value {
    let figures = json!({
        "messages": 480, "byKind": { "text": 473, "image": 7 }, "sessions": 12, "closedSessions": 11,
        "averageDurationMs": 1_800_000, "sentiment": { "positive": 8, "neutral": 2, "negative": 1 },
        "categories": { "order": 5, "inquiry": 6 },
        "topics": [{ "topic": "booking", "sessions": 4 }],
        "answers": { "count": 160, "averageMs": 240_000, "p50Ms": 90_000, "p90Ms": 600_000 },
    });
    json!({
        "total": figures,
        "parts": [{ "day": "2026-11-20", "figures": figures }],
    })
}

impl From<analytics::AnswerTimes> for AnswerTimes {
    fn from(times: analytics::AnswerTimes) -> Self {
        let analytics::AnswerTimes { count, average_ms, p50_ms, p90_ms } = times;
        Self { count, average_ms, p50_ms, p90_ms }
    }
}

impl From<analytics::Figures> for Figures {
    fn from(figures: analytics::Figures) -> Self {
        let tone = figures.sessions.sentiment;
        Self {
            messages: figures.messages,
            by_kind: figures.by_kind,
            sessions: figures.sessions.count,
            closed_sessions: figures.sessions.closed,
            average_duration_ms: figures.sessions.average_duration_ms,
            sentiment: Sentiments { positive: tone.positive, neutral: tone.neutral, negative: tone.negative },
            categories: figures.sessions.categories,
            topics: figures.topics.into_iter().map(|(topic, sessions)| Topic { topic, sessions }).collect(),
            answers: figures.answers.into(),
        }
    }
}

impl From<Part> for FiguresOf {
    fn from(part: Part) -> Self {
        let (day, room_id, room_name) = match part.of {
            PartOf::Day(day) => (Some(day.to_string()), None, None),
            PartOf::Room(room, name) => (None, Some(room.into()), name),
        };
        Self { day, room_id, room_name, figures: part.figures.into() }
    }
}

async fn get(tenant: Tenant, Query(asked): Query<Asked>) -> Result<Ok200<Analytics>, Problem> {
    let day = |name: &str, text: &str| -> Result<Day, Problem> {
        text.parse().map_err(|_| Problem::parameter(name, "must be a day, YYYY-MM-DD"))
    };
    let timezone = asked.timezone.as_deref().unwrap_or(&tenant.organization.timezone);
    let days = Days::new(day("from", &asked.from)?, day("to", &asked.to)?, timezone)
        .map_err(|wrong| Problem::parameter(wrong.field, wrong.reason))?;
    if let Some(room) = asked.room_id {
        tenant.require_in_room(room.into(), Resource::Messages.to(Action::Read)).await?;
    }
    let query = AnalyticsQuery {
        days,
        room: asked.room_id.map(Into::into),
        hidden_rooms: tenant.hidden_rooms().await?.talk.clone(),
        by: match asked.by {
            By::Day => analytics::By::Day,
            By::Room => analytics::By::Room,
        },
    };
    let counted = tenant.store.analytics(&query).await?;
    Ok(Ok200(Analytics {
        total: counted.total.into(),
        parts: counted.parts.into_iter().map(FiguresOf::from).collect(),
    }))
}
