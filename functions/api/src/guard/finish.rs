//! The last word on every answer: the request id, the log line, the headers that every answer has.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

use crate::context::App;
use crate::guard::cors::{self, Allowed};
use crate::guard::{Access, Rule, Trace};
use crate::http::problem::{Code, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An API answers no browser's navigation: nothing of it is to be framed, sniffed, cached or run.
const SECURITY: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
];

pub(crate) fn finish(
    rule: &Rule,
    trace: &Trace,
    origin: Option<&Allowed>,
    mut response: Response,
) -> Response {
    let problem = response.extensions_mut().remove::<Arc<Problem>>();
    if let Some(problem) = &problem {
        // With the request id, which only the guard knows.
        let (parts, _) = std::mem::take(&mut response).into_parts();
        response = problem.response(Some(&trace.request_id));
        for (name, value) in &parts.headers {
            if !response.headers().contains_key(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    log(rule, trace, &response, problem.as_deref());
    dress(trace, origin, &mut response, matches!(rule.access, Access::Public));
    response
}

fn dress(trace: &Trace, origin: Option<&Allowed>, response: &mut Response, is_public: bool) {
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        // What is public and says how long it holds may be kept that long.
        if !(is_public && headers.contains_key(&name)) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(id) = HeaderValue::from_str(&trace.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    cors::tell(origin, headers);
}

fn log(rule: &Rule, trace: &Trace, response: &Response, problem: Option<&Problem>) {
    let status = response.status().as_u16();
    let milliseconds = trace.started.elapsed().as_secs_f64() * 1_000.0;
    metrics::histogram!("ApiMilliseconds").record(milliseconds);
    metrics::counter!("ApiRequests", "status" => format!("{}xx", status / 100)).increment(1);
    let operation = rule.id.as_ref();
    let request = trace.request_id.as_str();
    let code = problem.map_or("-", |problem| problem.code.as_str());
    match problem.and_then(Problem::cause_chain) {
        Some(error) if status >= 500 => {
            tracing::error!(
                operation,
                request.id = request,
                http.status = status,
                code,
                milliseconds,
                error,
                "failed"
            );
        }
        Some(error) => {
            tracing::warn!(
                operation,
                request.id = request,
                http.status = status,
                code,
                milliseconds,
                error,
                "refused"
            );
        }
        None if status >= 400 => {
            tracing::info!(
                operation,
                request.id = request,
                http.status = status,
                code,
                milliseconds,
                "refused"
            );
        }
        None => {
            tracing::info!(operation, request.id = request, http.status = status, milliseconds, "answered")
        }
    }
}

/// What is asked for where there is no route.
pub async fn unrouted(State(app): State<App>, request: Request<Body>) -> Response {
    refuse(&app, &request, Code::NotFound)
}

/// What is asked for with a method that the path does not have.
pub async fn wrong_method(State(app): State<App>, request: Request<Body>) -> Response {
    refuse(&app, &request, Code::MethodNotAllowed)
}

fn refuse(app: &App, request: &Request<Body>, code: Code) -> Response {
    let rule = Rule::get("", "unrouted", Access::Public);
    let trace = Trace::of(request, app, &rule);
    finish(&rule, &trace, None, Problem::from(code).into_response())
}
