//! The way out that costs. What is to be said and its retry key are stored before the first call,
//! together with the booking: every repeat is the same request, which LINE takes once.

use std::time::Duration;

use bson::doc;
use matome_domain::clock::Timestamp;
use matome_line::client::{LineChannel, LineError};
use matome_store::TenantStore;
use matome_store::entities::{OutboxEntry, OutboxKind, OutboxState};
use matome_store::time::{date, timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::context::Context;
use crate::error::SendError;
use crate::ledger;
use crate::month::month_of;
use crate::outbox::{End, advance, unbook};
use crate::recipients::cost;
use crate::verdict::{Verdict, of_push};

/// Calls in one go.
const TRIES: u32 = 2;
/// The longest wait between them.
const PAUSE: Duration = Duration::from_millis(300);
/// LINE remembers a retry key for a day from the first request, which is never before `pushBegunAt`.
const RETRY_KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The code of a push that the quota had no room for.
pub(crate) const QUOTA_SPENT: &str = "quota_spent";

/// Books and pushes `messages`.
pub(crate) async fn push(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &mut OutboxEntry,
    messages: &[Value],
) -> Result<End, SendError> {
    let booked = book(context, store, line, entry, messages).await;
    if let Err(SendError::Line(error)) = &booked {
        context.health.called(&entry.tenant_id, &entry.channel_id, Some(&error.code()));
    }
    match booked {
        Ok(true) => {}
        Ok(false) => return Ok(End::because(OutboxState::QuotaRefused, QUOTA_SPENT)),
        // Asked what the push costs, LINE says that this account may not push at all.
        Err(SendError::Line(LineError::Unauthorized)) => {
            return Ok(End::because(OutboxState::Failed, "unauthorized"));
        }
        Err(SendError::Line(LineError::Forbidden)) => {
            return Ok(End::because(OutboxState::Failed, "forbidden"));
        }
        Err(error) => return Err(error),
    }
    context.faults.boundary("sender.booked")?;
    attempt(context, store, line, entry, false).await
}

async fn book(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &mut OutboxEntry,
    messages: &[Value],
) -> Result<bool, SendError> {
    let cost = cost(store, line, entry).await?;
    entry.cost = cost;
    context.faults.boundary("sender.counted")?;
    let month = month_of(context.clock.now());
    let body = Value::from(messages.to_vec()).to_string();
    ledger::book(context, store, line, entry, cost, &month, &body).await
}

/// Goes on with a push that was begun before.
pub(crate) async fn resume(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &mut OutboxEntry,
) -> Result<End, SendError> {
    if is_forgotten(entry, context.clock.now()) {
        return Ok(End::because(OutboxState::Ambiguous, "retry_key_expired"));
    }
    attempt(context, store, line, entry, true).await
}

/// Whether LINE no longer knows the retry key: the same push could be taken a second time.
fn is_forgotten(entry: &OutboxEntry, now: Timestamp) -> bool {
    entry.push_begun_at.is_some_and(|at| now.since(timestamp(at)) >= RETRY_KEY_LIFE)
}

async fn attempt(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &mut OutboxEntry,
    mut begun_before: bool,
) -> Result<End, SendError> {
    let retry_key = Uuid::parse_str(&entry.retry_key)?;
    let body = entry.push_body.as_deref().unwrap_or_default();
    let messages: Vec<Value> = serde_json::from_str(body).map_err(SendError::PushBody)?;
    let mut tries = 0;
    loop {
        let outcome = line.push(&entry.conversation_id, &messages, retry_key).await;
        context.health.called(&entry.tenant_id, &entry.channel_id, outcome.code().as_deref());
        context.faults.boundary("sender.push_answered")?;
        let (code, unsent) = match of_push(outcome, begun_before) {
            Verdict::Accepted(request_id) => return Ok(End::accepted(OutboxKind::Push, request_id)),
            Verdict::QuotaSpent => {
                ledger::spent(context, store, entry).await?;
                context.faults.boundary("sender.quota_spent")?;
                return Ok(End::because(OutboxState::QuotaRefused, QUOTA_SPENT));
            }
            Verdict::Ambiguous(code) => return Ok(End::because(OutboxState::Ambiguous, code)),
            Verdict::TokenDead => return Ok(End::because(OutboxState::Failed, "rejected_400")),
            Verdict::Refused(code) => return Ok(End::because(OutboxState::Failed, code)),
            Verdict::Again { code, unsent } => (code, unsent),
        };
        tries += 1;
        if tries == TRIES {
            return postpone(context, store, entry, code, unsent).await;
        }
        begun_before = !unsent;
        tokio::time::sleep(context.random.jitter(PAUSE)).await;
    }
}

async fn postpone(
    context: &Context,
    store: &TenantStore,
    entry: &mut OutboxEntry,
    code: String,
    unsent: bool,
) -> Result<End, SendError> {
    if unsent {
        unbook(context, store, entry, &code).await?;
    } else {
        let set = doc! { "error": &code, "updatedAt": date(context.clock.now()) };
        advance(store, entry, set, &[]).await?;
    }
    context.faults.boundary("sender.push_postponed")?;
    Err(SendError::Later(code))
}
