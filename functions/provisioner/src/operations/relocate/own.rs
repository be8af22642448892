//! A stack of the tenant's own: there before the tenant comes, gone when nothing of the tenant is left in it.
//!
//! While a tenant moves, functions on both sides work for it: those that it leaves finish what is in their
//! queues. All of them open what a data key seals that the *platform's* KMS key wraps. So the data key comes
//! under the stack's key last, and leaves it first.

use std::time::Duration;

use bson::doc;
use matome_store::time::{date, timestamp};

use super::route::{Route, StackChange};
use crate::error::ProvisionError;
use crate::operations::{rekey, stack as stacks};
use crate::stack;
use crate::step::{Progress, Work};

/// SQS's counts are right about a minute after the last change.
const COUNTS_SETTLE: Duration = Duration::from_secs(60);
/// How soon queues that are not empty are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

async fn change(work: &Work<'_>) -> Result<StackChange, ProvisionError> {
    Ok(Route::of(work.operation)?.map(|route| route.stack).unwrap_or_default())
}

/// Brings the stack about before anybody hears of the move: it takes minutes.
pub(in crate::operations) async fn stack(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if change(work).await?.arrives() { stacks::bring_about(work).await } else { Ok(Progress::done()) }
}

/// The way back: removes the stack that this operation made.
pub(super) async fn unstack(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if change(work).await? == StackChange::Made { stacks::remove(work).await } else { Ok(Progress::done()) }
}

/// Who leaves its stack has its data key wrapped by the platform's KMS key from before the move on.
pub(in crate::operations) async fn platform_key(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if change(work).await? == StackChange::Left {
        rekey::under(work, None).await
    } else {
        Ok(Progress::done())
    }
}

/// Who came to a stack has its data key wrapped by the stack's, when nobody else works for it any more.
pub(in crate::operations) async fn own_key(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if change(work).await?.arrives() { under_own(work).await } else { Ok(Progress::done()) }
}

/// The way back: a data key that came under the platform's KMS key goes under the stack's again.
pub(super) async fn own_key_again(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let left = work.operation.steps.iter().any(|step| step.name == "platform_key");
    let was_own = left && change(work).await? == StackChange::Left;
    if was_own { under_own(work).await } else { Ok(Progress::done()) }
}

async fn under_own(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let own = stack::resources(work.context, work.tenant).await?;
    let own = own.ok_or_else(|| ProvisionError::NotYet("the tenant's stack is not ready".to_owned()))?;
    rekey::under(work, Some(&own.key_arn)).await
}

/// Waits until the queues that the tenant leaves are empty, those for dead letters too: they go with the
/// stack. What is in the latter is redriven (`cargo xtask redrive`) or expires.
pub(in crate::operations) async fn drain(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if change(work).await? != StackChange::Left {
        return Ok(Progress::done());
    }
    let Some(own) = stack::resources(work.context, work.tenant).await? else { return Ok(Progress::done()) };
    let [inbound, media, summaries, outbound] = &own.dead_letter_urls;
    let queues = [
        ("inbound", &own.inbound_queue_url),
        ("media", &own.media_queue_url),
        ("summaries", &own.summaries_queue_url),
        ("outbound", &own.outbound_queue_url),
        ("inboundDeadLetters", inbound),
        ("mediaDeadLetters", media),
        ("summariesDeadLetters", summaries),
        ("outboundDeadLetters", outbound),
    ];
    let mut held = doc! {};
    for (name, url) in queues {
        let count = work.context.queues.held(url).await?;
        if count > 0 {
            held.insert(name, i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    if !held.is_empty() {
        return Ok(Progress::Wait(LOOK_AGAIN, doc! { "held": held }));
    }
    let now = work.context.clock.now();
    let empty = work.detail.get_datetime("emptySince").map_or(now, |at| timestamp(*at));
    let rest = COUNTS_SETTLE.saturating_sub(now.since(empty));
    let detail = doc! { "emptySince": date(empty) };
    Ok(if rest > Duration::ZERO { Progress::Wait(rest, detail) } else { Progress::Done(detail) })
}

/// Removes the stack that was left. Its bucket and its KMS key stay, as its template says.
pub(in crate::operations) async fn stack_gone(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if change(work).await? == StackChange::Left { stacks::remove(work).await } else { Ok(Progress::done()) }
}
