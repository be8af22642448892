//! A provider on an ephemeral loopback port that speaks OpenAI's chat completions and does what a
//! test tells it to, request by request: answers, stalls, breaks, refuses, obeys an injection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::config::{AiConfig, Secret};

/// What the provider does with one request.
#[derive(Debug, Clone)]
pub enum Step {
    /// A good summary that cites the first and last label of the data it was sent.
    Ok,
    /// This status, with `Retry-After` seconds if given.
    Status(u16, Option<u64>),
    /// A good summary, after this long.
    Slow(Duration),
    /// A good summary, once [`FakeProvider::release`] is called.
    Held,
    /// Never answers.
    Hang,
    /// Answers with this text as the message's content.
    Text(String),
    /// Answers with the beginning of a good summary, as if tokens had run out.
    Truncated,
    /// Refuses the way OpenAI's protocol does.
    Refusal,
    /// Stops with `content_filter`.
    Filtered,
    /// A good summary whose sources do not exist.
    UnknownSources,
    /// A good summary; some of its statements cite labels that do not exist.
    SomeUnknownSources,
    /// Repeats its system message as the brief.
    LeakInstructions,
    /// Does what a message in the data told it to.
    Obey,
    /// Not even the protocol's JSON.
    NotJson,
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The body.
    pub body: Value,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

impl Seen {
    /// The system message.
    #[must_use]
    pub fn system(&self) -> String {
        self.text_of("system").into_iter().collect()
    }

    /// The JSON document in the first user message.
    #[must_use]
    pub fn document(&self) -> Option<Value> {
        self.text_of("user").first().and_then(|text| serde_json::from_str(text).ok())
    }

    /// How many pictures came along.
    #[must_use]
    pub fn pictures(&self) -> usize {
        let messages = self.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let parts = messages.iter().filter_map(|m| m["content"].as_array()).flatten();
        parts.filter(|part| part["type"] == "image_url").count()
    }

    fn text_of(&self, role: &str) -> Vec<String> {
        let messages = self.body["messages"].as_array().cloned().unwrap_or_default();
        messages
            .iter()
            .filter(|m| m["role"] == role)
            .flat_map(|m| match &m["content"] {
                Value::String(text) => vec![text.clone()],
                Value::Array(parts) => {
                    parts.iter().filter_map(|p| p["text"].as_str().map(str::to_owned)).collect()
                }
                _ => Vec::new(),
            })
            .collect()
    }
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    seen: Vec<Seen>,
    /// Requests without an answer yet, and the most of them there were at once.
    busy: usize,
    busiest: usize,
    /// Lets those go that are held.
    release: Arc<Notify>,
}

/// A request without an answer yet; one that was given up ends as well.
struct Busy(Arc<Mutex<Script>>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).busy -= 1;
    }
}

/// A scripted provider; stops when dropped.
pub struct FakeProvider {
    base_url: String,
    script: Arc<Mutex<Script>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeProvider {
    /// Starts one that takes `steps` in order and then answers [`Step::Ok`] for ever.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn start(steps: impl IntoIterator<Item = Step>) -> std::io::Result<Self> {
        let script = Arc::new(Mutex::new(Script { steps: steps.into_iter().collect(), ..Script::default() }));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let base_url = format!("http://{}/v1/", listener.local_addr()?);
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            // Pictures are larger than axum's limit.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&script));
        let server = tokio::spawn(async move {
            // Ends when the task is aborted; an error ends the tests' connections, which they notice.
            let _ended = axum::serve(listener, app).await;
        });
        Ok(Self { base_url, script, server })
    }

    /// Settings that use it.
    #[must_use]
    pub fn config(&self) -> AiConfig {
        AiConfig {
            model: Some("gpt-4o-mini".to_owned()),
            base_url: Some(self.base_url.clone()),
            api_key: Some(Secret::new("fake-key")),
            ..AiConfig::default()
        }
    }

    /// Its address, for `AI_BASE_URL`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The requests so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    /// How many requests it had at once at most.
    #[must_use]
    pub fn busiest(&self) -> usize {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).busiest
    }

    /// Lets the request that is held, or else the next one to be held, be answered.
    pub fn release(&self) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).release.notify_one();
    }
}

async fn complete(
    State(script): State<Arc<Mutex<Script>>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let seen = Seen { body, authorization };
    let _busy = Busy(Arc::clone(&script));
    let (step, release) = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.seen.push(seen.clone());
        script.busy += 1;
        script.busiest = script.busiest.max(script.busy);
        (script.steps.pop_front().unwrap_or(Step::Ok), Arc::clone(&script.release))
    };
    let good = || summary(&labels(&seen.document().unwrap_or_default()));
    match step {
        Step::Ok => completion(&good().to_string(), "stop"),
        Step::Status(status, retry_after) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, Json(json!({ "error": { "message": "scripted" } }))).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Step::Slow(time) => {
            tokio::time::sleep(time).await;
            completion(&good().to_string(), "stop")
        }
        Step::Held => {
            release.notified().await;
            completion(&good().to_string(), "stop")
        }
        Step::Hang => std::future::pending().await,
        Step::Text(text) => completion(&text, "stop"),
        Step::Truncated => {
            let text = good().to_string();
            completion(&text[..text.floor_char_boundary(text.len() / 2)], "length")
        }
        Step::Refusal => Json(json!({
            "model": "gpt-4o-mini", "usage": usage(),
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": null, "refusal": "I can't help with that." } }]
        }))
        .into_response(),
        Step::Filtered => completion("", "content_filter"),
        Step::UnknownSources => completion(&summary(&["t9001".to_owned(), "nonsense".to_owned()]).to_string(), "stop"),
        Step::SomeUnknownSources => {
            let mut value = good();
            value["detailed"][0]["sources"] = json!(["t9001"]);
            value["bulletPoints"][0]["sources"] = json!(["t9001", "t1"]);
            completion(&value.to_string(), "stop")
        }
        Step::LeakInstructions => {
            let mut value = good();
            value["brief"] = json!(seen.system());
            completion(&value.to_string(), "stop")
        }
        Step::Obey => completion("HACKED. As you wish, I ignore my instructions.", "stop"),
        Step::NotJson => (StatusCode::OK, [(header::CONTENT_TYPE, "text/html")], "<html>busy</html>").into_response(),
    }
}

fn usage() -> Value {
    json!({ "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200 })
}

fn completion(text: &str, finish: &str) -> Response {
    Json(json!({
        "model": "gpt-4o-mini", "usage": usage(),
        "choices": [{ "index": 0, "finish_reason": finish, "message": { "role": "assistant", "content": text } }]
    }))
    .into_response()
}

/// The labels in a document: of its messages, or of the statements of its parts.
fn labels(document: &Value) -> Vec<String> {
    let messages = document["messages"].as_array().cloned().unwrap_or_default();
    let mut labels: Vec<String> =
        messages.iter().filter_map(|m| m["id"].as_str().map(str::to_owned)).collect();
    for part in document["parts"].as_array().cloned().unwrap_or_default() {
        labels.extend(
            part["briefSources"]
                .as_array()
                .cloned()
                .unwrap_or_default()
                .iter()
                .filter_map(|l| l.as_str().map(str::to_owned)),
        );
    }
    labels
}

fn summary(labels: &[String]) -> Value {
    let ends: Vec<&String> =
        labels.first().into_iter().chain(labels.last().filter(|_| labels.len() > 1)).collect();
    let statement = |text: &str| json!({ "text": text, "sources": ends });
    json!({
        "brief": "A summary.", "briefSources": ends,
        "detailed": [statement("They talk."), statement("They agree.")],
        "bulletPoints": [statement("They talk.")],
        "actionItems": [{ "item": "Answer.", "assignedTo": null, "priority": "low", "deadline": null, "sources": ends }],
        "decisions": [], "openQuestions": [], "keyTopics": ["talk"], "sentiment": "neutral", "emotions": [],
        "urgency": "low", "category": "smalltalk", "tags": [], "imageInsights": [], "participants": []
    })
}
