//! `Idempotency-Key`: a POST that is repeated with its key is answered with the first one's answer and
//! does nothing again (draft-ietf-httpapi-idempotency-key-header-07; Stripe's API does the same).
//!
//! Over DynamoDB's `ephemeral` table, with conditional writes: the first request holds the key for a
//! lease ([`LEASE`], longer than a request can run), then leaves its answer for [`KEEP`]. Unlike Stripe's,
//! an answer of 5xx is not kept: whoever repeats the request wants it done. A request whose process died
//! can be repeated after the lease; what it had done by then, it may do twice.
//!
//! An answer may hold a secret that is shown once (an API key), so it is kept only sealed, under the
//! tenant's data key ([`Sealing`]); where there is none, only its status is kept. A request's body may
//! hold a password, so its fingerprint is an HMAC under the idempotency key, which is kept nowhere.

mod answer;
mod key;
mod table;

use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;
use matome_domain::ids::TenantId;

pub use self::answer::Answer;
pub use self::key::{Fingerprint, IdempotencyKey, InvalidKey};
use self::table::{Found, Item, Table};
use crate::ephemeral::{Ephemeral, Scope};
use crate::keys::{DataKeys, KeyError, Sealed, WrappedKey};
use crate::random::Random;

/// How long a request has its key to itself. Longer than the API's function runs (28 s), so that a
/// request is never begun again while it is being done.
pub const LEASE: Duration = Duration::from_secs(60);
/// How long an answer is kept, from the first request on. After that the key is a new one.
pub const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// What answers are sealed under: the data keys of their tenant. What is of no tenant is sealed for the
/// platform's pseudo-tenant `accounts`.
#[derive(Debug, Clone)]
pub struct Sealing {
    /// The tenant.
    pub tenant: TenantId,
    /// Its data key.
    pub key: WrappedKey,
    /// Its data key before, as long as there is one: answers sealed under it are still replayed.
    pub previous: Option<WrappedKey>,
}

/// A request that has a key.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Whose the item is.
    pub scope: &'a Scope,
    /// The account or API key that calls: another caller's equal key is another key, so that nobody is
    /// answered with what somebody else may see.
    pub caller: &'a str,
    /// The key.
    pub key: &'a IdempotencyKey,
    /// What is asked for.
    pub fingerprint: Fingerprint,
    /// `None`: the answer is not kept, a repeat is [`Begun::Unreplayable`].
    pub sealing: Option<&'a Sealing>,
}

/// What a request meets.
#[derive(Debug)]
pub enum Begun {
    /// It is the first: do it, then [`Idempotency::settle`].
    New(Attempt),
    /// It was done: answer this.
    Replay(Answer),
    /// It was done, but its answer was not kept: too large, or not to be sealed or opened any more. 409.
    Unreplayable {
        /// The status of the answer.
        status: u16,
    },
    /// It is being done, or was and its process died. 409 with `Retry-After`.
    InFlight {
        /// The end of the lease: then it can be repeated if there is no answer.
        retry_after: Duration,
    },
    /// The key was used for something else. 422.
    Mismatch,
}

/// A request that has its key to itself, for [`LEASE`].
#[derive(Debug)]
#[must_use = "a request that is not settled blocks its key until the lease ends"]
pub struct Attempt {
    scope: Scope,
    pk: String,
    holder: String,
    fingerprint: String,
    keep_until: matome_domain::clock::Timestamp,
    sealing: Option<Sealing>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is kept; repeats are answered with it.
    Kept,
    /// Its status is kept; repeats are [`Begun::Unreplayable`].
    NotReplayable,
    /// Nothing is kept: the request may be tried again.
    Abandoned,
    /// The lease had ended, and the key is somebody else's now. Nothing is kept of this answer.
    Late,
}

/// Why a request could not be begun or settled. 503 for what was to begin; what was done stays done.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// DynamoDB did not answer, or refused.
    #[error("an idempotency key could not be {action}")]
    Table {
        /// `begun`, `completed` or `abandoned`.
        action: &'static str,
        /// The SDK's error, or what was missing.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// KMS did not unwrap the data key, or what is kept does not open with it.
    #[error("a kept answer could not be opened")]
    Key(#[from] KeyError),
}

/// See the module.
pub struct Idempotency {
    table: Table,
    keys: Arc<DataKeys>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Idempotency {
    /// In that table, with answers sealed under those keys.
    #[must_use]
    pub fn new(
        ephemeral: Ephemeral,
        keys: Arc<DataKeys>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { table: Table::DynamoDb(ephemeral), keys, clock, random }
    }

    /// In memory.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn in_memory(keys: Arc<DataKeys>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { table: Table::Memory(std::sync::Arc::default()), keys, clock, random }
    }

    /// Every item there is whenever it is called, as text: for tests that look for what must not be kept.
    ///
    /// # Panics
    /// When it is not [`Self::in_memory`].
    #[cfg(any(test, feature = "test-support"))]
    pub fn dump(&self) -> impl Fn() -> String + Send + Sync + use<> {
        self.table.dump()
    }

    /// Takes the key for a request, or says what became of the first one.
    ///
    /// # Errors
    /// [`IdempotencyError`]; the request must not be done then.
    pub async fn begin(&self, request: Request<'_>) -> Result<Begun, IdempotencyError> {
        let now = self.clock.now();
        let item = Item {
            fingerprint: request.fingerprint.as_str().to_owned(),
            holder: self.random.uuid().to_string(),
            until: now.plus(LEASE),
            keep_until: now.plus(KEEP),
            status: None,
            answer: None,
        };
        let pk = request.key.item(request.scope, request.caller);
        let found = self.table.begin(request.scope, &pk, &item, now).await.map_err(|e| failed("begun", e))?;
        let old = match found {
            // Ours: the SDK tried again after an answer that was lost.
            Found::Other(old) if old.holder != item.holder => old,
            Found::Free | Found::Other(_) => {
                let Item { fingerprint, holder, keep_until, .. } = item;
                let (scope, sealing) = (request.scope.clone(), request.sealing.cloned());
                return Ok(Begun::New(Attempt { scope, pk, holder, fingerprint, keep_until, sealing }));
            }
        };
        if old.fingerprint != item.fingerprint {
            return Ok(Begun::Mismatch);
        }
        let Some(status) = old.status else {
            return Ok(Begun::InFlight { retry_after: old.until.since(now) });
        };
        Ok(match self.open(&pk, old.answer, request.sealing).await? {
            Some(answer) => Begun::Replay(answer),
            None => Begun::Unreplayable { status },
        })
    }

    /// Keeps an answer for whoever repeats the request, or gives the key back: after 5xx, 408, 409 and
    /// 429, which say that it might go otherwise next time.
    ///
    /// # Errors
    /// [`IdempotencyError`]; the key is free after the lease, or kept if DynamoDB had done what it did not
    /// confirm. The answer is given all the same.
    pub async fn settle(&self, attempt: Attempt, answer: &Answer) -> Result<Settled, IdempotencyError> {
        if answer.is_final() { self.complete(attempt, answer).await } else { self.abandon(attempt).await }
    }

    /// Keeps an answer, whatever it is. Of one that is larger than [`Answer::LARGEST`] or cannot be sealed,
    /// only the status is kept.
    ///
    /// # Errors
    /// As [`Idempotency::settle`].
    pub async fn complete(&self, attempt: Attempt, answer: &Answer) -> Result<Settled, IdempotencyError> {
        let sealed = match (&attempt.sealing, answer.to_text()) {
            (Some(Sealing { tenant, key, .. }), Some(text)) => {
                match self.keys.seal(tenant, key, &field(&attempt.pk), &text).await {
                    Ok(sealed) => Some(sealed),
                    // It was done: better a repeat without its answer than doing it twice.
                    Err(error) => {
                        tracing::warn!(tenant.id = %tenant, error = %error, "an answer was not sealed");
                        None
                    }
                }
            }
            _ => None,
        };
        let settled = if sealed.is_some() { Settled::Kept } else { Settled::NotReplayable };
        let item = Item {
            fingerprint: attempt.fingerprint,
            holder: attempt.holder,
            until: self.clock.now(),
            keep_until: attempt.keep_until,
            status: Some(answer.status),
            answer: sealed.map(|sealed| sealed.as_str().to_owned()),
        };
        let is_ours = self.table.complete(&attempt.scope, &attempt.pk, item).await;
        let is_ours = is_ours.map_err(|e| failed("completed", e))?;
        Ok(if is_ours { settled } else { late() })
    }

    /// Gives the key back: the request may be tried again at once.
    ///
    /// # Errors
    /// As [`Idempotency::settle`].
    pub async fn abandon(&self, attempt: Attempt) -> Result<Settled, IdempotencyError> {
        let is_ours = self.table.abandon(&attempt.scope, &attempt.pk, &attempt.holder).await;
        let is_ours = is_ours.map_err(|e| failed("abandoned", e))?;
        Ok(if is_ours { Settled::Abandoned } else { late() })
    }

    /// `None` when it was not kept, or its data key is gone.
    async fn open(
        &self,
        pk: &str,
        kept: Option<String>,
        sealing: Option<&Sealing>,
    ) -> Result<Option<Answer>, IdempotencyError> {
        let (Some(sealed), Some(Sealing { tenant, key, previous })) = (kept.map(Sealed::from), sealing)
        else {
            return Ok(None);
        };
        let version = sealed.key_version()?;
        let mut keys = std::iter::once(key).chain(previous);
        let Some(key) = keys.find(|key| key.key_version == version) else {
            return Ok(None);
        };
        let text = self.keys.open(tenant, key, &field(pk), &sealed).await?;
        Answer::from_text(&text).map(Some).ok_or(IdempotencyError::Key(KeyError::Format))
    }
}

/// What an answer is sealed as: that of another key does not open.
fn field(pk: &str) -> String {
    format!("idempotency/{pk}")
}

fn late() -> Settled {
    metrics::counter!("IdempotencyLeasesLost").increment(1);
    tracing::warn!("a request ended after the lease of its idempotency key");
    Settled::Late
}

fn failed(action: &'static str, source: Box<dyn std::error::Error + Send + Sync>) -> IdempotencyError {
    IdempotencyError::Table { action, source }
}
