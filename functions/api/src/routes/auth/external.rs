//! Logging in by who one is elsewhere: at LINE, or at an OpenID provider of the deployment.

use axum::extract::State;
use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::answers::LoginAnswer;
use super::login::done;
use super::{origin, problem, rule};
use crate::auth::line_login;
use crate::context::App;
use crate::crud::PathIds;
use crate::guard::{Trace, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    let text = "An ID token is taken once, whatever comes of it: for another try another one is needed. Its nonce must \
                be the one that is sent beside it; of LINE both may have none (LIFF has no nonce). The account is the \
                one that the identity is linked with; where none is, the one whose verified address the issuer has \
                verified too.";
    vec![
        Route::new(
            rule("/auth/line", "logInWithLine", "Log in with an ID token of LINE Login").describes(text),
            line,
        ),
        Route::new(
            rule(
                "/auth/oidc/{provider}",
                "logInWithProvider",
                "Log in with an ID token of an OpenID provider",
            )
            .describes(text),
            oidc,
        ),
    ]
}

/// An ID token.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "idToken": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl", "nonce": "n-0S6_WzA2Mj" }))]
struct External {
    /// As the provider gave it.
    #[garde(length(chars, min = 1, max = 16_384))]
    id_token: SecretText,
    /// What was made up for this log-in; needed but for LINE.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default)]
    nonce: Option<String>,
    /// What an app calls the device it runs on, the same each time.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default)]
    device: Option<String>,
}

async fn line(
    State(app): State<App>,
    trace: Trace,
    trail: Trail,
    Json(body): Json<External>,
) -> Result<Ok200<LoginAnswer>, Problem> {
    log_in(&app, &trace, &trail, line_login::PROVIDER, body).await
}

async fn oidc(
    State(app): State<App>,
    ids: PathIds,
    trace: Trace,
    trail: Trail,
    Json(body): Json<External>,
) -> Result<Ok200<LoginAnswer>, Problem> {
    let provider = ids.text("provider")?;
    if provider == line_login::PROVIDER {
        return Err(Problem::not_found());
    }
    log_in(&app, &trace, &trail, provider, body).await
}

async fn log_in(
    app: &App,
    trace: &Trace,
    trail: &Trail,
    provider: &str,
    body: External,
) -> Result<Ok200<LoginAnswer>, Problem> {
    let External { id_token, nonce, device } = body;
    let identity = app.accounts.take_id_token(provider, id_token.expose(), nonce.as_deref()).await;
    let identity = identity.map_err(problem)?;
    let begins = async |account| trail.begins_in_account(account).await;
    match app.accounts.log_in_by_identity(&identity, &origin(trace, device), begins).await {
        Ok(login) => Ok(done(app, trail, login)),
        Err(error) => {
            let platform = app.tenants.platform();
            if let Some(account) = platform.account_by_identity(&identity.issuer, &identity.subject).await? {
                trail.account(account.id.into());
            }
            Err(problem(error))
        }
    }
}
