//! Coming into an organization.

use axum::extract::State;
use garde::Validate;
use matome_domain::access::Role;
use matome_domain::ids::TenantId;
use matome_domain::language::Language;
use matome_store::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{problem, rule};
use crate::auth::accounts::Newcomer;
use crate::context::App;
use crate::guard::{Caller, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        rule("/auth/invitations/accept", "acceptInvitation", "Become a member by the token in the mail")
            .describes(
                "For the account that has the address the invitation was sent to; whoever is signed in must be it. Where \
                 there is none yet, `name` and `password` make one, whose address is verified by that.",
            ),
        accept,
    )]
}

/// An invitation's token, and who it is.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({
    "token": "mot_671f0a2b9d3c4e5f6071829d_secret", "name": "Aiko Example", "password": "correct horse battery",
}))]
struct Accept {
    /// What the link has behind `#token=`.
    #[garde(length(chars, min = 1, max = 200))]
    token: SecretText,
    /// Full name, for who has no account yet.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default)]
    name: Option<String>,
    /// 12 to 128 characters, for who has no account yet.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Option<SecretText>,
    /// To be addressed in.
    #[garde(skip)]
    #[serde(default)]
    language: Language,
}

/// A membership.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({
    "organizationId": "671f0a2b9d3c4e5f6071829a", "memberId": "671f0a2b9d3c4e5f6071829b", "role": "agent",
}))]
struct Membership {
    /// The organization.
    organization_id: String,
    /// The member in it.
    member_id: Id,
    /// As what.
    role: Role,
}

async fn accept(
    State(app): State<App>,
    caller: Caller,
    trail: Trail,
    Json(body): Json<Accept>,
) -> Result<Ok200<Membership>, Problem> {
    let signed_in = match &caller {
        Caller::Account(signed_in) => Some(&*signed_in.account),
        Caller::Nobody | Caller::Key(_) => None,
    };
    let newcomer = match (&body.name, &body.password) {
        (Some(name), Some(password)) => {
            Some(Newcomer { name, password: &password.0, language: body.language })
        }
        _ => None,
    };
    let begins = async |tenant: &TenantId| trail.begins_in_tenant(tenant).await;
    let joined = app.accounts.accept_invitation(body.token.expose(), signed_in, newcomer.as_ref(), begins);
    let joined = joined.await.map_err(problem)?;
    let member = joined.staffed.after.view.id;
    trail.account(joined.account.into());
    trail.target("member", member);
    if let Some(before) = &joined.staffed.before {
        trail.before(&before.view);
    }
    trail.after(&joined.staffed.after.view);
    let organization_id = joined.tenant.to_string();
    Ok(Ok200(Membership { organization_id, member_id: member, role: joined.role }))
}
