//! Act: one transaction for a room's facts, then everything it sets off.
//!
//! A crash before the commit leaves nothing; a crash after it leaves the facts stored and what they
//! set off undone. The queue then delivers the facts again, they are found to be stored, and what
//! is still due in the room is set off once more; the scheduler finds what no fact comes back for.

use bson::doc;
use matome_domain::ids::ConversationId;
use matome_domain::queue::{MediaJob, OutboundJob, SummaryJob};
use matome_store::entities::{OutboxEntry, Session};
use matome_store::id::document_id;
use matome_store::{StoreError, TenantStore};

use crate::context::Context;
use crate::decide::{Plan, decide};
use crate::error::RecordError;
use crate::fact::Fact;
use crate::profile;
use crate::room_key::RoomKey;
use crate::state::RoomState;

/// Records facts of one room.
///
/// # Errors
/// [`RecordError`]; nothing is half done then that a repeat does not finish.
pub async fn record(context: &Context, key: &RoomKey, facts: &[Fact]) -> Result<(), RecordError> {
    let store = context.tenants.store(&key.tenant).await?;
    let organization = context.tenants.organization(&key.tenant).await?;
    let now = context.clock.now();
    context.faults.boundary("recorder.begin")?;
    let plan = store
        .transaction(async |transaction| {
            let state = RoomState::load(transaction, &store, key, facts).await?;
            context.faults.boundary("recorder.loaded")?;
            let mut retry_keys = || context.random.uuid().to_string();
            let plan = decide(key, state, facts, &organization.settings, &mut retry_keys, now)?;
            write(context, transaction, &plan).await?;
            Ok(plan)
        })
        .await?;
    context.faults.boundary("recorder.committed")?;
    if plan.unknown_events > 0 {
        metrics::counter!("UnknownEvents").increment(plan.unknown_events as u64);
    }
    metrics::counter!("MessagesRecorded").increment(plan.new_messages.len() as u64);
    set_off(context, &store, key, &plan).await?;
    context.faults.boundary("recorder.set_off")?;
    profile::refresh(context, &store, key, &plan).await;
    Ok(())
}

async fn write(
    context: &Context,
    transaction: &mut matome_store::Transaction<'_>,
    plan: &Plan,
) -> Result<(), StoreError> {
    use matome_store::entities::{Message, Room, RoomMember, Summary, User};
    if plan.is_empty() {
        return Ok(());
    }
    transaction.insert(&plan.new_messages).await?;
    context.faults.boundary("recorder.messages")?;
    transaction.write::<Message>(plan.messages.clone()).await?;
    transaction.write::<Session>(plan.sessions.clone()).await?;
    context.faults.boundary("recorder.sessions")?;
    transaction.write::<Room>(plan.rooms.clone()).await?;
    transaction.write::<User>(plan.users.clone()).await?;
    transaction.write::<RoomMember>(plan.members.clone()).await?;
    context.faults.boundary("recorder.people")?;
    transaction.insert(&plan.events).await?;
    transaction.insert(&plan.outbox).await?;
    transaction.write::<Summary>(plan.summaries.clone()).await?;
    context.faults.boundary("recorder.written")?;
    Ok(())
}

/// Queues what the stored facts call for.
async fn set_off(
    context: &Context,
    store: &TenantStore,
    key: &RoomKey,
    plan: &Plan,
) -> Result<(), RecordError> {
    let mut summaries = plan.summary_jobs.clone();
    let mut outbound: Vec<OutboundJob> = plan.outbox.iter().map(|e| outbound_job(key, e)).collect();
    if plan.repeated {
        let (due_summaries, due_outbound) = still_due(store, key).await?;
        summaries.extend(due_summaries.into_iter().filter(|j| !plan.summary_jobs.contains(j)));
        let known: Vec<_> = plan.outbox.iter().map(|e| document_id(e.id)).collect();
        outbound.extend(due_outbound.into_iter().filter(|j| !known.contains(&j.outbox_id)));
    }
    send::<OutboundJob>(context, &outbound).await?;
    context.faults.boundary("recorder.outbound")?;
    send::<SummaryJob>(context, &summaries).await?;
    context.faults.boundary("recorder.summaries")?;
    send::<MediaJob>(context, &plan.media_jobs).await
}

async fn send<M: matome_domain::queue::QueueMessage>(
    context: &Context,
    jobs: &[M],
) -> Result<(), RecordError> {
    if jobs.is_empty() { Ok(()) } else { Ok(context.queues.send_batch(jobs).await?) }
}

/// What an earlier attempt may have left undone in the room.
async fn still_due(
    store: &TenantStore,
    key: &RoomKey,
) -> Result<(Vec<SummaryJob>, Vec<OutboundJob>), RecordError> {
    /// More is not due in one room at a time; the scheduler takes the rest.
    const LIMIT: i64 = 20;
    let room = key.room_id();
    let sessions = store.collection::<Session>();
    let summaries =
        sessions.find(doc! { "roomId": room, "status": "summarizing" }, doc! { "sessionNumber": 1 }, LIMIT);
    let outbox = store.collection::<OutboxEntry>();
    let outbound = outbox.find(doc! { "roomId": room, "state": "queued" }, doc! { "createdAt": -1 }, LIMIT);
    let (summaries, outbound) = tokio::try_join!(summaries, outbound)?;
    let summaries = summaries.iter().map(|s| SummaryJob {
        tenant_id: key.tenant.clone(),
        session_id: document_id(s.id),
        revision: u32::try_from(s.revision).unwrap_or(u32::MAX),
    });
    Ok((summaries.collect(), outbound.iter().map(|e| outbound_job(key, e)).collect()))
}

fn outbound_job(key: &RoomKey, entry: &OutboxEntry) -> OutboundJob {
    let conversation = ConversationId::new(entry.conversation_id.clone());
    OutboundJob {
        tenant_id: key.tenant.clone(),
        conversation_id: conversation.unwrap_or_else(|_| key.conversation.clone()),
        outbox_id: document_id(entry.id),
    }
}
