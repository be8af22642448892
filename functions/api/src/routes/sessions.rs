//! Sessions: read, who took part, and written up anew.

use axum::extract::State;
use bson::oid::ObjectId;
use bson::{Bson, doc};
use garde::Validate;
use matome_domain::access::{Action, Permission, Resource};
use matome_domain::queue::SummaryJob;
use matome_domain::rate::Class;
use matome_domain::summary::SummaryStyle;
use matome_store::entities::{Session, SummaryWish};
use matome_store::id::document_id;
use matome_store::time::date;
use matome_store::timeline::SessionParticipant;
use matome_store::value::{Id, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Route;
use super::summaries;
use super::timeline::SenderView;
use crate::context::App;
use crate::crud::{Crud, PathIds};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{Accepted, Json, Ok200, Problem};

pub(super) fn routes() -> Vec<Route> {
    let one = "/organizations/{organizationId}/sessions/{sessionId}";
    let mut routes = Crud::<Session>::at("/sessions", "sessionId").routes();
    routes.extend([
        Route::new(
            Rule::get(
                format!("{one}/participants"),
                "listSessionParticipants",
                Access::Tenant(Resource::Sessions.to(Action::Read)),
            )
            .says("sessions", "Show who took part in a session"),
            participants,
        ),
        Route::new(
            Rule::post(
                format!("{one}/summary"),
                "summarizeSession",
                Access::Tenant(Resource::Summaries.to(Action::Create)),
            )
            .says("sessions", "Have a closed session summarized, or summarized anew")
            .describes(
                "409 while it is open: close it first; and where its summary was deleted: restore it first. What was asked for \
                 holds for later writings as well.",
            )
            .counts_as(Class::Summarize),
            summarize,
        ),
    ]);
    routes
}

/// A session in whose room the caller has a permission.
///
/// # Errors
/// 404 when they are not to know of it; 403 that names the permission.
pub(super) async fn find(tenant: &Tenant, ids: &PathIds, permission: Permission) -> Result<Session, Problem> {
    let found = tenant.store.collection::<Session>().get(ids.get("sessionId")?).await?;
    let session = found.ok_or_else(Problem::not_found)?;
    tenant.require_in_room(session.room_id, permission).await?;
    Ok(session)
}

/// Who took part in a session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(example = participants_example())]
struct Participants {
    /// Those with most messages first.
    items: Vec<Participant>,
}

/// Somebody who spoke in a session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Participant {
    /// Who; absent for everybody whom LINE does not identify.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<SenderView>,
    /// Messages, unsent ones too.
    messages: u64,
    /// First message.
    first_at: Time,
    /// Last message.
    last_at: Time,
}

fn participants_example() -> Value {
    json!({ "items": [{
        "user": { "id": "671f0a2b9d3c4e5f60718294", "name": "Aoi" }, "messages": 41,
        "firstAt": "2026-11-20T09:00:00.000Z", "lastAt": "2026-11-20T09:30:00.000Z",
    }] })
}

async fn participants(tenant: Tenant, ids: PathIds) -> Result<Ok200<Participants>, Problem> {
    let session = find(&tenant, &ids, Resource::Sessions.to(Action::Read)).await?;
    let participants = tenant.store.participants(session.id).await?.into_iter();
    let shown = participants.map(|SessionParticipant { sender, messages, first_at, last_at }| Participant {
        user: sender.map(SenderView::from),
        messages,
        first_at: first_at.into(),
        last_at: last_at.into(),
    });
    Ok(Ok200(Participants { items: shown.collect() }))
}

/// How a summary is to be written; what is absent is as room and organization have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = wish_example())]
pub(super) struct Writing {
    /// BCP 47 tag, such as `ja`.
    #[garde(length(chars, min = 2, max = 35), pattern("^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Style.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    style: Option<SummaryStyle>,
}

fn wish_example() -> Value {
    json!({ "language": "ja", "style": "bullet_points" })
}

/// A writing that will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = asked_example())]
pub(super) struct Asked {
    /// The session.
    session_id: Id,
    /// Which writing it will be: the summary has this `revision` once it is done.
    revision: i64,
}

fn asked_example() -> Value {
    json!({ "sessionId": "671f0a2b9d3c4e5f60718297", "revision": 1 })
}

async fn summarize(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    Json(writing): Json<Writing>,
) -> Result<Accepted<Asked>, Problem> {
    let session = find(&tenant, &ids, Resource::Summaries.to(Action::Create)).await?;
    summaries::may_be_written_anew(&tenant, session.id).await?;
    write_anew(&app, &tenant, &trail, session.id, writing).await
}

/// Has a session that is not open written up anew.
///
/// # Errors
/// 409 when it is open.
pub(super) async fn write_anew(
    app: &App,
    tenant: &Tenant,
    trail: &Trail,
    session: ObjectId,
    writing: Writing,
) -> Result<Accepted<Asked>, Problem> {
    trail.target("session", session.to_hex());
    trail.after(&writing);
    let wish = SummaryWish { language: writing.language, style: writing.style, by: tenant.caller.id() };
    let wish: Bson = matome_store::collection::encode(&wish)?.into();
    let sessions = tenant.store.collection::<Session>();
    let not_open = doc! { "_id": session, "status": { "$in": ["closed", "summarizing"] } };
    let again = doc! {
        "$set": { "status": "summarizing", "summaryWish": wish, "updatedAt": date(app.clock.now()) },
        "$inc": { "revision": 1_i64, "__v": 1_i64 },
    };
    let Some(session) = sessions.find_and_update(not_open, again).await? else {
        return Err(Problem::new(Code::Conflict, "The session is open"));
    };
    queue(app, tenant, &[&session]).await?;
    Ok(Accepted(Asked { session_id: session.id.into(), revision: session.revision }))
}

/// Names sessions to the summarizer. What is lost on the way the scheduler finds.
pub(super) async fn queue(app: &App, tenant: &Tenant, sessions: &[&Session]) -> Result<(), Problem> {
    let job = |session: &&Session| SummaryJob {
        tenant_id: tenant.id.clone(),
        session_id: document_id(session.id),
        revision: u32::try_from(session.revision).unwrap_or(u32::MAX),
    };
    let jobs: Vec<SummaryJob> = sessions.iter().map(job).collect();
    let own_queue = app.tenants.queue_of_tenant::<SummaryJob>(&tenant.id).await?;
    app.queues.send_batch_to(own_queue.as_deref(), &jobs).await.map_err(Problem::unavailable)
}
