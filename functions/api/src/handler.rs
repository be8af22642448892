//! One request of API Gateway through the routes.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use lambda_http::request::LambdaRequest;
use lambda_http::{Request, RequestExt};
use serde::Serialize;
use tower::ServiceExt;

use crate::context::Api;

/// Answers one request. Never fails as an invocation: every outcome has a status.
///
/// # Errors
/// None.
pub async fn handle(event: LambdaRequest, api: &Api) -> Result<Answer, Infallible> {
    let request: Request = event.into();
    let path = request.raw_http_path().to_owned();
    let (mut parts, body) = request.into_parts();
    // API Gateway's own path: lambda_http makes a whole URL of host and stage.
    if let Ok(uri) = with_path(&path, parts.uri.query()).parse() {
        parts.uri = uri;
    }
    let body = match body {
        lambda_http::Body::Empty => Body::empty(),
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        // What lambda_http may know one day.
        _ => Body::empty(),
    };
    let response = api.router.clone().oneshot(http::Request::from_parts(parts, body)).await;
    let response = response.unwrap_or_else(|never| match never {});
    Ok(Answer::of(response).await)
}

fn with_path(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// API Gateway's form of an answer (payload format 2.0).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Status.
    pub status_code: u16,
    /// Headers; the format has one line for each name.
    pub headers: std::collections::BTreeMap<String, String>,
    /// Body; text, all of it.
    pub body: String,
    /// Never: all answers are text.
    pub is_base64_encoded: bool,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let mut headers = std::collections::BTreeMap::<String, String>::new();
        for (name, value) in &parts.headers {
            let value = value.to_str().unwrap_or_default();
            headers
                .entry(name.to_string())
                .and_modify(|line| {
                    line.push_str(", ");
                    line.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        // Made in memory by us: cannot fail, and is UTF-8.
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        Self {
            status_code: parts.status.as_u16(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            is_base64_encoded: false,
        }
    }
}
