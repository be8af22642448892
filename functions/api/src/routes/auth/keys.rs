//! The public keys of access tokens.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use schemars::SchemaGenerator;

use super::TAG;
use crate::auth::jwks::Jwks;
use crate::context::App;
use crate::guard::{Access, Rule};
use crate::http::documented::{Gives, Operation};
use crate::http::{Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::get("/.well-known/jwks.json", "getKeys", Access::Public)
            .says(TAG, "The public keys of access tokens (RFC 7517)")
            .describes("The key in use and the next one. They may be kept for five minutes."),
        keys,
    )]
}

/// Keys, and for how long they may be kept: as long as our own processes keep them.
struct Keys(Jwks);

impl IntoResponse for Keys {
    fn into_response(self) -> Response {
        ([(CACHE_CONTROL, "public, max-age=300")], Ok200(self.0)).into_response()
    }
}

impl Gives for Keys {
    fn document(schemas: &mut SchemaGenerator, operation: &mut Operation) {
        <Ok200<Jwks> as Gives>::document(schemas, operation);
    }
}

async fn keys(State(app): State<App>) -> Result<Keys, Problem> {
    Ok(Keys(app.accounts.jwks().await.map_err(Problem::unavailable)?))
}
