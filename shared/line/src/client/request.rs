//! One way for every call to leave and for every refusal to be read.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ErrorBody;
use super::{LineChannel, LineError};

/// Which of LINE's two hosts answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Host {
    Api,
    Data,
}

/// A call that can be built again when its token was refused.
#[derive(Debug)]
pub(super) struct Call<'a, B: Serialize + ?Sized> {
    pub(super) host: Host,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) retry_key: Option<uuid::Uuid>,
    pub(super) body: Option<&'a B>,
}

impl Call<'static, ()> {
    pub(super) fn get(path: String) -> Self {
        Self { host: Host::Api, method: Method::GET, path, retry_key: None, body: None }
    }

    pub(super) fn data(path: String) -> Self {
        Self { host: Host::Data, ..Self::get(path) }
    }
}

impl<'a, B: Serialize + ?Sized> Call<'a, B> {
    pub(super) fn post(path: &str, body: &'a B) -> Self {
        Self {
            host: Host::Api,
            method: Method::POST,
            path: path.to_owned(),
            retry_key: None,
            body: Some(body),
        }
    }

    pub(super) fn put(path: &str, body: &'a B) -> Self {
        Self { method: Method::PUT, ..Self::post(path, body) }
    }
}

impl LineChannel {
    /// Sends the call, once more with a new token when the kept one was refused: a refused call
    /// has done nothing, so this is safe for sends as well.
    pub(super) async fn call<B: Serialize + ?Sized>(
        &self,
        call: &Call<'_, B>,
    ) -> Result<Response, CallError> {
        let token = self.token().await.map_err(CallError::NoToken)?;
        let response = self.attempt(call, &token).await?;
        if response.status() == StatusCode::UNAUTHORIZED && self.forget_token(&token).await {
            let token = self.token().await.map_err(CallError::NoToken)?;
            return self.attempt(call, &token).await;
        }
        Ok(response)
    }

    async fn attempt<B: Serialize + ?Sized>(
        &self,
        call: &Call<'_, B>,
        token: &str,
    ) -> Result<Response, CallError> {
        let config = &self.shared.config;
        let base = match call.host {
            Host::Api => &config.api_url,
            Host::Data => &config.data_api_url,
        };
        let url = format!("{base}{}", call.path);
        let mut request = self.shared.http.request(call.method.clone(), url).bearer_auth(token);
        if matches!(call.host, Host::Api) {
            request = request.timeout(config.call_timeout);
        }
        if let Some(key) = call.retry_key {
            request = request.header("X-Line-Retry-Key", key.to_string());
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        request.send().await.map_err(|e| CallError::Transport(classify(e)))
    }

    /// A call that is answered with JSON; `None` for 404.
    pub(super) async fn find<T: DeserializeOwned, B: Serialize + ?Sized>(
        &self,
        name: &'static str,
        call: Call<'_, B>,
    ) -> Result<Option<T>, LineError> {
        let response = self.call(&call).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                let bytes = response.bytes().await.map_err(classify)?;
                serde_json::from_slice(&bytes).map(Some).map_err(|_| LineError::Malformed { call: name })
            }
            _ => Err(refusal(response).await),
        }
    }

    /// [`Self::find`] for what must be there.
    pub(super) async fn fetch<T: DeserializeOwned, B: Serialize + ?Sized>(
        &self,
        name: &'static str,
        call: Call<'_, B>,
    ) -> Result<T, LineError> {
        self.find(name, call).await?.ok_or(LineError::NotFound)
    }

    /// A call whose success carries nothing.
    pub(super) async fn command<B: Serialize + ?Sized>(&self, call: Call<'_, B>) -> Result<(), LineError> {
        let response = self.call(&call).await?;
        if response.status().is_success() { Ok(()) } else { Err(refusal(response).await) }
    }
}

/// Where a call ended without an answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// No token was to be had, so the call never left.
    NoToken(LineError),
    /// The call itself got no answer.
    Transport(LineError),
}

impl From<CallError> for LineError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoToken(e) | CallError::Transport(e) => e,
        }
    }
}

/// Did the call reach LINE at all? The URL is taken out: it holds ids.
pub(super) fn classify(error: reqwest::Error) -> LineError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        LineError::Unreachable(error)
    } else {
        LineError::Interrupted(error)
    }
}

/// What a status other than success means.
pub(super) async fn refusal(response: Response) -> LineError {
    let status = response.status().as_u16();
    match status {
        401 => LineError::Unauthorized,
        403 => LineError::Forbidden,
        404 => LineError::NotFound,
        429 => LineError::RateLimited { retry_after: retry_after(response.headers()) },
        500.. => LineError::Unavailable { status },
        _ => LineError::Rejected { status, details: error_body(response).await.into_details() },
    }
}

/// LINE's error body, empty when it cannot be read: the status alone decides then.
pub(super) async fn error_body(response: Response) -> ErrorBody {
    let bytes = response.bytes().await.unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// `Retry-After` in seconds; LINE does not promise it.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// An id as one segment of a path: LINE's ids are letters and digits, and nothing else may get in.
pub(super) fn segment<'a>(argument: &'static str, id: &'a str) -> Result<&'a str, LineError> {
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        Ok(id)
    } else {
        Err(LineError::Invalid { argument, reason: "may contain only letters, digits, '-' and '_'" })
    }
}
