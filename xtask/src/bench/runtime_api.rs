//! A Lambda Runtime API: tells when a function asks for work, hands it events and takes its answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use matome_domain::clock::Clock;
use matome_runtime::clock::SystemClock;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// What the function under test has said.
enum Said {
    /// It asks for work.
    Next(Instant),
    /// It has done an invocation.
    Response(String),
    /// It has failed one, or its start.
    Error(String),
}

/// The server; it ends when this is dropped.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<String>,
    said: mpsc::UnboundedReceiver<Said>,
    server: JoinHandle<()>,
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<String>>,
    said: mpsc::UnboundedSender<Said>,
}

impl RuntimeApi {
    /// On any free port.
    pub(crate) async fn listen() -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let (events, waiting) = mpsc::unbounded_channel();
        let (saying, said) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { events: Mutex::new(waiting), said: saying });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(outcome))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        let server = tokio::spawn(async move {
            // It ends only with the task: errors of connections are handled inside.
            let _never = axum::serve(listener, router).await;
        });
        Ok(Self { address, events, said, server })
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the function asks for work, and says when that was.
    pub(crate) async fn asked(&mut self) -> anyhow::Result<Instant> {
        match self.said.recv().await {
            Some(Said::Next(at)) => Ok(at),
            Some(Said::Error(error)) => bail!("it failed to start: {error}"),
            Some(Said::Response(_)) => bail!("it answered without having been asked"),
            None => bail!("the Runtime API has ended"),
        }
    }

    /// Hands over an event and waits for the answer, and then until the function is ready for the next
    /// one: what it does after answering belongs to the invocation.
    pub(crate) async fn invoke(&mut self, event: String) -> anyhow::Result<Value> {
        self.events.send(event).ok().context("the Runtime API has ended")?;
        let answer = match self.said.recv().await {
            Some(Said::Response(answer)) => answer,
            Some(Said::Error(error)) => bail!("the invocation failed: {error}"),
            Some(Said::Next(_)) => bail!("it asked for more work without having answered"),
            None => bail!("the Runtime API has ended"),
        };
        self.asked().await?;
        serde_json::from_str(&answer).context("the answer is not JSON")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    // Nobody listens any more: the function is about to be ended.
    let _gone = shared.said.send(Said::Next(Instant::now()));
    match shared.events.lock().await.recv().await {
        Some(event) => {
            let deadline = SystemClock.now().0 + 15 * 60 * 1_000;
            let headers = [
                ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000".to_owned()),
                ("lambda-runtime-deadline-ms", deadline.to_string()),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:x:0:function:bench".to_owned()),
            ];
            (headers, event).into_response()
        }
        None => StatusCode::GONE.into_response(),
    }
}

async fn outcome(
    State(shared): State<Arc<Shared>>,
    Path((_, outcome)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    let said = if outcome == "response" { Said::Response(body) } else { Said::Error(body) };
    let _gone = shared.said.send(said);
    StatusCode::ACCEPTED
}

async fn failed(State(shared): State<Arc<Shared>>, body: String) -> StatusCode {
    let _gone = shared.said.send(Said::Error(body));
    StatusCode::ACCEPTED
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function that answers its one invocation on `path`.
    async fn one_invocation(path: &str) -> anyhow::Result<Value> {
        let mut api = RuntimeApi::listen().await?;
        let url = format!("http://{}/2018-06-01/runtime/invocation", api.address());
        let path = path.to_owned();
        let function = tokio::spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build()?;
            let next = http.get(format!("{url}/next")).send().await?;
            let id = next.headers()["lambda-runtime-aws-request-id"].to_str().unwrap_or_default().to_owned();
            let event = next.text().await?;
            http.post(format!("{url}/{id}/{path}")).body(event).send().await?;
            http.get(format!("{url}/next")).send().await
        });
        api.asked().await?;
        let answer = api.invoke(r#"{"a":1}"#.to_owned()).await;
        function.abort();
        answer
    }

    #[tokio::test]
    async fn an_event_is_handed_out_and_its_answer_taken() {
        assert_eq!(one_invocation("response").await.unwrap(), serde_json::json!({ "a": 1 }));
    }

    #[tokio::test]
    async fn a_failed_invocation_is_no_answer() {
        let error = one_invocation("error").await.unwrap_err().to_string();
        assert_eq!(error, r#"the invocation failed: {"a":1}"#);
    }
}
