//! What is known of a request before anything is decided: for logs, audit and limits.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request};
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

use crate::context::App;
use crate::guard::Rule;
use crate::http::Problem;

/// See the module.
#[derive(Debug, Clone)]
pub struct Trace {
    /// API Gateway's request id, or one of ours.
    pub request_id: String,
    /// The operation's id.
    pub operation: String,
    /// Where the request came from, as API Gateway saw it. Never from a header, which anybody can write.
    pub address: Option<IpAddr>,
    /// `User-Agent`, cut to 256 characters.
    pub user_agent: Option<String>,
    /// When it came, for the time it took.
    pub started: std::time::Instant,
}

impl Trace {
    pub(crate) fn of(request: &Request, app: &App, rule: &Rule) -> Self {
        let (request_id, address) = gateway(request);
        Self {
            request_id: request_id.unwrap_or_else(|| app.random.uuid().to_string()),
            operation: rule.id.to_string(),
            address,
            user_agent: text(request.headers(), USER_AGENT),
            started: std::time::Instant::now(),
        }
    }
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().take(256).collect())
}

fn gateway(request: &Request) -> (Option<String>, Option<IpAddr>) {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            let address = context.http.source_ip.as_deref().and_then(|address| address.parse().ok());
            (context.request_id.clone(), address)
        }
        _ => (None, None),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("a route without a guard"))
    }
}

impl crate::http::documented::Takes for Trace {}
