//! Why a provider's answer is not there, as codes: a provider's error text can repeat what people wrote.

use std::time::Duration;

use matome_domain::summary::FallbackReason;

/// What went wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// 429; wait this long if the provider said so.
    RateLimited { retry_after: Option<Duration> },
    /// 5xx, or no connection.
    Unavailable { retry_after: Option<Duration> },
    /// No answer in time.
    Timeout,
    /// The content was refused.
    Refused,
    /// Not the structure asked for.
    Malformed,
    /// Any other 4xx: key, model or request.
    Misconfigured,
    /// The month's tokens do not suffice for the next request.
    TokenLimit,
}

impl Failure {
    /// Whether the same request may succeed a little later, and when the provider wants it.
    pub(crate) fn retry(self) -> Option<Option<Duration>> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after } => Some(retry_after),
            Self::Timeout => Some(None),
            _ => None,
        }
    }

    /// The code that the summary records.
    pub(crate) fn reason(self) -> FallbackReason {
        match self {
            Self::RateLimited { .. } => FallbackReason::RateLimited,
            Self::Unavailable { .. } => FallbackReason::Unavailable,
            Self::Timeout => FallbackReason::Timeout,
            Self::Refused => FallbackReason::Refused,
            Self::Malformed => FallbackReason::Malformed,
            Self::Misconfigured => FallbackReason::Misconfigured,
            Self::TokenLimit => FallbackReason::TokenLimit,
        }
    }
}

impl From<&genai::Error> for Failure {
    fn from(error: &genai::Error) -> Self {
        let retry_after = error.headers().and_then(|headers| {
            let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse::<f64>().ok()?;
            Duration::try_from_secs_f64(seconds).ok()
        });
        if let Some(status) = error.status() {
            return match status.as_u16() {
                429 => Self::RateLimited { retry_after },
                408 => Self::Timeout,
                500.. => Self::Unavailable { retry_after },
                _ => Self::Misconfigured,
            };
        }
        match error {
            genai::Error::WebModelCall { webc_error, .. }
            | genai::Error::WebAdapterCall { webc_error, .. } => match webc_error {
                genai::webc::Error::Reqwest(e) if e.is_timeout() => Self::Timeout,
                genai::webc::Error::Reqwest(e) if e.is_builder() => Self::Misconfigured,
                genai::webc::Error::Reqwest(_) => Self::Unavailable { retry_after: None },
                _ => Self::Malformed,
            },
            genai::Error::ChatResponseGeneration { .. }
            | genai::Error::NoChatResponse { .. }
            | genai::Error::InvalidJsonResponseElement { .. }
            | genai::Error::ChatResponse { .. } => Self::Malformed,
            _ => Self::Misconfigured,
        }
    }
}
