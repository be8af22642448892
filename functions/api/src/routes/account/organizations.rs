//! Where one is a member.

use std::collections::HashMap;

use axum::extract::State;
use bson::doc;
use bson::oid::ObjectId;
use http::Method;
use matome_domain::access::{Permission, Role};
use matome_store::Id;
use matome_store::entities::{Member, MemberStatus, Organization, OrganizationStatus};
use matome_store::value::Time;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::rule;
use crate::context::App;
use crate::crud::PageOf;
use crate::guard::SignedIn;
use crate::http::{Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        rule(
            &Method::GET,
            "/account/organizations",
            "listOwnOrganizations",
            "List where one is a member, as what, and what one may there",
        )
        .describes("All of them at once, in the order of joining."),
        list,
    )]
}

/// An organization that somebody is a member of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({
    "organizationId": "671f0a2b9d3c4e5f6071829a", "name": "Bakery", "status": "active",
    "memberId": "671f0a2b9d3c4e5f6071829b", "role": "viewer", "memberStatus": "active",
    "permissions": ["rooms:read"], "joinedAt": "2026-10-01T00:00:00.000Z",
}))]
struct OwnOrganization {
    /// Goes into paths.
    organization_id: String,
    /// Its name.
    name: String,
    /// Its state.
    status: OrganizationStatus,
    /// The membership.
    member_id: Id,
    /// As what.
    role: Role,
    /// Whether one may act there at all.
    member_status: MemberStatus,
    /// What one may; none unless the membership is active.
    permissions: Vec<Permission>,
    /// Since when.
    joined_at: Time,
}

async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
) -> Result<Ok200<PageOf<OwnOrganization>>, Problem> {
    let platform = app.tenants.platform();
    let members = platform.memberships(signed_in.account.id).await?;
    let ids: Vec<ObjectId> =
        members.iter().filter_map(|member| ObjectId::parse_str(&member.tenant_id).ok()).collect();
    let found = platform.of_platform::<Organization>();
    let found = found.find(doc! { "_id": { "$in": ids } }, doc! {}, 0).await?;
    let mut organizations: HashMap<String, Organization> =
        found.into_iter().map(|organization| (organization.id.to_hex(), organization)).collect();
    let own = |member: Member| {
        let organization = organizations.remove(&member.tenant_id)?;
        let gone = organization.status == OrganizationStatus::Offboarded;
        (!gone).then(|| OwnOrganization {
            permissions: member.rights().iter().collect(),
            organization_id: member.tenant_id,
            name: organization.name,
            status: organization.status,
            member_id: member.id,
            role: member.role,
            member_status: member.status,
            joined_at: member.joined_at,
        })
    };
    Ok(Ok200(PageOf { items: members.into_iter().filter_map(own).collect(), next_cursor: None }))
}
