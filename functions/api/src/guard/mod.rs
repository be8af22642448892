//! What stands around every route: one pipeline, the same for all, driven by the route's [`Rule`].
//!
//! In this order: who is it · which tenant, and what may they do there · from where · how often · is it a
//! repeat · the audit begins · the handler · the audit ends. Everything before the handler refuses; nothing
//! is changed before the audit has begun.

mod admit;
mod audit;
mod authenticate;
mod caller;
mod cors;
mod finish;
mod limits;
mod network;
mod origins;
mod policy;
mod replay;
mod rule;
mod standing;
mod trace;
mod trail;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::StatusCode;

pub use caller::{Caller, SignedIn};
pub use cors::preflight;
pub use finish::{unrouted, wrong_method};
pub use origins::Origins;
pub use rule::{Access, Rule, States};
pub use standing::{Standing, Tenant};
pub use trace::Trace;
pub use trail::Trail;

use crate::context::App;
use crate::http::problem::{Code, Problem};

/// A body may have this many bytes. API Gateway takes ten megabytes; nothing here needs as many.
pub const MAX_BODY: usize = 256 * 1024;
/// API Gateway gives up after thirty seconds; the client is told before.
const PATIENCE: Duration = Duration::from_secs(25);

/// What the guard of a route knows.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) app: App,
    pub(crate) rule: Arc<Rule>,
}

/// See the module.
pub(crate) async fn guard(
    State(Guarded { app, rule }): State<Guarded>,
    request: Request,
    next: Next,
) -> Response {
    let trace = Trace::of(&request, &app, &rule);
    let origin = cors::allowed(&app, request.headers(), request.uri().path()).await;
    // Boxed: handlers' futures nest deep.
    let response = Box::pin(pass(&app, &rule, &trace, request, next)).await;
    if rule.even && matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::ACCEPTED) {
        tokio::time::sleep_until((trace.started + app.settings.even_time).into()).await;
    }
    finish::finish(&rule, &trace, origin.as_ref(), response)
}

async fn pass(app: &App, rule: &Rule, trace: &Trace, mut request: Request, next: Next) -> Response {
    let admitted = match admit::admit(app, rule, trace, &mut request).await {
        Ok(admitted) => admitted,
        Err(problem) => return problem.into_response(),
    };
    let response = match work(app, rule, trace, request, &admitted, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    limits::tell(response, &admitted)
}

async fn work(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    request: Request,
    admitted: &admit::Admitted,
    next: Next,
) -> Result<Response, Problem> {
    if !rule.changes() {
        return Ok(run(PATIENCE, request, next).await);
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await;
    let body = body.map_err(|_| Problem::new(Code::TooLarge, format!("A body may have {MAX_BODY} bytes")))?;
    let repeat = match replay::begin(app, rule, admitted, &parts, &body).await? {
        replay::Begun::Done(response) => return Ok(response),
        replay::Begun::New(repeat) => repeat,
    };
    let entry = match audit::begin(app, rule, trace, admitted).await {
        Ok(entry) => entry,
        Err(problem) => {
            repeat.abandon(app).await;
            return Err(problem);
        }
    };
    let trail = Trail::of(app, &entry);
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(trail.clone());
    let response = run(PATIENCE, request, next).await;
    audit::end(app, trace, entry, &trail, response.status()).await;
    Ok(repeat.complete(app, response).await)
}

/// The handler, within its time. One that panics is answered for as well: its audit ends and its key is
/// given back like any other's. (The panic itself is in the log by then.)
async fn run(patience: Duration, request: Request, next: Next) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(patience, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::internal("the handler panicked").into_response(),
        Err(_) => Problem::from(Code::TimedOut).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn hangs() -> StatusCode {
        std::future::pending().await
    }

    async fn panics() -> StatusCode {
        panic!("a defect")
    }

    #[tokio::test]
    async fn a_handler_that_hangs_or_panics_is_answered_for() {
        let routes = Router::new().route("/hangs", get(hangs)).route("/panics", get(panics));
        let routes = routes.layer(from_fn(|request, next| run(Duration::from_millis(1), request, next)));
        for (path, code) in [("/hangs", Code::TimedOut), ("/panics", Code::Internal)] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = routes.clone().oneshot(request).await.unwrap();
            assert_eq!(response.extensions().get::<Arc<Problem>>().unwrap().code, code);
            assert_eq!(response.status(), code.status());
        }
    }
}
