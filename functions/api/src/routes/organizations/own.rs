//! An organization, shown and changed by its own people.

use axum::extract::State;
use bson::oid::ObjectId;
use matome_domain::access::Action;
use matome_store::entities::{Organization, OrganizationPatch, OrganizationView};
use matome_store::exposed::Changes;
use matome_store::time::date;

use super::{ONE, TAG, may};
use crate::context::App;
use crate::crud::done;
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::{IfMatch, Json, Problem, Shown};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Rule::get(ONE, "getOrganization", Access::Tenant(may(Action::Read)))
                .says(TAG, "Show one organization"),
            get,
        ),
        Route::new(
            Rule::patch(ONE, "updateOrganization", Access::Tenant(may(Action::Update)))
                .says(TAG, "Change an organization")
                .describes(
                    "A JSON merge patch (RFC 7396): what is absent stays, `null` removes. The functions that work for the \
                     organization heed new settings within a minute.",
                ),
            patch,
        ),
    ]
}

fn id(tenant: &Tenant) -> ObjectId {
    tenant.organization.id
}

async fn get(tenant: Tenant) -> Result<Shown<OrganizationView>, Problem> {
    let found = tenant.collection::<Organization>().show(id(&tenant), false).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Shown { version: found.version, document: found.view })
}

async fn patch(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<OrganizationPatch>,
) -> Result<Shown<OrganizationView>, Problem> {
    if let Some(days) = body.audit_retention_days.value() {
        let most = tenant.platform.terms(tenant.organization.tier).await?.audit_retention_days;
        // What was agreed on besides the plan stays agreed on.
        if *days > most.max(tenant.organization.audit_retention_days) {
            return Err(Problem::field("auditRetentionDays", format!("the plan has {most} days")));
        }
    }
    trail.target("organization", id(&tenant).to_hex());
    let organizations = tenant.collection::<Organization>();
    let now = date(app.clock.now());
    let changed = organizations.patch_versioned(id(&tenant), version, now, |before| body.update(before));
    let changed = done(changed.await?)?;
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}
