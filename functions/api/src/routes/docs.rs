//! The API's description of itself.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use schemars::SchemaGenerator;
use serde_json::json;

use super::Route;
use crate::guard::{Access, Rule};
use crate::http::documented::{Gives, Operation};
use crate::openapi;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Rule::get("/openapi.json", "getOpenApi", Access::Public).says("documentation", "This file"),
            file,
        ),
        Route::new(
            Rule::get("/docs", "getDocs", Access::Public)
                .says("documentation", "The same to be read by people"),
            page,
        ),
    ]
}

/// Text of a media type that does not change while the function runs.
struct Static {
    media_type: &'static str,
    policy: &'static str,
    text: &'static str,
}

impl IntoResponse for Static {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.media_type),
            (CACHE_CONTROL, "public, max-age=300"),
            (CONTENT_SECURITY_POLICY, self.policy),
        ];
        (headers, self.text).into_response()
    }
}

impl Gives for Static {
    fn document(_: &mut SchemaGenerator, operation: &mut Operation) {
        operation.responses.insert(200, json!({ "description": "The text." }));
    }
}

async fn file() -> Static {
    Static { media_type: "application/json", policy: "default-src 'none'", text: openapi::COMMITTED }
}

async fn page() -> Static {
    Static {
        media_type: "text/html; charset=utf-8",
        policy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
        text: include_str!("docs.html"),
    }
}
