//! Who one is elsewhere.

use axum::extract::State;
use garde::Validate;
use http::Method;
use matome_store::entities::{Account, Identity};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{rule, trying};
use crate::context::App;
use crate::crud::{PageOf, PathIds};
use crate::guard::{SignedIn, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, NoContent, Ok200, Problem};
use crate::routes::Route;
use crate::routes::auth::problem;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule(
                &Method::GET,
                "/account/identities",
                "listOwnIdentities",
                "List what one can log in with elsewhere",
            ),
            list,
        ),
        Route::new(
            trying(
                &Method::POST,
                "/account/identities",
                "linkIdentity",
                "Link who one is at LINE or at an OpenID provider",
            )
            .describes("Against the password, where there is one. What is linked already stays so. An ID token is taken once."),
            link,
        ),
        Route::new(
            rule(&Method::DELETE, "/account/identities/{provider}", "unlinkIdentity", "Take a link away")
                .describes("The last way to log in stays: 409."),
            unlink,
        ),
    ]
}

async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Ok200<PageOf<Identity>>, Problem> {
    identities(&app, &signed_in).await
}

async fn identities(app: &App, signed_in: &SignedIn) -> Result<Ok200<PageOf<Identity>>, Problem> {
    let accounts = app.tenants.platform().of_platform::<Account>();
    let account = accounts.get(signed_in.id()).await?.ok_or_else(Problem::not_found)?;
    Ok(Ok200(PageOf { items: account.identities, next_cursor: None }))
}

/// A fresh proof of who one is elsewhere.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({
    "provider": "line", "idToken": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl", "nonce": "n-0S6_WzA2Mj",
    "password": "correct horse battery",
}))]
struct Link {
    /// `line`, or the name of an OpenID provider.
    #[garde(length(chars, min = 1, max = 40))]
    provider: String,
    /// As the provider gave it.
    #[garde(length(chars, min = 1, max = 16_384))]
    id_token: SecretText,
    /// What was made up for this; needed but for LINE.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default)]
    nonce: Option<String>,
    /// The password, of an account that has one.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Option<SecretText>,
}

async fn link(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    Json(body): Json<Link>,
) -> Result<Ok200<PageOf<Identity>>, Problem> {
    trail.target("account", signed_in.account.id);
    // Whoever has nothing but an access token gets no way in that outlives it.
    let password = body.password.as_ref().map(|password| &password.0);
    app.accounts.confirm_password(signed_in.account.id, password).await.map_err(problem)?;
    let (id_token, nonce) = (body.id_token.expose(), body.nonce.as_deref());
    let identity = app.accounts.take_id_token(&body.provider, id_token, nonce).await.map_err(problem)?;
    app.accounts.link_identity(signed_in.account.id, &identity).await.map_err(problem)?;
    identities(&app, &signed_in).await
}

async fn unlink(
    State(app): State<App>,
    signed_in: SignedIn,
    ids: PathIds,
    trail: Trail,
) -> Result<NoContent, Problem> {
    trail.target("account", signed_in.account.id);
    let provider = ids.text("provider")?;
    if app.accounts.unlink_identity(signed_in.account.id, provider).await.map_err(problem)? {
        Ok(NoContent)
    } else {
        Err(Problem::not_found())
    }
}
