//! The free way out. LINE takes a reply token once and has no retry key for replies: a lost answer
//! can only be cleared up with the token itself, for as long as it lives.

use std::time::Duration;

use bson::doc;
use matome_domain::clock::Timestamp;
use matome_line::client::LineChannel;
use matome_store::TenantStore;
use matome_store::entities::{OutboxEntry, OutboxKind, OutboxState, ReplyToken};
use matome_store::time::{date, timestamp};
use serde_json::Value;

use crate::context::Context;
use crate::error::SendError;
use crate::outbox::{End, advance};
use crate::verdict::{Verdict, of_reply};

/// Calls in one go. With ten seconds a call they fit into the function's minute and, mostly, into
/// the token's.
const TRIES: u32 = 3;
/// The longest wait before the second call; it doubles.
const PAUSE: Duration = Duration::from_millis(300);

/// The entry's token, if it can still be used.
pub(crate) fn fresh_token(entry: &OutboxEntry, now: Timestamp) -> Option<&ReplyToken> {
    entry.reply_token.as_ref().filter(|t| timestamp(t.expires_at) > now)
}

/// Replies. `None`: the token is dead and nothing went out with it.
pub(crate) async fn reply(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &mut OutboxEntry,
    messages: &[Value],
) -> Result<Option<End>, SendError> {
    for attempt in 0..TRIES {
        let now = context.clock.now();
        let Some(token) = fresh_token(entry, now).map(|t| t.token.clone()) else { break };
        let begun_before = entry.reply_begun;
        if !begun_before {
            advance(store, entry, doc! { "replyBegun": true, "updatedAt": date(now) }, &[]).await?;
        }
        context.faults.boundary("sender.reply_begun")?;
        let outcome = line.reply(&token, messages).await;
        context.health.called(&entry.tenant_id, &entry.channel_id, outcome.code().as_deref());
        context.faults.boundary("sender.reply_answered")?;
        let (code, unsent) = match of_reply(outcome, begun_before) {
            Verdict::Accepted(request_id) => return Ok(Some(End::accepted(OutboxKind::Reply, request_id))),
            Verdict::TokenDead => {
                let set = doc! { "replyBegun": false, "updatedAt": date(now) };
                advance(store, entry, set, &["replyToken"]).await?;
                context.faults.boundary("sender.token_dropped")?;
                return Ok(None);
            }
            Verdict::Ambiguous(code) => return Ok(Some(End::because(OutboxState::Ambiguous, code))),
            Verdict::QuotaSpent => ("rate_limited".to_owned(), false),
            Verdict::Refused(code) => return Ok(Some(End::because(OutboxState::Failed, code))),
            Verdict::Again { code, unsent } => (code, unsent),
        };
        let set = doc! { "error": &code, "replyBegun": !unsent, "updatedAt": date(context.clock.now()) };
        advance(store, entry, set, &[]).await?;
        context.faults.boundary("sender.reply_postponed")?;
        if attempt + 1 == TRIES {
            return Err(SendError::Later(code));
        }
        tokio::time::sleep(context.random.jitter(PAUSE * 2_u32.pow(attempt))).await;
    }
    // It ran out between two calls.
    if entry.reply_begun {
        return Ok(Some(End::because(OutboxState::Ambiguous, "reply_unknown")));
    }
    Ok(None)
}
