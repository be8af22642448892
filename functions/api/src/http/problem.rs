//! The one form of every refusal: RFC 9457 problem details with a stable code.
//!
//! A client decides by `code`, a person reads `detail`, a form marks `errors[].field`. Nothing in a
//! problem tells whether something exists in another tenant: what may not be seen is not there.

use std::error::Error as StdError;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use matome_runtime::lambda::Chain;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, EnumProperty, IntoStaticStr, VariantArray};

use crate::http::documented::Gives;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Every reason there is for refusing a request. The texts are the problem's `title`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    VariantArray,
    IntoStaticStr,
    EnumMessage,
    EnumProperty,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// The request is not what HTTP or JSON say it must be.
    #[strum(message = "The request cannot be read", props(status = "400"))]
    MalformedRequest,
    /// A query parameter is unknown, doubled or of the wrong form.
    #[strum(message = "A query parameter is wrong", props(status = "400"))]
    InvalidParameter,
    /// The cursor is not one that this list gave out.
    #[strum(message = "The cursor is not one of this list", props(status = "400"))]
    InvalidCursor,
    /// No credentials, or none that are any good. Why is not said.
    #[strum(message = "Credentials are missing or not valid", props(status = "401"))]
    Unauthenticated,
    /// E-mail and password, code or token do not fit. Which one is not said.
    #[strum(message = "The login failed", props(status = "401"))]
    LoginFailed,
    /// They are who they say, and have not shown yet that the e-mail address is theirs.
    #[strum(message = "The e-mail address has not been verified yet", props(status = "403"))]
    EmailNotVerified,
    /// They are who they say, and the account is closed.
    #[strum(message = "The account is closed", props(status = "403"))]
    AccountClosed,
    /// The organization's security policy does not take the way they logged in, or their e-mail address.
    #[strum(message = "The organization does not allow this login", props(status = "403"))]
    LoginNotAllowed,
    /// The role, the overrides, the scopes or the room do not allow it.
    #[strum(message = "The permission is missing", props(status = "403"))]
    PermissionDenied,
    /// The organization's plan does not have it: `detail` names the feature as plans do.
    #[strum(message = "The plan does not have this", props(status = "403"))]
    FeatureNotInPlan,
    /// Whoever made the API key was suspended or has left: somebody else has to rotate it.
    #[strum(message = "Nobody answers for the API key any more", props(status = "403"))]
    KeyMakerGone,
    /// The organization's security policy asks for a second factor.
    #[strum(message = "A second factor is required", props(status = "403"))]
    SecondFactorRequired,
    /// The organization's IP lists do not allow the address.
    #[strum(message = "This address is not allowed", props(status = "403"))]
    AddressNotAllowed,
    /// All rules that allowed addresses have expired: nobody is let in until who runs the platform changes them.
    #[strum(message = "The list of allowed addresses has run out", props(status = "403"))]
    AllowListExpired,
    /// Nobody may give more rights than they have.
    #[strum(message = "More rights than your own cannot be given", props(status = "403"))]
    Escalation,
    /// The tenant is suspended or gone: it can be read, not changed.
    #[strum(message = "The organization is not served", props(status = "403"))]
    NotServed,
    /// It is not there, or not for the caller to know of.
    #[strum(message = "Not found", props(status = "404"))]
    NotFound,
    /// The path is there, the method is not.
    #[strum(message = "The method is not allowed here", props(status = "405"))]
    MethodNotAllowed,
    /// The state it is in does not allow this, or something else has the name.
    #[strum(message = "It conflicts with what is there", props(status = "409"))]
    Conflict,
    /// Every rule that allows an address would have an end, and nobody would be let in after the last.
    #[strum(message = "The list of allowed addresses would run out", props(status = "409"))]
    AllowListEnds,
    /// Another request with the same idempotency key is being worked on.
    #[strum(message = "The same request is still being worked on", props(status = "409"))]
    RequestInProgress,
    /// The request with this key was done; its answer was too large to be kept.
    #[strum(message = "The request was done before, its answer was not kept", props(status = "409"))]
    AnswerNotKept,
    /// The plan's limit is reached.
    #[strum(message = "The plan's limit is reached", props(status = "409"))]
    LimitReached,
    /// `If-Match` names another version than the one that is there.
    #[strum(message = "It was changed in the meantime", props(status = "412"))]
    VersionMismatch,
    /// The body is over the limit.
    #[strum(message = "The body is too large", props(status = "413"))]
    TooLarge,
    /// The body is not said to be JSON.
    #[strum(message = "The body must be JSON", props(status = "415"))]
    UnsupportedMediaType,
    /// The body is JSON, but a field is wrong: see `errors`.
    #[strum(message = "A field is wrong", props(status = "422"))]
    InvalidField,
    /// The idempotency key was used with another request.
    #[strum(message = "The idempotency key belongs to another request", props(status = "422"))]
    KeyReused,
    /// Too many requests in a short time: see `Retry-After`.
    #[strum(message = "Too many requests", props(status = "429"))]
    RateLimited,
    /// The month's API calls are used up.
    #[strum(message = "The month's API calls are used up", props(status = "429"))]
    QuotaExceeded,
    /// A defect of ours; the request id finds it in the logs.
    #[strum(message = "Something went wrong on our side", props(status = "500"))]
    Internal,
    /// A service we need did not answer; nothing was changed. Worth another try.
    #[strum(message = "Not available right now", props(status = "503"))]
    Unavailable,
    /// It took too long; whether it was done is not known.
    #[strum(message = "It took too long", props(status = "504"))]
    TimedOut,
}

impl Code {
    /// The status it is answered with.
    ///
    /// # Panics
    /// When a variant has no status, which a test over all of them would show.
    #[must_use]
    pub fn status(self) -> StatusCode {
        let status = self.get_str("status").and_then(|status| status.parse().ok());
        status.and_then(|status: u16| StatusCode::from_u16(status).ok()).expect("every code has a status")
    }

    /// As it stands in `code`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// In a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.get_message().unwrap_or_default()
    }
}

/// One wrong field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldProblem {
    /// Where: a parameter's name, or a path into the body such as `settings.sessionTriggers.messageCount`
    /// or `tags[2]`.
    pub field: String,
    /// What is wrong with it. Never repeats the value.
    pub reason: String,
}

/// What a problem looks like (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem", example = Self::example(Code::InvalidField))]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    /// Where the code is described.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable: what a client decides by.
    pub code: Code,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Finds the request in the logs and in the audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The fields that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

impl ProblemBody {
    /// For the documentation.
    pub(crate) fn example(code: Code) -> Self {
        let problem = match code {
            Code::InvalidField => Problem::field("name", "must have between 1 and 200 characters"),
            _ => code.into(),
        };
        problem.body(Some("0b9c7b1e-6a1c-4f0e-9a55-1d0a6f0b7f53"))
    }
}

/// A refusal on its way out. Made by whoever notices; turned into a response, and logged, by the guard alone.
#[derive(Debug)]
pub struct Problem {
    /// Why.
    pub code: Code,
    /// What happened this time; for people. Never repeats what was sent.
    pub detail: Option<String>,
    /// The fields that are wrong.
    pub errors: Vec<FieldProblem>,
    /// Seconds until it is worth another try.
    pub retry_after: Option<u64>,
    /// What else the answer says, such as how often something may be done.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The error behind it, for the log.
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), retry_after: None, headers: Vec::new(), cause: None }
    }
}

impl Problem {
    /// With what happened this time.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..code.into() }
    }

    /// It is not there, or not for the caller to know of.
    #[must_use]
    pub fn not_found() -> Self {
        Code::NotFound.into()
    }

    /// One field of the body is wrong.
    #[must_use]
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::fields(vec![FieldProblem { field: field.into(), reason: reason.into() }])
    }

    /// Some fields of the body are wrong.
    #[must_use]
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        Self { errors, ..Code::InvalidField.into() }
    }

    /// A query parameter is wrong.
    #[must_use]
    pub fn parameter(name: impl Into<String>, reason: impl Into<String>) -> Self {
        let errors = vec![FieldProblem { field: name.into(), reason: reason.into() }];
        Self { errors, ..Code::InvalidParameter.into() }
    }

    /// A service we need did not answer.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), retry_after: Some(1), ..Code::Unavailable.into() }
    }

    /// A defect of ours.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..Code::Internal.into() }
    }

    /// The error behind it with all its sources, for the log.
    #[must_use]
    pub fn cause_chain(&self) -> Option<String> {
        self.cause.as_deref().map(|cause| Chain(cause).to_string())
    }

    /// What the client is told.
    #[must_use]
    pub fn body(&self, request_id: Option<&str>) -> ProblemBody {
        ProblemBody {
            kind: format!("/v1/docs#problem-{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            request_id: request_id.map(str::to_owned),
            errors: self.errors.clone(),
        }
    }

    /// As a response.
    #[must_use]
    pub fn response(&self, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.extend(self.headers.iter().cloned());
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Carries the problem to the guard, which logs it and adds the request id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.response(None);
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

/// Documented for each route by its rule.
impl Gives for Problem {}

/// The database refused or did not answer.
impl From<matome_store::StoreError> for Problem {
    fn from(error: matome_store::StoreError) -> Self {
        if error.is_duplicate() {
            return Self { cause: Some(error.into()), ..Code::Conflict.into() };
        }
        Self::unavailable(error)
    }
}

impl From<matome_tenancy::TenancyError> for Problem {
    fn from(error: matome_tenancy::TenancyError) -> Self {
        Self::unavailable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_kind_and_a_title() {
        for code in Code::VARIANTS {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert!(!code.title().is_empty(), "{code:?}");
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn a_cause_is_for_the_log_and_never_for_the_client() {
        let problem = Problem::unavailable("mongodb://user:secret@host".to_owned());
        let body = serde_json::to_string(&problem.body(Some("r"))).unwrap();
        assert!(!body.contains("secret"));
        assert!(problem.cause_chain().is_some_and(|cause| cause.contains("secret")));
    }
}
