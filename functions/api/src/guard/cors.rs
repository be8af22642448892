//! Which web pages may call from a browser. Without an entry none may: an API key does not belong into a page.
//!
//! The console's own origin (`CONSOLE_URL`) may call everything; an organization may name further origins in
//! its security policy, for paths of its own.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use bson::doc;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use matome_domain::ids::TenantId;
use matome_store::entities::SecurityPolicy;

use crate::context::App;

/// All that routes have; a test of `tests/it/conduct.rs` holds it against them.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, If-Match, Idempotency-Key";
const EXPOSED: &str = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotency-Replayed, \
                       X-Matome-Calls-Remaining";
/// How long what a policy says of origins is believed, here and by browsers.
pub(crate) const KEEP: Duration = Duration::from_secs(60);

/// An origin that may read the answer.
#[derive(Debug, Clone)]
pub(crate) struct Allowed(HeaderValue);

/// The origin of a request, if its page may call this path.
pub(crate) async fn allowed(app: &App, headers: &HeaderMap, path: &str) -> Option<Allowed> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    let may = app.settings.console_origin.as_deref() == Some(text)
        || match tenant_in(path) {
            Some(tenant) => origins(app, &tenant).await.iter().any(|allowed| allowed == text),
            None => false,
        };
    may.then(|| Allowed(origin.clone()))
}

/// What a policy allows. A database that does not answer allows nothing: the request will say so itself.
async fn origins(app: &App, tenant: &TenantId) -> Vec<String> {
    if let Some(known) = app.origins.get(tenant, app.clock.now()) {
        return known;
    }
    let policies = app.tenants.platform().of_tenant::<SecurityPolicy>(tenant);
    let Ok(policy) = policies.find_one(doc! {}).await else { return Vec::new() };
    let origins = policy.map(|policy| policy.allowed_origins).unwrap_or_default();
    app.origins.put(tenant.clone(), origins.clone(), app.clock.now());
    origins
}

/// Says so in the answer.
pub(crate) fn tell(allowed: Option<&Allowed>, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(Allowed(origin)) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// Answers a browser that asks before it calls (`OPTIONS`). Nobody is known then, so nothing is said but
/// whether the origin may.
pub async fn preflight(State(app): State<App>, request: Request) -> Response {
    let allowed = allowed(&app, request.headers(), request.uri().path()).await;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    tell(allowed.as_ref(), headers);
    if allowed.is_some() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, KEEP.as_secs().into());
    }
    response
}

/// The organization of a path below `/v1/organizations/`.
fn tenant_in(path: &str) -> Option<TenantId> {
    let id = path.strip_prefix("/v1/organizations/")?.split('/').next()?;
    TenantId::new(id).ok()
}
