//! The limits that who runs the platform agreed on with an organization, whatever its plan's are.

use axum::extract::State;
use garde::Validate;
use matome_domain::access::Action;
use matome_domain::limits::{Limits, MOST, MOST_GIGABYTES};
use matome_store::entities::{Organization, OrganizationView};
use matome_store::exposed::Update;
use matome_store::time::date;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{ONE, TAG, may};
use crate::context::App;
use crate::crud::done;
use crate::guard::{Access, Rule, Tenant, Trail};
use crate::http::{IfMatch, Json, Problem, Shown};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    // Making organizations is a permission that only who runs the platform has.
    let rule = Rule::put(format!("{ONE}/limits"), "setLimits", Access::Tenant(may(Action::Create)));
    let rule = rule.says(TAG, "Set the limits agreed on with an organization").describes(
        "All of them: one that is left out is no limit. They hold until the organization gets another tier, or its trial \
         ends or is paid for.",
    );
    vec![Route::new(rule.in_any_state(), set)]
}

/// As `organization.limits`; what is left out is no limit.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "maxRooms": 2000, "maxMessagesPerMonth": 300_000, "maxStorageGB": 50.0 }))]
struct Agreed {
    /// Rooms in use.
    #[garde(range(max = MOST))]
    max_rooms: Option<u64>,
    /// Members of any one room.
    #[garde(range(max = MOST))]
    max_members_per_room: Option<u64>,
    /// Messages recorded in a month.
    #[garde(range(max = MOST))]
    max_messages_per_month: Option<u64>,
    /// Gigabytes of media.
    #[garde(range(min = 0.0, max = MOST_GIGABYTES))]
    #[serde(rename = "maxStorageGB")]
    max_storage_gb: Option<f64>,
    /// Active agents.
    #[garde(range(max = MOST))]
    max_agents: Option<u64>,
    /// Calls of the API in a month.
    #[garde(range(max = MOST))]
    api_calls_per_month: Option<u64>,
}

impl From<Agreed> for Limits {
    fn from(agreed: Agreed) -> Self {
        Self {
            max_rooms: agreed.max_rooms,
            max_members_per_room: agreed.max_members_per_room,
            max_messages_per_month: agreed.max_messages_per_month,
            max_storage_gb: agreed.max_storage_gb,
            max_agents: agreed.max_agents,
            api_calls_per_month: agreed.api_calls_per_month,
        }
    }
}

async fn set(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<Agreed>,
) -> Result<Shown<OrganizationView>, Problem> {
    let (id, limits) = (tenant.organization.id, Limits::from(body));
    trail.target("organization", id.to_hex());
    let organizations = tenant.collection::<Organization>();
    let now = date(app.clock.now());
    let update = |_: &Organization| Ok(Update::new().set("limits", &limits));
    let changed = done(organizations.patch_versioned(id, version, now, update).await?)?;
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}
