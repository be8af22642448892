//! Staying logged in, and logging out.

use axum::extract::State;
use garde::Validate;
use matome_domain::rate::Class;
use matome_store::entities::RevokedBecause;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::answers::TokensView;
use super::{TAG, origin, problem, rule};
use crate::auth::AuthError;
use crate::context::App;
use crate::guard::{Access, Rule, SignedIn, Trace, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, NoContent, Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule("/auth/refresh", "refreshTokens", "Exchange a refresh token for the next tokens")
                .describes(
                    "A refresh token is good once. Shown again within ten seconds it is answered with 409: another request \
                     of the same client was faster. Later, it ends the session: somebody has a copy.",
                )
                // 256 random bits are not guessed, and an office renews many from one address.
                .counts_as(Class::Read),
            refresh,
        ),
        Route::new(
            Rule::post("/auth/logout", "logOut", Access::Account)
                .says(TAG, "End the session that the access token is of")
                .describes("Neither the access token nor the refresh token are good any more, at once."),
            log_out,
        ),
    ]
}

/// A refresh token.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "refreshToken": "mrt_671f0a2b9d3c4e5f6071829c_secret" }))]
struct Refresh {
    /// The latest one.
    #[garde(length(chars, min = 1, max = 200))]
    refresh_token: SecretText,
}

async fn refresh(
    State(app): State<App>,
    trace: Trace,
    trail: Trail,
    Json(body): Json<Refresh>,
) -> Result<Ok200<TokensView>, Problem> {
    match app.accounts.refresh(body.refresh_token.expose(), &origin(&trace, None)).await {
        // Not a matter for the trail: it happens every ten minutes.
        Ok(tokens) => Ok(Ok200(TokensView::of(&app, tokens))),
        Err(error) => {
            if let AuthError::RefreshReused(account) = &error {
                trail.account((*account).into());
            }
            Err(problem(error))
        }
    }
}

async fn log_out(State(app): State<App>, trail: Trail, signed_in: SignedIn) -> Result<NoContent, Problem> {
    let (account, session) = (signed_in.account.id, signed_in.session.id);
    trail.target("loginSession", session);
    app.accounts.revoke_session(account, session, RevokedBecause::LoggedOut).await?;
    Ok(NoContent)
}
