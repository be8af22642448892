//! "Catch me up": what somebody missed in a room. Where a session is summarized, its summary; what is not
//! summarized yet (an open session, say) is summarized here and now by the built-in summarizer, and not kept.

use axum::extract::State;
use bson::DateTime;
use bson::oid::ObjectId;
use garde::Validate;
use matome_ai::summarize_builtin;
use matome_domain::access::{Action, Resource};
use matome_domain::summary::{SummaryDraft, SummaryRequest};
use matome_domain::zone::utc_offset_minutes;
use matome_store::dialogue::dialogue;
use matome_store::entities::{Message, Room, Session, SessionStatus, StoredActionItem, Summary, User};
use matome_store::timeline::{CaughtUp, Reading};
use matome_store::value::{Id, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

use super::Route;
use crate::context::App;
use crate::crud::PathIds;
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem, Query};
use matome_domain::rate::Class;

/// Messages that are summarized while somebody waits; of a longer talk the newest.
const MAX_MESSAGES: i64 = 2_000;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::get(
            "/organizations/{organizationId}/rooms/{roomId}/catch-up",
            "catchUp",
            Access::Room(Resource::Messages.to(Action::Read)),
        )
        .says("rooms", "Catch up with what was said in a room since a time")
        .describes(
            "Session by session, at most a hundred: its summary, or where there is none yet, one of what was said since \
             then, written for this answer alone.",
        )
        .counts_as(Class::Search),
        catch_up,
    )]
}

/// Since when.
#[derive(Debug, Clone, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Since {
    /// When you last looked.
    #[garde(skip)]
    #[serde(deserialize_with = "Time::deserialize")]
    since: Time,
    /// BCP 47 tag of what is written for this answer; as room and organization have it when absent.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default)]
    language: Option<String>,
}

/// What somebody missed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = missed_example())]
struct Missed {
    /// Since when.
    since: Time,
    /// Messages since then, in all sessions.
    messages: u64,
    /// What to read, the oldest session first.
    sessions: Vec<MissedSession>,
    /// There was more than this tells: further sessions, or more messages than are summarized at once.
    truncated: bool,
}

/// A session of which something was missed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MissedSession {
    /// The session.
    session_id: Id,
    /// 1, 2, 3 … in its room.
    session_number: i64,
    /// State.
    status: SessionStatus,
    /// When its first message was sent.
    start_time: Time,
    /// When its last message was sent.
    last_message_at: Time,
    /// Messages of it since then.
    messages: u64,
    /// Its summary, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_id: Option<Id>,
    /// What it says: of the whole session when it has a summary, else of what was said since then.
    told: Told,
}

/// What was said, in short.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// BCP 47 tag.
    language: String,
    /// One or two sentences.
    brief: String,
    /// Key points.
    bullet_points: Vec<String>,
    /// Things someone is to do.
    action_items: Vec<StoredActionItem>,
    /// What was decided.
    decisions: Vec<String>,
    /// Asked and not answered.
    open_questions: Vec<String>,
}

fn missed_example() -> Value {
    json!({
        "since": "2026-11-20T09:00:00.000Z", "messages": 12, "truncated": false,
        "sessions": [{
            "sessionId": "671f0a2b9d3c4e5f60718297", "sessionNumber": 12, "status": "active",
            "startTime": "2026-11-20T09:00:00.000Z", "lastMessageAt": "2026-11-20T09:30:00.000Z", "messages": 12,
            "told": {
                "language": "en", "brief": "A table for four is booked.", "bulletPoints": ["Friday, 19:00"],
                "actionItems": [], "decisions": [], "openQuestions": [],
            },
        }],
    })
}

impl Told {
    fn stored(summary: Summary) -> Self {
        let content = summary.content;
        Self {
            language: summary.language,
            brief: content.brief,
            bullet_points: content.bullet_points,
            action_items: content.action_items,
            decisions: content.decisions,
            open_questions: content.open_questions,
        }
    }

    fn written(draft: SummaryDraft) -> Self {
        let texts = |statements: Vec<matome_domain::summary::Statement>| {
            statements.into_iter().map(|statement| statement.text).collect()
        };
        let items = draft.action_items.into_iter().map(|item| StoredActionItem {
            item: item.item,
            assigned_to: item.assigned_to,
            priority: item.priority,
            deadline: item.deadline,
        });
        Self {
            language: draft.language,
            brief: draft.brief,
            bullet_points: texts(draft.bullet_points),
            action_items: items.collect(),
            decisions: texts(draft.decisions),
            open_questions: texts(draft.open_questions),
        }
    }
}

async fn catch_up(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    Query(Since { since, language }): Query<Since>,
) -> Result<Ok200<Missed>, Problem> {
    let room = ids.get("roomId")?;
    // It tells what summaries say.
    tenant.require_in_room(room, Resource::Summaries.to(Action::Read)).await?;
    let CaughtUp { to_read, messages, truncated } = tenant.store.catch_up(room, since.into()).await?;
    let request =
        SummaryRequest { language: language_of(&tenant, room, language).await?, ..Default::default() };
    let mut missed = Missed { since, messages, sessions: Vec::with_capacity(to_read.len()), truncated };
    let mut left = MAX_MESSAGES;
    for reading in to_read {
        missed.sessions.push(match reading {
            Reading::Summarized { session, summary, messages } => {
                of_session(&session, messages, Some(summary.id), Told::stored(*summary))
            }
            Reading::Messages { session, messages } => {
                let wanted = left.min(i64::try_from(messages).unwrap_or(i64::MAX));
                missed.truncated |= wanted < i64::try_from(messages).unwrap_or(i64::MAX);
                left -= wanted;
                let told = write(&app, &tenant, &session, since.into(), wanted, &request).await?;
                of_session(&session, messages, None, told)
            }
        });
    }
    Ok(Ok200(missed))
}

fn of_session(session: &Session, messages: u64, summary: Option<ObjectId>, told: Told) -> MissedSession {
    MissedSession {
        session_id: session.id.into(),
        session_number: session.session_number,
        status: session.status,
        start_time: session.start_time.into(),
        last_message_at: session.last_message_at.into(),
        messages,
        summary_id: summary.map(Id::from),
        told,
    }
}

/// As asked for, as the room has it, as the organization has it; else the talk's own.
async fn language_of(
    tenant: &Tenant,
    room: ObjectId,
    asked: Option<String>,
) -> Result<Option<String>, Problem> {
    if asked.is_some() {
        return Ok(asked);
    }
    let room = tenant.store.collection::<Room>().get(room).await?;
    let of_organization = || tenant.organization.settings.ai_settings.summary_language.clone();
    Ok(room.and_then(|room| room.settings.summary_language).or_else(of_organization))
}

/// Summarizes the newest `wanted` messages of a session since a time.
async fn write(
    app: &App,
    tenant: &Tenant,
    session: &Session,
    since: DateTime,
    wanted: i64,
    request: &SummaryRequest,
) -> Result<Told, Problem> {
    if wanted == 0 {
        return Ok(Told::default());
    }
    let new = bson::doc! { "sessionId": session.id, "timestamp": { "$gt": since } };
    let newest_first = bson::doc! { "timestamp": -1, "_id": -1 };
    let mut messages = tenant.store.collection::<Message>().find(new, newest_first, wanted).await?;
    messages.reverse();
    let people: BTreeSet<ObjectId> = messages.iter().filter_map(|message| message.user_id).collect();
    let people = bson::doc! { "_id": { "$in": people.into_iter().collect::<Vec<_>>() } };
    let users = tenant.store.collection::<User>().find(people, bson::doc! { "_id": 1 }, 0).await?;
    let offset = utc_offset_minutes(&tenant.organization.timezone, app.clock.now());
    let talk = dialogue(&messages, &users, HashMap::new(), offset);
    Ok(Told::written(summarize_builtin(&talk, request)))
}
