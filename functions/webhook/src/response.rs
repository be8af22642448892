//! The answers, in API Gateway's form; what went wrong as a problem of RFC 9457.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

/// Why a request was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// The body is larger than [`crate::MAX_BODY`], or an event larger than SQS takes.
    #[error("the body is too large")]
    TooLarge,
    /// The gateway called the body base64, and it is not.
    #[error("the body is not base64")]
    NotBase64,
    /// No such channel.
    #[error("there is no such channel")]
    UnknownChannel,
    /// No `X-Line-Signature`, or not this channel's signature of this body.
    #[error("the signature is missing or wrong")]
    Signature,
    /// Signed, but not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// Signed, but without a usable `destination` or `events`.
    #[error("{field}: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Directory, KMS or queue did not do their part: the sender should try again.
    #[error("not available now, try again")]
    Unavailable,
}

impl Problem {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NotBase64 | Self::NotJson | Self::Field { .. } => 400,
            Self::Signature => 401,
            Self::UnknownChannel => 404,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
        }
    }

    /// A word for logs, metrics and the answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotBase64 => "not_base64",
            Self::UnknownChannel => "unknown_channel",
            Self::Signature => "bad_signature",
            Self::NotJson => "not_json",
            Self::Field { .. } => "invalid_field",
            Self::Unavailable => "unavailable",
        }
    }
}

/// One HTTP response (payload format 2.0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// Headers.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// JSON.
    pub body: String,
}

impl Response {
    /// 200: everything is queued.
    #[must_use]
    pub fn accepted() -> Self {
        Self::new(200, "application/json", "{}".to_owned())
    }

    fn new(status_code: u16, content_type: &'static str, body: String) -> Self {
        Self { status_code, headers: BTreeMap::from([("content-type", content_type)]), body }
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let body = json!({
            "status": problem.status(),
            "code": problem.code(),
            "title": problem.to_string(),
        });
        Self::new(problem.status(), "application/problem+json", body.to_string())
    }
}
