//! Why a call did not work, without what was in it.

use std::time::Duration;

use serde::Deserialize;

/// Why a call did not work. `Display` never shows tokens, ids, URLs or bodies.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The HTTP client could not be set up.
    #[error("HTTP client set-up failed")]
    Setup(#[source] reqwest::Error),
    /// 401, or the token endpoint refused the channel's id and secret.
    #[error("LINE refused the channel's credentials")]
    Unauthorized,
    /// 403: the plan or the account's permissions do not cover the call.
    #[error("the LINE account may not make this call")]
    Forbidden,
    /// 404 where there should be something.
    #[error("LINE does not know what was asked for")]
    NotFound,
    /// 429: too many calls.
    #[error("LINE's rate limit is reached")]
    RateLimited {
        /// How long to wait, when LINE says so.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: the request is wrong.
    #[error("LINE refused the request with status {status}: {}", properties(.details))]
    Rejected {
        /// Status.
        status: u16,
        /// Which properties are wrong.
        details: Vec<ErrorDetail>,
    },
    /// 5xx.
    #[error("LINE failed with status {status}")]
    Unavailable {
        /// Status.
        status: u16,
    },
    /// No connection could be made: LINE has seen nothing of the call.
    #[error("LINE cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The connection broke or the time ran out after the call may have left.
    #[error("the call to LINE was cut off")]
    Interrupted(#[source] reqwest::Error),
    /// The answer is not what LINE documents.
    #[error("LINE's answer to {call} is not understood")]
    Malformed {
        /// The call.
        call: &'static str,
    },
    /// An argument that cannot be put into a call.
    #[error("{argument} {reason}")]
    Invalid {
        /// The argument.
        argument: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl LineError {
    /// A word for it, as it is kept in records: never LINE's text.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Setup(_) => "setup".to_owned(),
            Self::Unauthorized => "unauthorized".to_owned(),
            Self::Forbidden => "forbidden".to_owned(),
            Self::NotFound => "rejected_404".to_owned(),
            Self::RateLimited { .. } => "rate_limited".to_owned(),
            Self::Rejected { status, .. } => format!("rejected_{status}"),
            Self::Unavailable { status } => format!("unavailable_{status}"),
            Self::Unreachable(_) => "unreachable".to_owned(),
            Self::Interrupted(_) => "no_answer".to_owned(),
            Self::Malformed { .. } => "not_understood".to_owned(),
            Self::Invalid { .. } => "invalid".to_owned(),
        }
    }

    /// Whether the same call may work later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Unreachable(_) | Self::Interrupted(_)
        )
    }
}

/// One complaint of LINE about a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ErrorDetail {
    /// What is wrong, in LINE's words.
    #[serde(default)]
    pub message: String,
    /// Where, such as `messages[0].text`.
    #[serde(default)]
    pub property: String,
}

fn properties(details: &[ErrorDetail]) -> String {
    let named: Vec<_> = details.iter().map(|d| d.property.as_str()).filter(|p| !p.is_empty()).collect();
    if named.is_empty() { "no property named".to_owned() } else { named.join(", ") }
}

/// LINE's error body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) details: Vec<ErrorDetail>,
    #[serde(default)]
    pub(super) sent_messages: Vec<super::SentMessage>,
}

impl ErrorBody {
    /// The details; where LINE gives a message alone ("Failed to send messages"), that one without
    /// a property.
    pub(super) fn into_details(self) -> Vec<ErrorDetail> {
        if self.details.is_empty() && !self.message.is_empty() {
            return vec![ErrorDetail { message: self.message, property: String::new() }];
        }
        self.details
    }
}
