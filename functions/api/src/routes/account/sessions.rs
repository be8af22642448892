//! Where one is logged in.

use axum::extract::State;
use bson::doc;
use http::Method;
use matome_store::entities::{LoginSession, LoginSessionView, RevokedBecause};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::rule;
use crate::context::App;
use crate::crud::{Listing, PageOf, PathIds, Sparse, page};
use crate::guard::{SignedIn, Trail};
use crate::http::{NoContent, Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule(&Method::GET, "/account/sessions", "listOwnSessions", "List where one is logged in")
                .describes("Those that hold. The one that asks is that of the access token's `sid`."),
            list,
        ),
        Route::new(
            rule(&Method::DELETE, "/account/sessions", "endOtherSessions", "Log out everywhere but here"),
            end_others,
        ),
        Route::new(
            rule(&Method::DELETE, "/account/sessions/{sessionId}", "endOwnSession", "Log out somewhere"),
            end,
        ),
    ]
}

async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    mut listing: Listing<LoginSession>,
) -> Result<Ok200<PageOf<Sparse<LoginSessionView>>>, Problem> {
    listing.filter.insert("accountId", signed_in.id());
    let live = doc! { "revokedAt": null, "expiresAt": { "$gt": app.now() } };
    page(&app.tenants.platform().of_platform(), listing, live).await
}

/// How many were ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({ "ended": 2 }))]
pub(in crate::routes) struct SessionsEnded {
    /// Sessions that held until then.
    pub(in crate::routes) ended: u64,
}

async fn end_others(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
) -> Result<Ok200<SessionsEnded>, Problem> {
    let (account, session) = (signed_in.account.id, Some(signed_in.session.id));
    trail.target("account", account);
    let ended = app.accounts.revoke_sessions(account, session, RevokedBecause::Revoked).await?;
    Ok(Ok200(SessionsEnded { ended }))
}

async fn end(
    State(app): State<App>,
    signed_in: SignedIn,
    ids: PathIds,
    trail: Trail,
) -> Result<NoContent, Problem> {
    let session = ids.last()?.into();
    trail.target("loginSession", session);
    let because = RevokedBecause::Revoked;
    if app.accounts.revoke_session(signed_in.account.id, session, because).await? {
        Ok(NoContent)
    } else {
        Err(Problem::not_found())
    }
}
