//! What was said in a room or a session, in order, with links to its media.

use axum::extract::State;
use bson::DateTime;
use bson::oid::ObjectId;
use garde::Validate;
use matome_domain::access::{Action, Resource};
use matome_store::entities::{MessageView, SessionView};
use matome_store::timeline::{Direction, Sender, TimelineEntry, TimelineOf, TimelinePage, TimelinePlace};
use matome_store::value::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Route;
use super::media_links::{self, MediaLinks};
use super::sessions;
use crate::context::App;
use crate::crud::{PathIds, view};
use crate::guard::{Access, Rule, Tenant};
use crate::http::problem::Code;
use crate::http::{Ok200, Problem, Query};

/// Messages on a page, unless asked for otherwise.
const DEFAULT_LIMIT: usize = 50;

pub(super) fn routes() -> Vec<Route> {
    let text = "At most 200 messages a page, oldest first whatever the direction; go on with `before` or \
                `after`. Messages that were unsent are there without what they said. Links end after five minutes.";
    vec![
        Route::new(
            Rule::get(
                "/organizations/{organizationId}/rooms/{roomId}/timeline",
                "getRoomTimeline",
                Access::Room(Resource::Messages.to(Action::Read)),
            )
            .says("rooms", "Read what was said in a room")
            .describes(text),
            of_room,
        ),
        Route::new(
            Rule::get(
                "/organizations/{organizationId}/sessions/{sessionId}/timeline",
                "getSessionTimeline",
                Access::Tenant(Resource::Sessions.to(Action::Read)),
            )
            .says("sessions", "Read what was said in a session")
            .describes(text),
            of_session,
        ),
    ]
}

/// Which part of a timeline.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Part {
    /// Where to begin, without `before` and `after`.
    #[garde(skip)]
    #[serde(default)]
    begin: Begin,
    /// The messages before this place: `before` of the page that was shown.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default)]
    before: Option<String>,
    /// The messages behind this place: `after` of the page that was shown.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default)]
    after: Option<String>,
    /// Messages on a page; 50 when absent.
    #[garde(range(min = 1, max = 200))]
    #[serde(default)]
    limit: Option<u16>,
}

/// An end of a timeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Begin {
    /// With the newest messages.
    #[default]
    Newest,
    /// With the oldest ones.
    Oldest,
}

impl Part {
    fn direction(&self) -> Result<Direction, Problem> {
        match (&self.before, &self.after) {
            (None, None) if self.begin == Begin::Oldest => Ok(Direction::Oldest),
            (None, None) => Ok(Direction::Newest),
            (Some(place), None) => Ok(Direction::Before(read(place, "before")?)),
            (None, Some(place)) => Ok(Direction::After(read(place, "after")?)),
            (Some(_), Some(_)) => Err(Problem::parameter("after", "cannot stand beside `before`")),
        }
    }
}

/// A place as a client has it: `<milliseconds>-<id>`; a word without a meaning to it.
fn write(place: TimelinePlace) -> String {
    format!("{}-{}", place.at.timestamp_millis(), place.id.to_hex())
}

fn read(text: &str, name: &str) -> Result<TimelinePlace, Problem> {
    let place = text.rsplit_once('-').and_then(|(at, id)| {
        let at = DateTime::from_millis(at.parse().ok()?);
        Some(TimelinePlace { at, id: ObjectId::parse_str(id).ok()? })
    });
    let wrong =
        || Problem { code: Code::InvalidCursor, ..Problem::parameter(name, "is no place of a timeline") };
    place.ok_or_else(wrong)
}

/// A page of a timeline.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = timeline_example())]
struct Timeline {
    /// The messages, oldest first.
    entries: Vec<Entry>,
    /// The sessions they belong to, by number.
    sessions: Vec<SessionView>,
    /// Shows what was said before; absent at the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Shows what was said afterwards; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// One message of a timeline.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// The message; without what it said if it was unsent.
    message: MessageView,
    /// Who sent it; absent for people whom LINE does not identify.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<SenderView>,
    /// The session that begins here.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens: Option<Id>,
    /// Where its media can be fetched for five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<MediaLinks>,
}

/// Who sent a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SenderView {
    /// The user.
    id: Id,
    /// Name, as far as LINE told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture_url: Option<String>,
}

impl From<Sender> for SenderView {
    fn from(sender: Sender) -> Self {
        Self { id: sender.id.into(), name: sender.name, picture_url: sender.picture_url }
    }
}

fn timeline_example() -> Value {
    json!({
        "entries": [{
            "message": {
                "id": "671f0a2b9d3c4e5f60718299", "version": 0, "channelId": "1650000001",
                "sessionId": "671f0a2b9d3c4e5f60718297", "roomId": "671f0a2b9d3c4e5f60718293",
                "userId": "671f0a2b9d3c4e5f60718294", "lineMessageId": "468789577898262530",
                "messageType": "text", "content": "A table for four on Friday, please", "status": "delivered",
                "metadata": {
                    "mentions": [], "mentionsAll": false, "mentionsBot": false, "hashtags": [], "urls": [],
                    "emojis": [],
                },
                "placeholder": false, "editHistory": [], "overLimits": [],
                "timestamp": "2026-11-20T09:00:00.000Z", "createdAt": "2026-11-20T09:00:01.000Z",
                "updatedAt": "2026-11-20T09:00:01.000Z",
            },
            "sender": { "id": "671f0a2b9d3c4e5f60718294", "name": "Aoi" },
            "opens": "671f0a2b9d3c4e5f60718297",
        }],
        "sessions": [],
        "before": "1795165200000-671f0a2b9d3c4e5f60718299",
    })
}

async fn of_room(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    Query(part): Query<Part>,
) -> Result<Ok200<Timeline>, Problem> {
    let of = TimelineOf::Room(ids.get("roomId")?);
    show(&app, &tenant, of, &part).await
}

async fn of_session(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    Query(part): Query<Part>,
) -> Result<Ok200<Timeline>, Problem> {
    let session = sessions::find(&tenant, &ids, Resource::Messages.to(Action::Read)).await?;
    show(&app, &tenant, TimelineOf::Session(session.id), &part).await
}

async fn show(app: &App, tenant: &Tenant, of: TimelineOf, part: &Part) -> Result<Ok200<Timeline>, Problem> {
    let limit = part.limit.map_or(DEFAULT_LIMIT, usize::from);
    let TimelinePage { entries, sessions, before, after } =
        tenant.store.timeline(of, part.direction()?, limit).await?;
    let mut shown = Vec::with_capacity(entries.len());
    for TimelineEntry { message, sender, opens } in entries {
        // Signing asks nobody once the tenant's session is there.
        let links = media_links::of_message(app, tenant, &message).await?;
        shown.push(Entry {
            message: view(&message)?,
            sender: sender.map(SenderView::from),
            opens: opens.map(Id::from),
            links,
        });
    }
    Ok(Ok200(Timeline {
        entries: shown,
        sessions: sessions.iter().map(view).collect::<Result<_, _>>()?,
        before: before.map(write),
        after: after.map(write),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_and_nothing_else_is_one() {
        for at in [-5, 0, 1_795_165_200_000] {
            let place = TimelinePlace { at: DateTime::from_millis(at), id: ObjectId::from_bytes([3; 12]) };
            assert_eq!(read(&write(place), "before").unwrap(), place);
        }
        for wrong in ["", "-", "x-000000000000000000000000", "5", "5-abc"] {
            let problem = read(wrong, "before").unwrap_err();
            assert_eq!(
                (problem.code, problem.errors[0].field.as_str()),
                (Code::InvalidCursor, "before"),
                "{wrong}"
            );
        }
    }
}
