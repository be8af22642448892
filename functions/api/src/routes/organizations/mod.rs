//! Organizations: the tenants themselves.

mod create;
mod details;
mod life;
mod limits;
mod own;
mod usage;

use axum::extract::State;
use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::access::{Action, Permission, Resource};
use matome_store::entities::{Organization, OrganizationView};

use super::Route;
use crate::context::App;
use crate::crud::{Listing, PageOf, Sparse, page};
use crate::guard::{Access, Rule, SignedIn};
use crate::http::{Ok200, Problem};

const TAG: &str = "organizations";
const ONE: &str = "/organizations/{organizationId}";

pub(super) fn routes() -> Vec<Route> {
    let list = Route::new(
        Rule::get("/organizations", "listOrganizations", Access::Account)
            .says(TAG, "List the organizations that one is a member of")
            .describes("All of them, for who runs the platform."),
        list,
    );
    let all = [
        vec![list],
        create::routes(),
        own::routes(),
        details::routes(),
        life::routes(),
        limits::routes(),
        usage::routes(),
    ];
    all.into_iter().flatten().collect()
}

fn may(action: Action) -> Permission {
    Resource::Organizations.to(action)
}

async fn list(
    State(app): State<App>,
    caller: SignedIn,
    mut listing: Listing<Organization>,
) -> Result<Ok200<PageOf<Sparse<OrganizationView>>>, Problem> {
    let platform = app.tenants.platform();
    if caller.is_super_admin() {
        return page(&platform.of_platform(), listing, Document::new()).await;
    }
    let memberships = platform.memberships(caller.account.id).await?;
    let own = memberships.iter().filter(|member| member.is_active());
    let own: Vec<ObjectId> = own.filter_map(|member| ObjectId::parse_str(&member.tenant_id).ok()).collect();
    let own = doc! { "$in": own };
    // Few, found by their ids: said beside the other filters, so that the list knows it.
    if !listing.filter.contains_key("_id") {
        listing.filter.insert("_id", own.clone());
    }
    let scope = doc! { "_id": own, "status": { "$ne": "offboarded" } };
    page(&platform.of_platform(), listing, scope).await
}
