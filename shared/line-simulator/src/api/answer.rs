//! Answers in LINE's form.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use matome_line::client::ErrorDetail;
use serde_json::{Value, json};

/// An answer; boxed, as it is also the error of what reads a call.
pub(super) struct Answer(Box<Response>);

impl Answer {
    /// JSON with 200.
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// JSON.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::empty(status).with("content-type", "application/json").body(Body::from(body.to_string()))
    }

    /// Nothing.
    pub(super) fn empty(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Box::new(status.into_response()))
    }

    /// `{"message": …}`.
    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message }))
    }

    /// `{"message": …, "details": […]}` with 400.
    pub(super) fn invalid(message: &str, details: &[ErrorDetail]) -> Self {
        let details: Vec<_> =
            details.iter().map(|d| json!({"message": d.message, "property": d.property})).collect();
        Self::json(400, &json!({"message": message, "details": details}))
    }

    /// One property of the body is wrong.
    pub(super) fn property(property: &str, message: &str) -> Self {
        let detail = ErrorDetail { message: message.to_owned(), property: property.to_owned() };
        Self::invalid("The request body has 1 error(s)", &[detail])
    }

    /// 429 for too many calls.
    pub(super) fn rate_limited(wait: Option<u32>) -> Self {
        let answer = Self::error(429, "The API rate limit has been exceeded. Try again later.");
        match wait {
            Some(seconds) => answer.with("retry-after", &seconds.to_string()),
            None => answer,
        }
    }

    /// Bytes with 200.
    pub(super) fn bytes(content_type: &str, bytes: Bytes) -> Self {
        let length = bytes.len().to_string();
        Self::empty(200)
            .with("content-type", content_type)
            .with("content-length", &length)
            .body(Body::from(bytes))
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(HeaderName::from_static(name), value);
        }
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn body(mut self, body: Body) -> Self {
        *self.0.body_mut() = body;
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        *self.0
    }
}
