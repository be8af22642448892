//! Organizations: the tenants themselves.

mod create;
mod details;
mod life;
mod limits;
mod own;
mod usage;

use axum::extract::State;
use bson::Document;
use matome_domain::access::{Action, Permission, Resource};
use matome_store::entities::{Organization, OrganizationView};

use super::Route;
use crate::context::App;
use crate::crud::{Listing, PageOf, Sparse, page};
use crate::guard::{Access, Rule};
use crate::http::{Ok200, Problem};

const TAG: &str = "organizations";
const ONE: &str = "/organizations/{organizationId}";

pub(super) fn routes() -> Vec<Route> {
    let list = Route::new(
        // What one is a member of is `/account/organizations`: what more there is to see of an organization depends on
        // its policy, its IP rules and the role in it, which are asked where it is in the path.
        Rule::get("/organizations", "listOrganizations", Access::Platform(may(Action::Create)))
            .says(TAG, "List all organizations")
            .describes("For who runs the platform; one's own are under `/v1/account/organizations`."),
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
    listing: Listing<Organization>,
) -> Result<Ok200<PageOf<Sparse<OrganizationView>>>, Problem> {
    page(&app.tenants.platform().of_platform(), listing, Document::new()).await
}
