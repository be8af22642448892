//! Repeats of a POST with its `Idempotency-Key`.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use matome_runtime::ephemeral::Scope;
use matome_runtime::idempotency::{Answer, Attempt, Begun as Met, Fingerprint, IdempotencyKey, Request};

use crate::context::App;
use crate::guard::admit::Admitted;
use crate::guard::{Caller, Rule, authenticate};
use crate::http::problem::{Code, Problem};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Those that are worth repeating.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// What a request meets.
pub(crate) enum Begun {
    /// It was done before: this was the answer.
    Done(Response),
    /// It is to be done.
    New(Repeat),
}

/// A request that may be repeated, or not.
pub(crate) struct Repeat(Option<Attempt>);

pub(crate) async fn begin(
    app: &App,
    rule: &Rule,
    admitted: &Admitted,
    parts: &Parts,
    body: &Bytes,
) -> Result<Begun, Problem> {
    let (Some(header), true) = (parts.headers.get(KEY), rule.is_replayed()) else {
        return Ok(Begun::New(Repeat(None)));
    };
    // Whoever nobody knows shares no keys: two people could choose the same.
    let Some(caller) = caller(&admitted.caller) else { return Ok(Begun::New(Repeat(None))) };
    let wrong =
        |_| Problem::new(Code::MalformedRequest, "Idempotency-Key must be 1 to 255 visible ASCII characters");
    let header =
        header.to_str().map_err(|_| Problem::new(Code::MalformedRequest, "Idempotency-Key must be ASCII"))?;
    let key = IdempotencyKey::parse(header).map_err(wrong)?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let (scope, sealing) = match &admitted.standing {
        Some(standing) => {
            let sealing = if rule.once { None } else { authenticate::sealing(app, &standing.id).await };
            (Scope::Tenant(standing.id.clone()), sealing)
        }
        None => (Scope::Platform, None),
    };
    let request = Request {
        scope: &scope,
        caller: &caller,
        key: &key,
        fingerprint: Fingerprint::of(&key, parts.method.as_str(), target, body),
        sealing: sealing.as_ref(),
    };
    match app.idempotency.begin(request).await.map_err(Problem::unavailable)? {
        Met::New(attempt) => Ok(Begun::New(Repeat(Some(attempt)))),
        Met::Replay(answer) => Ok(Begun::Done(again(answer))),
        Met::Unreplayable { status } => {
            Err(Problem::new(Code::AnswerNotKept, format!("It was answered with {status}")))
        }
        Met::InFlight { retry_after } => {
            Err(Problem { retry_after: Some(retry_after.as_secs().max(1)), ..Code::RequestInProgress.into() })
        }
        Met::Mismatch => Err(Code::KeyReused.into()),
    }
}

fn caller(caller: &Caller) -> Option<String> {
    caller.id().map(|id| format!("{}-{}", caller.kind(), id.to_hex()))
}

fn again(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

impl Repeat {
    /// Keeps the answer for repeats. One that could not be kept is given all the same: it was done.
    pub(crate) async fn complete(self, app: &App, response: Response) -> Response {
        let Some(attempt) = self.0 else { return response };
        let (parts, body) = response.into_parts();
        // Made in memory by us: cannot fail.
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let header = |name: &HeaderName| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: KEPT.iter().filter_map(header).collect(),
            body: body.clone(),
        };
        if let Err(error) = app.idempotency.settle(attempt, &answer).await {
            metrics::counter!("AnswersNotKept").increment(1);
            tracing::warn!(error = %matome_runtime::lambda::Chain(&error), "an answer was not kept for repeats");
        }
        Response::from_parts(parts, Body::from(body))
    }

    /// Nothing was done.
    pub(crate) async fn abandon(self, app: &App) {
        let Some(attempt) = self.0 else { return };
        if let Err(error) = app.idempotency.abandon(attempt).await {
            tracing::warn!(error = %matome_runtime::lambda::Chain(&error), "a key was not given back");
        }
    }
}
