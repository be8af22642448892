//! One's own password.

use axum::extract::State;
use garde::Validate;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::trying;
use crate::context::App;
use crate::guard::{SignedIn, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, NoContent, Problem};
use crate::routes::Route;
use crate::routes::auth::field_problem;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        trying(&Method::POST, "/account/password", "changePassword", "Change one's own password").describes(
            "Ends every other session. Whoever has none yet (logs in elsewhere) gets one by `/v1/auth/password/forgot`.",
        ),
        change,
    )]
}

/// The old one and the new one.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({
    "currentPassword": "correct horse battery", "newPassword": "staple of another battery",
}))]
struct ChangePassword {
    /// The one in force.
    #[garde(length(chars, min = 1, max = 1024))]
    current_password: SecretText,
    /// 12 to 128 characters; not what many use, and not the address's name.
    #[garde(length(chars, min = 1, max = 1024))]
    new_password: SecretText,
}

async fn change(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    Json(body): Json<ChangePassword>,
) -> Result<NoContent, Problem> {
    let (account, session) = (signed_in.account.id, Some(signed_in.session.id));
    trail.target("account", account);
    let changed =
        app.accounts.change_password(account, session, &body.current_password.0, &body.new_password.0);
    changed.await.map_err(|error| field_problem(error, "newPassword"))?;
    Ok(NoContent)
}
