//! What LINE answers. One way in for every call: fault, token, rate, then the endpoint.

mod account;
mod answer;
mod content;
mod login;
mod people;
mod send;
mod token;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::listener::KillSwitch;
use crate::simulator::LineSimulator;
use crate::world::ApiCall;
use answer::Answer;

pub(crate) fn router(simulator: LineSimulator) -> Router {
    Router::new().fallback(handle).with_state(simulator)
}

/// A call with a good token.
struct Call<'a> {
    simulator: &'a LineSimulator,
    endpoint: Endpoint,
    /// Path in segments: `["v2", "bot", …]`.
    path: Vec<&'a str>,
    headers: &'a HeaderMap,
    body: &'a [u8],
    channel_id: String,
    request_id: String,
}

impl Call<'_> {
    /// A segment of the path, which [`Endpoint::of`] has found to be there.
    fn segment(&self, at: usize) -> &str {
        self.path.get(at).copied().unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, or LINE's complaint about it.
    fn json(&self) -> Result<Value, Answer> {
        serde_json::from_slice(self.body).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            Answer::error(
                400,
                &format!("The request body could not be parsed as JSON (line: {line}, column: {column})"),
            )
        })
    }
}

async fn handle(
    State(simulator): State<LineSimulator>,
    ConnectInfo(switch): ConnectInfo<KillSwitch>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let Ok(body) = body else {
        // axum's limit is LINE's: 2 MB.
        return Answer::error(413, "Request body is too large")
            .with("x-line-request-id", &request_id)
            .into_response();
    };
    let Some(endpoint) = Endpoint::of(&method, uri.path()) else {
        return Answer::error(404, "Not found").with("x-line-request-id", &request_id).into_response();
    };
    let now = simulator.now();
    let (at, fault, channel_id) = simulator.change(|w| {
        let channel_id = w.authenticate(&headers, now);
        w.calls.push(ApiCall {
            at: now,
            endpoint,
            path: uri.path().to_owned(),
            channel_id: channel_id.clone(),
            // Bodies that are forms are not kept: they hold a channel's secret or somebody's ID token.
            body: serde_json::from_slice(&body).ok(),
            status: None,
            request_id: request_id.clone(),
        });
        (w.calls.len() - 1, w.faults.take(endpoint), channel_id)
    });
    match fault {
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::DropBefore) => {
            switch.pull();
            return Answer::empty(500).into_response();
        }
        _ => {}
    }
    let answer = match (fault, channel_id) {
        (Some(Fault::Status(status)), _) => {
            Answer::error(status, "The API server is temporarily unavailable")
        }
        (Some(Fault::RateLimited(wait)), _) => Answer::rate_limited(wait),
        _ if endpoint == Endpoint::Token => token::issue(&simulator, &body),
        _ if endpoint == Endpoint::VerifyIdToken => login::verify(&simulator, &body),
        _ if endpoint == Endpoint::Certs => login::certs(&simulator),
        (_, None) => Answer::error(
            401,
            "Authentication failed. Confirm that the access token in the authorization header is valid.",
        ),
        (_, Some(channel_id)) => {
            let path = uri.path().split('/').skip(1).collect();
            let call = Call {
                simulator: &simulator,
                endpoint,
                path,
                headers: &headers,
                body: &body,
                channel_id,
                request_id: request_id.clone(),
            };
            if over_rate(&call) { Answer::rate_limited(None) } else { dispatch(&call).await }
        }
    };
    if fault == Some(Fault::DropAfter) {
        switch.pull();
        return Answer::empty(500).into_response();
    }
    let status = answer.status();
    simulator.change(|w| {
        if let Some(call) = w.calls.get_mut(at) {
            call.status = Some(status);
        }
    });
    answer.with("x-line-request-id", &request_id).into_response()
}

async fn dispatch(call: &Call<'_>) -> Answer {
    match call.endpoint {
        // Answered before, as they need no token.
        Endpoint::Token | Endpoint::VerifyIdToken | Endpoint::Certs => Answer::error(404, "Not found"),
        Endpoint::BotInfo => account::bot_info(call),
        Endpoint::Quota => account::quota(call),
        Endpoint::QuotaConsumption => account::quota_consumption(call),
        Endpoint::GetWebhook => account::webhook(call),
        Endpoint::SetWebhook => account::set_webhook(call),
        Endpoint::TestWebhook => account::test_webhook(call).await,
        Endpoint::Loading => account::loading(call),
        Endpoint::MarkAsRead => account::mark_as_read(call),
        Endpoint::Profile => people::profile(call),
        Endpoint::MemberProfile => people::member_profile(call),
        Endpoint::GroupSummary => people::group_summary(call),
        Endpoint::MemberCount => people::member_count(call),
        Endpoint::MemberIds => people::member_ids(),
        Endpoint::Content => content::content(call),
        Endpoint::Preview => content::preview(call),
        Endpoint::Transcoding => content::transcoding(call),
        Endpoint::Reply => send::reply(call),
        Endpoint::Push => send::push(call),
        Endpoint::Multicast => send::multicast(call),
        Endpoint::Validate => send::validate(call),
    }
}

/// LINE's rate holds for each endpoint and channel.
fn over_rate(call: &Call<'_>) -> bool {
    let second = call.simulator.now().0.div_euclid(1_000);
    call.simulator.change(|w| {
        let limit = w.channels.get(&call.channel_id).map_or(u32::MAX, |c| c.rate_per_second);
        let (since, count) = w.rates.entry((call.endpoint, call.channel_id.clone())).or_insert((second, 0));
        if *since != second {
            (*since, *count) = (second, 0);
        }
        *count += 1;
        *count > limit
    })
}
