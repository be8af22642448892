//! Everything a first screen needs, in one call (seed 000, `getOrganizationDetails`).

use axum::extract::State;
use bson::{Document, doc};
use matome_domain::access::{Action, Resource, Role};
use matome_store::entities::{
    Channel, ChannelStatus, Member, MemberPresence, MemberStatus, Organization, OrganizationView, Owner,
    Room, RoomType, Session,
};
use matome_store::transaction::{LookUp, decode};
use matome_store::{Id, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ONE, TAG, may};
use crate::context::App;
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem};
use crate::routes::Route;

/// Rooms, members and channels that are shown at most.
const MOST: i64 = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::get(format!("{ONE}/details"), "getOrganizationDetails", Access::Tenant(may(Action::Read)))
            .says(TAG, "Show an organization with its owner, rooms, members, channels and counts")
            .describes(
                "The hundred rooms that were active last and a hundred members; without members and owner for who may not read members. \
                 Rooms that the caller is not to know of are neither shown nor counted.",
            ),
        get,
    )]
}

/// An organization and what is around it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Details {
    /// The organization.
    organization: OrganizationView,
    /// Who pays; absent for who may not read members.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerBrief>,
    /// The rooms that were active last.
    rooms: Vec<RoomBrief>,
    /// Members, oldest first; absent for who may not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberBrief>>,
    /// Connections to LINE.
    channels: Vec<ChannelBrief>,
    /// How many there are.
    counts: Counts,
}

/// Who pays.
#[derive(Debug, Serialize, JsonSchema)]
struct OwnerBrief {
    /// Id.
    id: Id,
    /// Name.
    name: String,
    /// E-mail address.
    email: String,
}

/// A room in brief.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RoomBrief {
    /// Id.
    #[serde(alias = "_id")]
    id: Id,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Kind of place.
    room_type: RoomType,
    /// State.
    status: String,
}

/// A member in brief.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MemberBrief {
    /// Id.
    id: Id,
    /// Whose account.
    account_id: Id,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// As what.
    role: Role,
    /// State.
    status: MemberStatus,
    /// Whether they are there.
    presence: MemberPresence,
}

/// A channel in brief.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChannelBrief {
    /// Id.
    id: Id,
    /// LINE's channel id.
    channel_id: String,
    /// Display name.
    name: String,
    /// State.
    status: ChannelStatus,
}

/// How many there are. Rooms, sessions and members are counted now; what was ever said, when usage was
/// measured last.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Counts {
    /// Rooms.
    rooms: u64,
    /// Sessions that are going on.
    active_sessions: u64,
    /// Members.
    members: u64,
    /// Messages ever recorded.
    messages: i64,
    /// Sessions ever opened.
    sessions: i64,
    /// Summaries ever written.
    summaries: i64,
    /// When the latter three were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured_at: Option<Time>,
}

#[derive(Deserialize)]
struct Number {
    n: i64,
}

fn number(answer: &mut Document, name: &str) -> Result<u64, Problem> {
    let number = decode::<Number>(answer, name)?.pop().map_or(0, |number| number.n);
    Ok(u64::try_from(number).unwrap_or_default())
}

async fn get(State(app): State<App>, tenant: Tenant) -> Result<Ok200<Details>, Problem> {
    // One question to the tenant's database, four to the platform's, all at once.
    let mut rooms = tenant.visible("_id").await?;
    rooms.insert("deletedAt", bson::Bson::Null);
    let mut sessions = tenant.visible("roomId").await?;
    sessions.insert("status", "active");
    let count = || doc! { "$count": "n" };
    let look_ups = vec![
        LookUp::of::<Room>(&tenant.store, rooms.clone(), "rooms")
            .then(doc! { "$sort": { "statistics.lastActivityAt": -1, "_id": -1 } })
            .then(doc! { "$limit": MOST })
            .then(doc! { "$project": { "name": 1, "roomType": 1, "status": 1 } }),
        LookUp::of::<Room>(&tenant.store, rooms, "roomCount").then(count()),
        LookUp::of::<Session>(&tenant.store, sessions, "sessionCount").then(count()),
    ];
    let reads_members = tenant.permissions.contains(Resource::Members.to(Action::Read));
    let there = doc! { "deletedAt": bson::Bson::Null };
    let (members, channels) = (tenant.collection::<Member>(), tenant.collection::<Channel>());
    let organizations = tenant.collection::<Organization>();
    let owners = app.tenants.platform().of_platform::<Owner>();
    let (answer, organization, owner, all_members, member_count, channels) = tokio::try_join!(
        tenant.store.look_up(look_ups),
        organizations.show(tenant.organization.id, false),
        owners.get(tenant.organization.owner_id),
        members.find(there.clone(), doc! { "createdAt": 1, "_id": 1 }, MOST),
        members.count(there),
        channels.find(Document::new(), doc! { "createdAt": -1 }, MOST),
    )?;
    let mut answer = answer;
    let usage = tenant.organization.usage.as_ref();
    let totals = usage.map(|usage| usage.totals).unwrap_or_default();
    let member = |member: Member| MemberBrief {
        id: member.id,
        account_id: member.account_id,
        name: member.name,
        email: member.email,
        role: member.role,
        status: member.status,
        presence: member.presence,
    };
    let channel = |channel: Channel| ChannelBrief {
        id: channel.id.into(),
        channel_id: channel.channel_id,
        name: channel.name,
        status: channel.status,
    };
    Ok(Ok200(Details {
        organization: organization.ok_or_else(Problem::not_found)?.view,
        owner: owner.filter(|_| reads_members).map(|owner| OwnerBrief {
            id: owner.id.into(),
            name: owner.name,
            email: owner.email,
        }),
        rooms: decode(&mut answer, "rooms")?,
        members: reads_members.then(|| all_members.into_iter().map(member).collect()),
        channels: channels.into_iter().map(channel).collect(),
        counts: Counts {
            rooms: number(&mut answer, "roomCount")?,
            active_sessions: number(&mut answer, "sessionCount")?,
            members: member_count,
            messages: totals.messages,
            sessions: totals.sessions,
            summaries: totals.summaries,
            measured_at: usage.map(|usage| usage.measured_at.into()),
        },
    }))
}
