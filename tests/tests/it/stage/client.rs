//! The deployed API as anybody reaches it, through the gateway.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{Stage, eventually};

/// Somebody who calls the API.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    host: String,
    http: reqwest::Client,
    /// An access token or an API key.
    bearer: Option<String>,
    idempotency_key: Option<String>,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `Null` where there is no body.
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that is as wanted.
    pub(crate) fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Client {
    /// Nobody yet. Waits for the function's cold start, which the gateway does not always.
    pub(crate) async fn of(stage: &Stage) -> Self {
        let (base, host) = stage.gateway();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = Self { base, host, http, bearer: None, idempotency_key: None };
        eventually("the API", async || {
            let answer = client.get("/v1/.well-known/jwks.json").await;
            (answer.status == 200).then_some(())
        })
        .await;
        client
    }

    /// The same with a token or a key.
    pub(crate) fn bearing(&self, bearer: &str) -> Self {
        Self { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    /// The same with an idempotency key.
    pub(crate) fn repeating(&self, key: &str) -> Self {
        Self { idempotency_key: Some(key.to_owned()), ..self.clone() }
    }

    /// Signed in with a password.
    pub(crate) async fn signed_in(&self, email: &str, password: &str) -> Self {
        let tokens = self.post("/v1/auth/login", json!({ "email": email, "password": password })).await;
        self.bearing(tokens.with(200)["accessToken"].as_str().unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request =
            self.http.request(method, format!("{}{path}", self.base)).header("Host", &self.host);
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|e| panic!("{status}: {e}: {text}")),
        };
        Answer { status, headers, body }
    }
}
