//! Who pays, for who runs the platform; and what can be bought.

use axum::extract::State;
use bson::doc;
use http::Uri;
use matome_domain::access::{Action, Resource};
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use matome_store::entities::{NewOwner, Organization, OrganizationView, Owner, OwnerPatch, OwnerView, Plan};
use matome_store::exposed::{Changes, New, NewContext};
use matome_store::time::date;
use schemars::JsonSchema;
use serde::Serialize;

use super::Route;
use crate::context::App;
use crate::crud::{Listing, PageOf, PathIds, Sparse, done, page};
use crate::guard::{Access, Caller, Rule, Trail};
use crate::http::{Created, IfMatch, Json, Ok200, Problem, Shown};

const TAG: &str = "owners";
const ALL: &str = "/owners";
const ONE: &str = "/owners/{ownerId}";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Platform(Resource::Owners.to(action));
    vec![
        Route::new(Rule::get(ALL, "listOwners", may(Action::Read)).says(TAG, "List owners"), list),
        Route::new(Rule::get(ONE, "getOwner", may(Action::Read)).says(TAG, "Show one owner"), get),
        Route::new(
            Rule::post(ALL, "createOwner", may(Action::Create))
                .says(TAG, "Make an owner")
                .describes("On the free plan; from then on its plan is the highest tier among its organizations. One for each e-mail address (409)."),
            create,
        ),
        Route::new(
            Rule::patch(ONE, "updateOwner", may(Action::Update))
                .says(TAG, "Change an owner")
                .describes("A JSON merge patch (RFC 7396): what is absent stays, `null` removes."),
            patch,
        ),
        Route::new(
            Rule::get(format!("{ONE}/organizations"), "listOrganizationsOfOwner", may(Action::Read))
                .says(TAG, "List the organizations that an owner pays for"),
            organizations,
        ),
        Route::new(
            Rule::get("/plans", "listPlans", Access::Account)
                .says("plans", "List what can be bought")
                .describes("What each tier brings now. An organization keeps the limits it was given."),
            plans,
        ),
    ]
}

async fn list(
    State(app): State<App>,
    listing: Listing<Owner>,
) -> Result<Ok200<PageOf<Sparse<OwnerView>>>, Problem> {
    page(&app.tenants.platform().of_platform(), listing, doc! {}).await
}

async fn get(State(app): State<App>, ids: PathIds) -> Result<Shown<OwnerView>, Problem> {
    let owners = app.tenants.platform().of_platform::<Owner>();
    let found = owners.show(ids.get("ownerId")?, false).await?.ok_or_else(Problem::not_found)?;
    Ok(Shown { version: found.version, document: found.view })
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    trail: Trail,
    uri: Uri,
    Json(body): Json<NewOwner>,
) -> Result<Created<OwnerView>, Problem> {
    let platform = app.tenants.platform();
    let new = NewContext { id: app.new_id(), tenant: None, by: caller.id(), now: date(app.clock.now()) };
    let owner: Owner = body.build(&new)?;
    // The plan as it is in force, not as a new platform begins.
    let owner = Owner { limits: platform.terms(owner.plan).await?.owner_limits, ..owner };
    let id = new.id.to_hex();
    trail.target("owner", &id);
    let made = platform.of_platform::<Owner>().create(&owner).await?;
    trail.after(&made.view);
    Ok(Created { location: format!("{}/{id}", uri.path()), version: made.version, document: made.view })
}

async fn patch(
    State(app): State<App>,
    ids: PathIds,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<OwnerPatch>,
) -> Result<Shown<OwnerView>, Problem> {
    let id = ids.get("ownerId")?;
    trail.target("owner", id.to_hex());
    let owners = app.tenants.platform().of_platform::<Owner>();
    let changed = owners.patch_versioned(id, version, date(app.clock.now()), |before| body.update(before));
    let changed = done(changed.await?)?;
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}

async fn organizations(
    State(app): State<App>,
    ids: PathIds,
    mut listing: Listing<Organization>,
) -> Result<Ok200<PageOf<Sparse<OrganizationView>>>, Problem> {
    let owner = ids.get("ownerId")?;
    let platform = app.tenants.platform();
    if platform.of_platform::<Owner>().get(owner).await?.is_none() {
        return Err(Problem::not_found());
    }
    // Beside the other filters, so that the list is found by its index.
    if listing.filter.insert("ownerId", owner).is_some_and(|asked| asked != owner.into()) {
        return Err(Problem::parameter("ownerId", "is in the path"));
    }
    page(&platform.of_platform(), listing, doc! {}).await
}

/// What can be bought.
#[derive(Debug, Serialize, JsonSchema)]
struct Plans {
    /// The lowest first.
    items: Vec<PlanView>,
}

/// A plan.
#[derive(Debug, Serialize, JsonSchema)]
struct PlanView {
    /// The tier.
    id: Tier,
    /// What it is called to customers.
    name: String,
    /// What it brings and costs.
    terms: Terms,
}

async fn plans(State(app): State<App>) -> Result<Ok200<Plans>, Problem> {
    let found = app.tenants.platform().of_platform::<Plan>().find(doc! {}, doc! {}, 0).await?;
    let now = date(app.clock.now());
    // One that nobody has written yet is as a new platform has it.
    let plan = |tier: &Tier| {
        let written = found.iter().find(|plan| plan.id == *tier);
        let plan = written.cloned().unwrap_or_else(|| Plan::initial(*tier, now));
        PlanView { id: plan.id, name: plan.name, terms: plan.terms }
    };
    Ok(Ok200(Plans { items: Tier::ALL.iter().map(plan).collect() }))
}
