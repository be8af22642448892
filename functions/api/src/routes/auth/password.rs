//! Forgotten passwords.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::register::{Address, unsaid};
use super::{MailSent, problem, quota, rule};
use crate::context::App;
use crate::guard::Trail;
use crate::http::secret::SecretText;
use crate::http::{Accepted, Json, NoContent, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule("/auth/password/forgot", "forgotPassword", "Have a link sent to choose a new password")
                .evenly(),
            forgot,
        ),
        Route::new(
            rule("/auth/password/reset", "resetPassword", "Choose a new password by the token in the mail")
                .describes("Every session of the account is ended. A second factor stays."),
            reset,
        ),
    ]
}

async fn forgot(State(app): State<App>, Json(body): Json<Address>) -> Result<Accepted<MailSent>, Problem> {
    quota::take(&app, &body.email).await?;
    unsaid(app.accounts.forgot_password(&body.email).await)
}

/// A new password.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "token": "mot_671f0a2b9d3c4e5f6071829d_secret", "password": "correct horse battery" }))]
struct Reset {
    /// What the link has behind `#token=`.
    #[garde(length(chars, min = 1, max = 200))]
    token: SecretText,
    /// 12 to 128 characters.
    #[garde(length(chars, min = 1, max = 1024))]
    password: SecretText,
}

async fn reset(State(app): State<App>, trail: Trail, Json(body): Json<Reset>) -> Result<NoContent, Problem> {
    let begins = async |account| trail.begins_in_account(account).await;
    let reset = app.accounts.reset_password(body.token.expose(), &body.password.0, begins).await;
    let account = reset.map_err(problem)?;
    trail.account(account.into());
    Ok(NoContent)
}
