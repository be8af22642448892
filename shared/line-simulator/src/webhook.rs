//! Posting events to a channel's webhook as LINE does: signed, with two seconds to answer, and
//! again if redelivery is on and the answer was not 2xx.

use crate::signature;
use reqwest::header::{CONTENT_TYPE, HOST, USER_AGENT};
use serde::Serialize;
use serde_json::{Value, json};

use crate::simulator::{LineSimulator, SimulatorError};

/// How posting events went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The first attempt and its redeliveries.
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// Whether the last attempt was answered with 2xx.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status().is_some_and(|s| (200..300).contains(&s))
    }

    /// Status of the last attempt, if it was answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.attempts.last() {
            Some(Attempt::Answered { status }) => Some(*status),
            _ => None,
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Attempt {
    /// The webhook answered.
    Answered {
        /// Status.
        status: u16,
    },
    /// It did not answer in time.
    TimedOut,
    /// It could not be reached, or broke off.
    Failed,
}

/// A deed, the event it became, and how posting it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Performed {
    /// The event as posted.
    pub event: Value,
    /// How it went.
    pub delivery: Delivery,
}

impl Performed {
    /// The id of the message the event carries; empty when it carries none.
    #[must_use]
    pub fn message_id(&self) -> &str {
        self.event.pointer("/message/id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The event's reply token; empty when it has none.
    #[must_use]
    pub fn reply_token(&self) -> &str {
        self.event.get("replyToken").and_then(Value::as_str).unwrap_or_default()
    }
}

impl LineSimulator {
    /// Posts `events` in one signed request, as they are.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownChannel`], [`SimulatorError::NoWebhook`]. A webhook that fails is
    /// no error but a [`Delivery`] that says so.
    pub async fn post(&self, channel_id: &str, events: &[Value]) -> Result<Delivery, SimulatorError> {
        let redeliveries = self.channel(channel_id)?.redeliveries;
        let mut attempts = vec![self.attempt(channel_id, events).await?];
        let mut delivery = Delivery { attempts: attempts.clone() };
        for _ in 0..redeliveries {
            if delivery.is_accepted() {
                break;
            }
            attempts.push(self.attempt(channel_id, &redelivered(events)).await?);
            delivery = Delivery { attempts: attempts.clone() };
        }
        Ok(delivery)
    }

    /// Posts `events` once more as a redelivery: same ids and timestamps, `isRedelivery` true.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn redeliver(&self, channel_id: &str, events: &[Value]) -> Result<Delivery, SimulatorError> {
        self.post(channel_id, &redelivered(events)).await
    }

    async fn attempt(&self, channel_id: &str, events: &[Value]) -> Result<Attempt, SimulatorError> {
        let channel = self.channel(channel_id)?;
        let url = channel.webhook_url.ok_or_else(|| SimulatorError::NoWebhook(channel_id.to_owned()))?;
        let body = json!({"destination": channel.bot_user_id, "events": events}).to_string();
        let mut request = self
            .http()
            .post(url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(USER_AGENT, "LineBotWebhook/2.0")
            .header(signature::HEADER, signature::sign(channel.channel_secret.as_bytes(), body.as_bytes()));
        if let Some(host) = channel.webhook_host {
            request = request.header(HOST, host);
        }
        Ok(match request.body(body).send().await {
            Ok(response) => Attempt::Answered { status: response.status().as_u16() },
            Err(e) if e.is_timeout() => Attempt::TimedOut,
            Err(_) => Attempt::Failed,
        })
    }

    /// `webhook/test`: posts no events at all.
    pub(crate) async fn probe(&self, channel_id: &str) -> Result<Attempt, SimulatorError> {
        self.attempt(channel_id, &[]).await
    }
}

fn redelivered(events: &[Value]) -> Vec<Value> {
    events
        .iter()
        .cloned()
        .map(|mut event| {
            event["deliveryContext"] = json!({"isRedelivery": true});
            event
        })
        .collect()
}
