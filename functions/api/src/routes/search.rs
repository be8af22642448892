//! Search over what was said and what was made of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use garde::Validate;
use matome_domain::access::{Action, Resource};
use matome_domain::rate::Class;
use matome_domain::words;
use matome_store::search::{Hit, HitKind, SearchPlace, SearchQuery, Within};
use matome_store::value::{Id, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Route;
use crate::crud::PageOf;
use crate::guard::{Access, Rule, Tenant};
use crate::http::problem::Code;
use crate::http::{Ok200, Problem, Query};

/// Hits on a page, unless asked for otherwise.
const DEFAULT_LIMIT: u8 = 20;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::get(
            "/organizations/{organizationId}/search",
            "search",
            Access::Tenant(Resource::Messages.to(Action::Read)),
        )
        .says("search", "Find messages and summaries by their words")
        .describes(
            "All words must be there; what stands in quotes must stand there as it is. Newest first. A page can have \
             fewer hits than asked for, or none, and still a `nextCursor`: there may be more. Private summaries are \
             not found. For summaries `summaries:read` is needed as well.",
        )
        .counts_as(Class::Search),
        search,
    )]
}

/// What is looked for.
#[derive(Debug, Clone, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// The words.
    #[garde(length(chars, min = 1, max = 200))]
    q: String,
    /// Where to look.
    #[garde(skip)]
    #[serde(default, rename = "in")]
    within: Place,
    /// In one room only.
    #[garde(skip)]
    #[serde(default)]
    room_id: Option<Id>,
    /// Sent (or written) then or later.
    #[garde(skip)]
    #[serde(default)]
    from: Option<Time>,
    /// Sent (or written) before then.
    #[garde(skip)]
    #[serde(default)]
    to: Option<Time>,
    /// Hits on a page; 20 when absent.
    #[garde(range(min = 1, max = 100))]
    #[serde(default)]
    limit: Option<u8>,
    /// `nextCursor` of the page before, with the same words and filters.
    #[garde(length(chars, min = 1, max = 8192))]
    #[serde(default)]
    cursor: Option<String>,
}

/// Where to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// In messages.
    Messages,
    /// In summaries.
    Summaries,
    /// In both.
    #[default]
    Both,
}

/// Something found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = hit_example())]
struct Found {
    /// What it is.
    kind: Kind,
    /// Its id.
    id: Id,
    /// Its room.
    room_id: Id,
    /// Its session.
    session_id: Id,
    /// Who sent it; absent for summaries and for people whom LINE does not identify.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Id>,
    /// When it was sent; of a summary, when it was written first.
    at: Time,
    /// The part of its text that shows why, at most 120 characters.
    snippet: String,
    /// Characters left out before the snippet.
    skipped: usize,
    /// Where in the snippet the words stand: characters (Unicode code points), the end exclusive.
    highlights: Vec<Highlight>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A message.
    Message,
    /// A summary.
    Summary,
}

/// A stretch of a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
struct Highlight {
    /// First character.
    start: usize,
    /// Behind the last.
    end: usize,
}

fn hit_example() -> Value {
    json!({
        "kind": "message", "id": "671f0a2b9d3c4e5f60718299", "roomId": "671f0a2b9d3c4e5f60718293",
        "sessionId": "671f0a2b9d3c4e5f60718297", "userId": "671f0a2b9d3c4e5f60718294",
        "at": "2026-11-20T09:30:00.000Z", "snippet": "A table for four on Friday, please", "skipped": 0,
        "highlights": [{ "start": 2, "end": 7 }],
    })
}

impl From<Hit> for Found {
    fn from(hit: Hit) -> Self {
        Self {
            kind: match hit.kind {
                HitKind::Message => Kind::Message,
                HitKind::Summary => Kind::Summary,
            },
            id: hit.id.into(),
            room_id: hit.room_id.into(),
            session_id: hit.session_id.into(),
            user_id: hit.user_id.map(Id::from),
            at: hit.at.into(),
            snippet: hit.snippet.text,
            skipped: hit.snippet.skipped,
            highlights: (hit.snippet.highlights.iter())
                .map(|span| Highlight { start: span.start, end: span.end })
                .collect(),
        }
    }
}

async fn search(tenant: Tenant, Query(wanted): Query<Wanted>) -> Result<Ok200<PageOf<Found>>, Problem> {
    let within = match wanted.within {
        Place::Messages => Within::Messages,
        Place::Summaries => Within::Summaries,
        Place::Both => Within::Both,
    };
    if within != Within::Messages {
        tenant.require(Resource::Summaries.to(Action::Read))?;
    }
    if let Some(room) = wanted.room_id {
        tenant.require_in_room(room.into(), Resource::Messages.to(Action::Read)).await?;
    }
    let text = words::Query::parse(&wanted.q)
        .map_err(|_| Problem::parameter("q", "has no word that could be looked for"))?;
    let after = wanted.cursor.as_deref().map(read_cursor).transpose()?;
    let query = SearchQuery {
        text,
        within,
        room: wanted.room_id.map(Into::into),
        from: wanted.from.map(Into::into),
        to: wanted.to.map(Into::into),
        hidden_rooms: tenant.hidden_rooms().await?.talk.clone(),
        after,
        limit: wanted.limit.unwrap_or(DEFAULT_LIMIT).into(),
    };
    let page = tenant.store.search(&query).await?;
    Ok(Ok200(PageOf {
        items: page.hits.into_iter().map(Found::from).collect(),
        next_cursor: page.next.as_ref().map(write_cursor).transpose()?,
    }))
}

fn write_cursor(place: &SearchPlace) -> Result<String, Problem> {
    let bytes = bson::serialize_to_vec(place).map_err(Problem::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Not signed: whoever makes one up gets another page of what they may see anyway.
fn read_cursor(text: &str) -> Result<SearchPlace, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let place = bytes.and_then(|bytes| bson::deserialize_from_slice(&bytes).ok());
    place.ok_or_else(|| Code::InvalidCursor.into())
}
