//! Rooms: plain ones, and what is done with a room's session by hand.
//!
//! The recorder is the only writer of a room's session. So a session is opened and closed by a wish in the
//! conversation's own group of `inbound.fifo`, and the answer is 202: it will be done.

use axum::extract::State;
use bson::doc;
use bson::oid::ObjectId;
use matome_domain::access::{Action, Resource};
use matome_domain::ids::{ChannelId, ConversationId};
use matome_domain::limits::Limit;
use matome_domain::queue::{CloseSession, CloseTrigger, Inbound, OpenSession};
use matome_store::entities::{Room, RoomType, RoomView, Session, SessionView};
use matome_store::exposed::{Changed, Update};
use matome_store::id::document_id;
use matome_store::time::date;
use matome_store::value::Id;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Route;
use crate::context::App;
use crate::crud::{Crud, Hooks, PathIds, done, view, without};
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{Accepted, IfMatch, Ok200, Problem, Shown};

const ACTIVE: &str = "active";
const ARCHIVED: &str = "archived";

/// A room has to have a place in the plan.
enum Rooms {}

impl Hooks<Room> for Rooms {
    /// A chat with one person is called and described like them.
    fn audited(view: &RoomView) -> Value {
        const PERSONAL: [&str; 4] = ["/name", "/avatar", "/description", "/metadata/customFields"];
        without(view, if view.room_type == RoomType::Individual { &PERSONAL } else { &[] })
    }

    async fn before_create(_: &App, tenant: &Tenant, _: &PathIds, _: &mut Room) -> Result<(), Problem> {
        has_place_for_a_room(tenant).await
    }

    async fn after_create(_: &App, tenant: &Tenant, _: &Room) -> Result<(), Problem> {
        has_place_for(tenant, 0).await
    }

    async fn before_restore(_: &App, tenant: &Tenant, id: ObjectId) -> Result<(), Problem> {
        let found = tenant.store.collection::<Room>().get(id).await?.ok_or_else(Problem::not_found)?;
        // One in the archive takes no place.
        if found.status == ACTIVE { has_place_for_a_room(tenant).await } else { Ok(()) }
    }
}

pub(super) fn routes() -> Vec<Route> {
    let room = "/organizations/{organizationId}/rooms/{roomId}";
    let mut routes = Crud::<Room, Rooms>::at("/rooms", "roomId").routes();
    routes.extend([
        Route::new(
            Rule::get(
                format!("{room}/statistics"),
                "getRoomStatistics",
                Access::Room(Resource::Rooms.to(Action::Read)),
            )
            .says("rooms", "Count what was said in a room"),
            statistics,
        ),
        Route::new(
            Rule::get(
                format!("{room}/active-session"),
                "getActiveSession",
                Access::Room(Resource::Sessions.to(Action::Read)),
            )
            .says("rooms", "Show the room's open session"),
            active,
        ),
        Route::new(
            Rule::post(
                format!("{room}/sessions"),
                "openSession",
                Access::Room(Resource::Sessions.to(Action::Create)),
            )
            .says("rooms", "Open a session by hand")
            .describes("Refused with 409 while one is open, and in a room that LINE does not know."),
            open,
        ),
        Route::new(
            Rule::post(
                format!("{room}/active-session/close"),
                "closeActiveSession",
                Access::Room(Resource::Sessions.to(Action::Update)),
            )
            .says("rooms", "Close the room's open session by hand")
            .describes("It is summarized then, unless the room is not to be. 409 when none is open."),
            close,
        ),
        Route::new(
            Rule::post(
                format!("{room}/archive"),
                "archiveRoom",
                Access::Room(Resource::Rooms.to(Action::Update)),
            )
            .says("rooms", "Archive a room with its sessions")
            .describes("Its open session is closed. What customers write is recorded all the same."),
            archive,
        ),
        Route::new(
            Rule::post(
                format!("{room}/unarchive"),
                "unarchiveRoom",
                Access::Room(Resource::Rooms.to(Action::Update)),
            )
            .says("rooms", "Take a room out of the archive"),
            unarchive,
        ),
    ]);
    routes
}

/// Refuses one room more than the plan allows. Counted as usage is: rooms in use.
async fn has_place_for_a_room(tenant: &Tenant) -> Result<(), Problem> {
    has_place_for(tenant, 1).await
}

/// For so many more.
async fn has_place_for(tenant: &Tenant, more: u64) -> Result<(), Problem> {
    let Some(limit) = tenant.organization.limits.of(Limit::Rooms) else { return Ok(()) };
    let used = tenant.store.collection::<Room>().count(doc! { "status": ACTIVE, "deletedAt": null }).await?;
    if used + more <= limit {
        return Ok(());
    }
    Err(Problem::new(Code::LimitReached, format!("The plan has {limit} rooms")))
}

async fn room(tenant: &Tenant, ids: &PathIds) -> Result<Room, Problem> {
    let found = tenant.store.collection::<Room>().get_live(ids.get("roomId")?).await?;
    found.ok_or_else(Problem::not_found)
}

async fn open_session(tenant: &Tenant, room: ObjectId) -> Result<Option<Session>, Problem> {
    let open = doc! { "roomId": room, "status": ACTIVE };
    Ok(tenant.store.collection::<Session>().find_one(open).await?)
}

/// What was said in a room, as the recorder counts it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = statistics_example())]
struct RoomCounts {
    /// Sessions ever opened.
    total_sessions: i64,
    /// Sessions open now: 0 or 1.
    active_sessions: i64,
    /// Messages ever recorded.
    total_messages: i64,
    /// Of those, pictures.
    total_images: i64,
    /// Messages of a session on average; 0 without sessions.
    avg_messages_per_session: f64,
}

fn statistics_example() -> Value {
    json!({ "totalSessions": 12, "activeSessions": 1, "totalMessages": 480, "totalImages": 7, "avgMessagesPerSession": 40.0 })
}

async fn statistics(tenant: Tenant, ids: PathIds) -> Result<Ok200<RoomCounts>, Problem> {
    let counted = room(&tenant, &ids).await?.statistics;
    // Far below 2^52, so exact.
    #[allow(clippy::cast_precision_loss, reason = "counts of one room")]
    let average = counted.total_messages as f64 / counted.total_sessions.max(1) as f64;
    Ok(Ok200(RoomCounts {
        total_sessions: counted.total_sessions,
        active_sessions: counted.active_sessions,
        total_messages: counted.total_messages,
        total_images: counted.total_images,
        avg_messages_per_session: average,
    }))
}

async fn active(tenant: Tenant, ids: PathIds) -> Result<Shown<SessionView>, Problem> {
    let session = open_session(&tenant, ids.get("roomId")?).await?.ok_or_else(Problem::not_found)?;
    Ok(Shown { version: session.version, document: view(&session)? })
}

/// A wish that will be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = wish_example())]
pub(super) struct Wish {
    /// The room.
    room_id: Id,
    /// The session that is closed; absent where one is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Id>,
}

fn wish_example() -> Value {
    json!({ "roomId": "671f0a2b9d3c4e5f60718293", "sessionId": "671f0a2b9d3c4e5f60718297" })
}

async fn open(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<Accepted<Wish>, Problem> {
    let room = room(&tenant, &ids).await?;
    trail.target("room", room.id.to_hex());
    if open_session(&tenant, room.id).await?.is_some() {
        return Err(Problem::new(Code::Conflict, "A session is open"));
    }
    let (channel_id, conversation_id) = conversation(&room)?;
    let wish = OpenSession {
        tenant_id: tenant.id.clone(),
        channel_id,
        conversation_id,
        wish_id: document_id(app.new_id()),
    };
    tell_recorder(&app, &tenant, Inbound::Open(wish)).await?;
    Ok(Accepted(Wish { room_id: room.id.into(), session_id: None }))
}

async fn close(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<Accepted<Wish>, Problem> {
    let room = room(&tenant, &ids).await?;
    trail.target("room", room.id.to_hex());
    let session = close_open_session(&app, &tenant, &room).await?;
    let session = session.ok_or_else(|| Problem::new(Code::Conflict, "No session is open"))?;
    Ok(Accepted(Wish { room_id: room.id.into(), session_id: Some(session.into()) }))
}

/// Has the recorder close the open session, if there is one.
async fn close_open_session(app: &App, tenant: &Tenant, room: &Room) -> Result<Option<ObjectId>, Problem> {
    let Some(session) = open_session(tenant, room.id).await? else { return Ok(None) };
    let (channel_id, conversation_id) = conversation(room)?;
    let wish = CloseSession {
        tenant_id: tenant.id.clone(),
        channel_id,
        conversation_id,
        session_id: document_id(session.id),
        trigger: CloseTrigger::Manual,
        closed_by: tenant.caller.id().map(document_id),
    };
    tell_recorder(app, tenant, Inbound::Close(wish)).await?;
    Ok(Some(session.id))
}

/// How LINE calls the room; a room of staff's own has no talk that could be cut into sessions.
fn conversation(room: &Room) -> Result<(ChannelId, ConversationId), Problem> {
    if room.channel_id == Room::NO_CHANNEL {
        return Err(Problem::new(Code::Conflict, "LINE does not know this room"));
    }
    let channel = ChannelId::new(room.channel_id.as_str()).map_err(Problem::internal)?;
    let conversation = ConversationId::new(room.conversation_id.as_str()).map_err(Problem::internal)?;
    Ok((channel, conversation))
}

async fn tell_recorder(app: &App, tenant: &Tenant, wish: Inbound) -> Result<(), Problem> {
    let own_queue = app.tenants.queue_of_tenant::<Inbound>(&tenant.id).await?;
    app.queues.send_batch_to(own_queue.as_deref(), &[wish]).await.map_err(Problem::unavailable)
}

async fn archive(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<RoomView>, Problem> {
    let room = room(&tenant, &ids).await?;
    if version.is_some_and(|version| version != room.version) {
        return Err(Code::VersionMismatch.into());
    }
    // First: a room is not archived with a session open that nobody was told to close.
    close_open_session(&app, &tenant, &room).await?;
    set_status(&app, &tenant, &trail, room.id, version, ARCHIVED).await
}

async fn unarchive(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
) -> Result<Shown<RoomView>, Problem> {
    let room = room(&tenant, &ids).await?;
    if room.status != ACTIVE {
        has_place_for_a_room(&tenant).await?;
    }
    set_status(&app, &tenant, &trail, room.id, version, ACTIVE).await
}

async fn set_status(
    app: &App,
    tenant: &Tenant,
    trail: &Trail,
    room: ObjectId,
    version: Option<i64>,
    status: &'static str,
) -> Result<Shown<RoomView>, Problem> {
    trail.target("room", room.to_hex());
    let change = |before: &Room| {
        let update = Update::new();
        Ok(match (before.status == status, status) {
            (true, _) => update,
            (false, ARCHIVED) => update.set("status", status).stamp("archivedAt"),
            (false, _) => update.set("status", status).unset("archivedAt"),
        })
    };
    let rooms = tenant.store.collection::<Room>();
    let Changed { before, after } =
        done(rooms.patch_versioned(room, version, date(app.clock.now()), change).await?)?;
    trail.before(&Rooms::audited(&before.view));
    trail.after(&Rooms::audited(&after.view));
    Ok(Shown { version: after.version, document: after.view })
}
