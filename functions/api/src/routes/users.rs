//! People who write in, and where they did.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::access::{Action, Resource};
use matome_store::entities::{
    Room, RoomMember, RoomMemberView, RoomView, Session, SessionView, User, UserView,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Route;
use crate::crud::{Crud, Hooks, Listing, PageOf, PathIds, Sparse, page, view, without};
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem};

/// Rooms of one person that are shown or looked through, those last heard from first.
const MAX_ROOMS: i64 = 500;

/// What says who somebody is stays out of the audit.
enum Users {}

impl Hooks<User> for Users {
    /// Not who it is: a person can be forgotten, an entry of the audit cannot.
    fn audited(view: &UserView) -> serde_json::Value {
        const PERSONAL: [&str; 8] = [
            "/displayName",
            "/pictureUrl",
            "/statusMessage",
            "/email",
            "/phoneNumber",
            "/profile",
            "/metadata/customerId",
            "/metadata/customFields",
        ];
        without(view, &PERSONAL)
    }
}

pub(super) fn routes() -> Vec<Route> {
    let one = "/organizations/{organizationId}/users/{userId}";
    let mut routes = Crud::<User, Users>::at("/users", "userId").routes();
    routes.extend([
        Route::new(
            Rule::get(
                format!("{one}/rooms"),
                "listRoomsOfUser",
                Access::Tenant(Resource::Users.to(Action::Read)),
            )
            .says("users", "List the rooms that somebody is or was in")
            .describes("At most 500, those where they were last heard from first."),
            rooms,
        ),
        Route::new(
            Rule::get(
                format!("{one}/sessions"),
                "listSessionsOfUser",
                Access::Tenant(Resource::Sessions.to(Action::Read)),
            )
            .says("users", "List the sessions that somebody spoke in")
            .describes("In the 500 rooms where they were last heard from."),
            sessions,
        ),
    ]);
    routes
}

/// The rooms of a person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(example = rooms_example())]
struct RoomsOfUser {
    /// Those where they were last heard from first.
    items: Vec<RoomOfUser>,
}

/// A person in a room.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RoomOfUser {
    /// The room.
    room: RoomView,
    /// What the person is there.
    membership: RoomMemberView,
}

fn rooms_example() -> Value {
    json!({ "items": [] })
}

async fn exists(tenant: &Tenant, ids: &PathIds) -> Result<ObjectId, Problem> {
    let user = tenant.store.collection::<User>().get_live(ids.get("userId")?).await?;
    Ok(user.ok_or_else(Problem::not_found)?.id)
}

/// The person's memberships of rooms that the caller may see.
async fn memberships(tenant: &Tenant, user: ObjectId, visible: Document) -> Result<Vec<RoomMember>, Problem> {
    let mut filter = doc! { "userId": user, "deletedAt": null };
    filter.extend(visible);
    let members = tenant.store.collection::<RoomMember>();
    Ok(members.find(filter, doc! { "lastActiveAt": -1, "_id": 1 }, MAX_ROOMS).await?)
}

async fn rooms(tenant: Tenant, ids: PathIds) -> Result<Ok200<RoomsOfUser>, Problem> {
    let user = exists(&tenant, &ids).await?;
    let hidden = &tenant.hidden_rooms().await?.rooms;
    let visible = doc! { "roomId": { "$nin": hidden } };
    let memberships = memberships(&tenant, user, visible).await?;
    let wanted: Vec<ObjectId> = memberships.iter().map(|member| member.room_id).collect();
    let live = doc! { "_id": { "$in": wanted }, "deletedAt": null };
    let rooms = tenant.store.collection::<Room>().find(live, doc! { "_id": 1 }, 0).await?;
    let mut items = Vec::with_capacity(rooms.len());
    for member in memberships {
        if let Some(room) = rooms.iter().find(|room| room.id == member.room_id) {
            items.push(RoomOfUser { room: view(room)?, membership: view(&member)? });
        }
    }
    Ok(Ok200(RoomsOfUser { items }))
}

async fn sessions(
    tenant: Tenant,
    ids: PathIds,
    mut listing: Listing<Session>,
) -> Result<Ok200<PageOf<Sparse<SessionView>>>, Problem> {
    let user = exists(&tenant, &ids).await?;
    let visible = tenant.visible("roomId").await?;
    let rooms: Vec<ObjectId> =
        memberships(&tenant, user, visible).await?.iter().map(|member| member.room_id).collect();
    let mut scope = doc! { "participants": user };
    let of_rooms = doc! { "$in": rooms };
    // Where the list can see it: it then walks along the rooms' index.
    if listing.filter.contains_key("roomId") {
        scope.insert("roomId", of_rooms);
    } else {
        listing.filter.insert("roomId", of_rooms);
    }
    page(&tenant.collection::<Session>(), listing, scope).await
}
