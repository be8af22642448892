//! Stateless channel access tokens: valid 15 minutes, issued from channel id and secret, as many
//! as wanted. One is kept per channel and renewed before it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use matome_domain::clock::Timestamp;
use serde::Deserialize;

use super::request::{classify, retry_after};
use super::{Credentials, LineChannel, LineError, Shared};

/// A token is not used in its last minute: it must survive the call that it is used for.
const MARGIN: Duration = Duration::from_secs(60);
/// Beyond this many channels, tokens that have ended are swept when one is added.
const SWEEP_ABOVE: usize = 256;

#[derive(Default)]
pub(super) struct TokenCache {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// One channel's token; the lock makes callers of one channel wait for one request.
#[derive(Default)]
struct Slot {
    token: tokio::sync::Mutex<Option<Token>>,
}

struct Token {
    /// The secret it was issued with: a rotated secret must not get the old token.
    secret: String,
    value: Arc<str>,
    ends: Timestamp,
}

impl Token {
    fn is_usable(&self, secret: &str, now: Timestamp) -> bool {
        self.secret == secret && now.plus(MARGIN) < self.ends
    }
}

impl TokenCache {
    fn slot(&self, channel_id: &str, now: Timestamp) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(channel_id) {
            return Arc::clone(slot);
        }
        if slots.len() >= SWEEP_ABOVE {
            slots.retain(|_, slot| {
                // A slot in use is kept: somebody is about to fill it.
                slot.token.try_lock().map_or(true, |t| t.as_ref().is_some_and(|t| now < t.ends))
            });
        }
        Arc::clone(slots.entry(channel_id.to_owned()).or_default())
    }
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    expires_in: u64,
}

impl LineChannel {
    /// A token that will last for a call.
    pub(super) async fn token(&self) -> Result<Arc<str>, LineError> {
        let (id, secret) = match &self.credentials {
            Credentials::Token(token) => return Ok(token.as_str().into()),
            Credentials::Secret { channel_id, channel_secret } => (channel_id, channel_secret),
        };
        let now = self.shared.clock.now();
        let slot = self.shared.tokens.slot(id, now);
        let mut token = slot.token.lock().await;
        if let Some(token) = token.as_ref().filter(|t| t.is_usable(secret, now)) {
            return Ok(Arc::clone(&token.value));
        }
        let issued = issue(&self.shared, id, secret).await?;
        let value: Arc<str> = issued.access_token.into();
        // Counted from before the request, so that the token never outlives LINE's.
        let ends = now.plus(Duration::from_secs(issued.expires_in));
        *token = Some(Token { secret: secret.clone(), value: Arc::clone(&value), ends });
        Ok(value)
    }

    /// Has a token issued now, whatever is kept: whether LINE still takes the channel's secret.
    ///
    /// # Errors
    /// [`LineError::Unauthorized`] when it does not; the usual ones.
    pub async fn check_credentials(&self) -> Result<(), LineError> {
        if let Credentials::Secret { channel_id, .. } = &self.credentials {
            *self.shared.tokens.slot(channel_id, self.shared.clock.now()).token.lock().await = None;
        }
        self.token().await.map(drop)
    }

    /// Forgets `token` after LINE refused it. Whether another may be issued.
    pub(super) async fn forget_token(&self, token: &str) -> bool {
        let Credentials::Secret { channel_id, .. } = &self.credentials else {
            return false;
        };
        let slot = self.shared.tokens.slot(channel_id, self.shared.clock.now());
        let mut kept = slot.token.lock().await;
        if kept.as_ref().is_some_and(|t| &*t.value == token) {
            *kept = None;
        }
        true
    }
}

/// `POST /oauth2/v3/token`.
async fn issue(shared: &Shared, id: &str, secret: &str) -> Result<Issued, LineError> {
    const CALL: &str = "issue stateless token";
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let url = format!("{}/oauth2/v3/token", shared.config.api_url);
    let response = shared
        .http
        .post(url)
        .form(&form)
        .timeout(shared.config.call_timeout)
        .send()
        .await
        .map_err(classify)?;
    let status = response.status().as_u16();
    match status {
        200 => response.json().await.map_err(|_| LineError::Malformed { call: CALL }),
        // OAuth 2.0 answers a wrong secret with 400 `invalid_client` or `invalid_request`.
        400 | 401 => Err(LineError::Unauthorized),
        403 => Err(LineError::Forbidden),
        429 => Err(LineError::RateLimited { retry_after: retry_after(response.headers()) }),
        500.. => Err(LineError::Unavailable { status }),
        _ => Err(LineError::Rejected { status, details: Vec::new() }),
    }
}
