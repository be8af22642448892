//! What who runs the platform has done to an organization; each is an operation of the provisioner's.

use axum::extract::State;
use garde::Validate;
use matome_domain::access::Action;
use matome_domain::tier::Tier;
use matome_store::entities::OperationView;
use matome_tenancy::operations::{ChangeTier, Offboard, Resume, Suspend};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{ONE, TAG, may};
use crate::context::App;
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::{Accepted, Json, Problem};
use crate::routes::Route;
use crate::routes::operations::ask;

pub(super) fn routes() -> Vec<Route> {
    // Making organizations is a permission that only who runs the platform has. Under the tenant, so that the
    // tenant's own audit trail says what was done to it; and whatever state it is in.
    let rule = |path: &str, id: &'static str, summary: &'static str| {
        Rule::post(format!("{ONE}/{path}"), id, Access::Tenant(may(Action::Create)))
            .says(TAG, summary)
            .in_any_state()
    };
    vec![
        Route::new(
            rule("suspension", "suspendOrganization", "Stop serving an organization")
                .describes("What its customers write is kept."),
            suspend,
        ),
        Route::new(rule("resumption", "resumeOrganization", "Serve an organization again"), resume),
        Route::new(
            rule("offboarding", "offboardOrganization", "End an organization")
                .describes("A last backup, days of grace in which the operation can be aborted, then erasure everywhere."),
            offboard,
        ),
        Route::new(
            rule("tier", "changeTier", "Change the tier of an organization")
                .describes("Its limits, and the placement that goes with it; it is served while it is moved."),
            change_tier,
        ),
    ]
}

/// Why it is not served.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "reason": "unpaid" }))]
struct Suspension {
    /// For people; shown in its status.
    #[garde(length(chars, min = 1, max = 500))]
    reason: String,
}

/// Why it ends.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "reason": "cancelled by the owner", "graceDays": 30 }))]
struct Offboarding {
    /// For people; shown in its status and in the certificate.
    #[garde(length(chars, min = 1, max = 500))]
    reason: String,
    /// For so many days it can be taken back.
    #[garde(range(max = 365))]
    #[serde(default = "grace_days")]
    grace_days: u32,
}

fn grace_days() -> u32 {
    30
}

/// Another tier.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "tier": "pro" }))]
struct NewTier {
    /// The new one.
    #[garde(skip)]
    tier: Tier,
}

async fn suspend(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    Json(body): Json<Suspension>,
) -> Result<Accepted<OperationView>, Problem> {
    let request = Suspend { reason: body.reason };
    Ok(Accepted(ask(&app, &tenant.id, &request, &tenant.caller, &trail).await?))
}

async fn resume(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
) -> Result<Accepted<OperationView>, Problem> {
    Ok(Accepted(ask(&app, &tenant.id, &Resume {}, &tenant.caller, &trail).await?))
}

async fn offboard(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    Json(body): Json<Offboarding>,
) -> Result<Accepted<OperationView>, Problem> {
    let request = Offboard { reason: body.reason, grace_days: body.grace_days };
    Ok(Accepted(ask(&app, &tenant.id, &request, &tenant.caller, &trail).await?))
}

async fn change_tier(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    Json(body): Json<NewTier>,
) -> Result<Accepted<OperationView>, Problem> {
    let request = ChangeTier { tier: body.tier };
    Ok(Accepted(ask(&app, &tenant.id, &request, &tenant.caller, &trail).await?))
}
