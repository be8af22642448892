//! Sending, with an outcome for everything that can become of a message: whether it may be sent
//! again hangs on it.

use std::time::Duration;

use reqwest::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::request::{Call, CallError, error_body, refusal, retry_after};
use super::{ErrorDetail, LineChannel, LineError};

/// What became of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// LINE took it. Not a proof of delivery: a push to someone who blocked the account ends here.
    Accepted {
        /// `X-Line-Request-Id`, for LINE's support.
        request_id: Option<String>,
        /// The messages as LINE knows them; empty when the answer's body broke off.
        sent_messages: Vec<SentMessage>,
    },
    /// 409: an earlier push with this retry key was taken; this one did nothing.
    AlreadyAccepted {
        /// `X-Line-Accepted-Request-Id`: the earlier request.
        accepted_request_id: Option<String>,
        /// What that one sent.
        sent_messages: Vec<SentMessage>,
    },
    /// The reply token was used before, is too old, or is none.
    InvalidReplyToken,
    /// 429: the month's messages are spent.
    QuotaExhausted,
    /// 429: too many calls.
    RateLimited {
        /// How long to wait, when LINE says so.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: the messages are wrong, and sending them again will not help.
    Rejected {
        /// Status.
        status: u16,
        /// Which properties are wrong.
        details: Vec<ErrorDetail>,
    },
    /// 401, or no token for this channel: the credentials are wrong.
    Unauthorized,
    /// 403: the plan or the account's permissions do not cover it.
    Forbidden,
    /// LINE did not do it, or says it failed. With a status, LINE answered 5xx; a push with its
    /// retry key can be repeated, a reply may in rare cases have gone out. Without one, LINE was
    /// never reached: nothing was sent.
    Unavailable {
        /// Status, if there was an answer.
        status: Option<u16>,
    },
    /// Time ran out or the connection broke after the request may have left: sent or not, nobody
    /// knows. A push with its retry key can be repeated; a reply cannot be told.
    Unknown,
}

impl SendOutcome {
    /// A word for what went wrong with the channel, as [`LineError::code`] has it; `None` when LINE took
    /// the message, or refused nothing but its reply token.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        Some(match self {
            Self::Accepted { .. } | Self::AlreadyAccepted { .. } | Self::InvalidReplyToken => return None,
            Self::QuotaExhausted => "quota_spent".to_owned(),
            Self::RateLimited { .. } => "rate_limited".to_owned(),
            Self::Rejected { status, .. } => format!("rejected_{status}"),
            Self::Unauthorized => "unauthorized".to_owned(),
            Self::Forbidden => "forbidden".to_owned(),
            Self::Unavailable { status: Some(status) } => format!("unavailable_{status}"),
            Self::Unavailable { status: None } => "unreachable".to_owned(),
            Self::Unknown => "no_answer".to_owned(),
        })
    }
}

/// A message that LINE took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    /// LINE's id of it.
    pub id: String,
    /// To quote it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    #[serde(default)]
    sent_messages: Vec<SentMessage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    reply_token: &'a str,
    messages: &'a [Value],
}

#[derive(Serialize)]
struct Push<'a> {
    to: &'a str,
    messages: &'a [Value],
}

#[derive(Serialize)]
struct Messages<'a> {
    messages: &'a [Value],
}

impl LineChannel {
    /// Answers an event, free of charge, with 1–5 messages. The token works once and within a
    /// minute of the event.
    pub async fn reply(&self, reply_token: &str, messages: &[Value]) -> SendOutcome {
        self.send(Call::post("/v2/bot/message/reply", &Reply { reply_token, messages })).await
    }

    /// Sends 1–5 messages to a user, group or room. Counts one message against the month's quota
    /// for each recipient, however many messages the call carries. The same `retry_key` with the
    /// same messages is taken once within 24 hours.
    pub async fn push(&self, to: &str, messages: &[Value], retry_key: Uuid) -> SendOutcome {
        let body = Push { to, messages };
        self.send(Call { retry_key: Some(retry_key), ..Call::post("/v2/bot/message/push", &body) }).await
    }

    /// Asks LINE whether it would take these messages in a push, without sending them.
    ///
    /// # Errors
    /// [`LineError::Rejected`] with what is wrong with them, and the usual ones.
    pub async fn validate_push(&self, messages: &[Value]) -> Result<(), LineError> {
        self.command(Call::post("/v2/bot/message/validate/push", &Messages { messages })).await
    }

    async fn send<B: Serialize + ?Sized>(&self, call: Call<'_, B>) -> SendOutcome {
        match self.call(&call).await {
            Ok(response) => outcome(response).await,
            Err(CallError::NoToken(e)) => match refused(e) {
                // Without a token the send itself never left.
                SendOutcome::Unknown | SendOutcome::Unavailable { .. } => {
                    SendOutcome::Unavailable { status: None }
                }
                other => other,
            },
            Err(CallError::Transport(e)) => refused(e),
        }
    }
}

async fn outcome(response: Response) -> SendOutcome {
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let request_id = header("x-line-request-id");
    let accepted_request_id = header("x-line-accepted-request-id");
    let wait = retry_after(response.headers());
    match response.status().as_u16() {
        // The status line is LINE's word; a body that breaks off does not take it back.
        200..=299 => {
            let body = response.bytes().await.unwrap_or_default();
            let sent_messages =
                serde_json::from_slice(&body).map(|s: Sent| s.sent_messages).unwrap_or_default();
            SendOutcome::Accepted { request_id, sent_messages }
        }
        409 => {
            let sent_messages = error_body(response).await.sent_messages;
            SendOutcome::AlreadyAccepted { accepted_request_id, sent_messages }
        }
        400 => {
            let body = error_body(response).await;
            if body.message.to_ascii_lowercase().contains("invalid reply token") {
                SendOutcome::InvalidReplyToken
            } else {
                SendOutcome::Rejected { status: 400, details: body.into_details() }
            }
        }
        429 => {
            // "You have reached your monthly limit."
            if error_body(response).await.message.to_ascii_lowercase().contains("monthly limit") {
                SendOutcome::QuotaExhausted
            } else {
                SendOutcome::RateLimited { retry_after: wait }
            }
        }
        _ => refused(refusal(response).await),
    }
}

fn refused(error: LineError) -> SendOutcome {
    match error {
        LineError::Unauthorized => SendOutcome::Unauthorized,
        LineError::Forbidden => SendOutcome::Forbidden,
        LineError::RateLimited { retry_after } => SendOutcome::RateLimited { retry_after },
        LineError::Rejected { status, details } => SendOutcome::Rejected { status, details },
        LineError::NotFound => SendOutcome::Rejected { status: 404, details: Vec::new() },
        LineError::Unavailable { status } => SendOutcome::Unavailable { status: Some(status) },
        LineError::Unreachable(_) | LineError::Setup(_) | LineError::Invalid { .. } => {
            SendOutcome::Unavailable { status: None }
        }
        LineError::Interrupted(_) | LineError::Malformed { .. } => SendOutcome::Unknown,
    }
}
