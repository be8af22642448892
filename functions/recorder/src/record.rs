//! Act: one transaction for what happened in a tenant's rooms, then everything it sets off.
//!
//! A crash before the commit leaves nothing; a crash after it leaves the facts stored and what they
//! set off undone. The queue then delivers the facts again, they are found to be stored, and what
//! is still due in the room is set off once more; the scheduler finds what no fact comes back for.

use bson::doc;
use matome_domain::ids::{ConversationId, TenantId};
use matome_domain::queue::{MediaJob, OutboundJob, SummaryJob};
use matome_store::entities::{OutboxEntry, Session};
use matome_store::id::document_id;
use matome_store::{StoreError, TenantStore};

use crate::context::Context;
use crate::decide::{Plan, Terms, decide};
use crate::error::RecordError;
use crate::profile;
use crate::room_key::RoomKey;
use crate::state::{RoomFacts, State};

/// Records what happened in rooms of one tenant, wherever it lives: a fence refuses the whole
/// transaction, which is then decided anew from what the tenant's new place holds.
///
/// # Errors
/// [`RecordError`]; nothing is half done then that a repeat does not finish.
pub async fn record(context: &Context, tenant: &TenantId, batch: &[RoomFacts]) -> Result<(), RecordError> {
    context.tenants.wherever_it_lives(tenant, async || attempt(context, tenant, batch).await).await
}

async fn attempt(context: &Context, tenant: &TenantId, batch: &[RoomFacts]) -> Result<(), RecordError> {
    let store = context.tenants.store(tenant).await?;
    // The queue says whose channel it is; whoever could write there could say anything.
    for room in batch {
        context.tenants.channel(tenant, &room.key.channel).await?;
    }
    let organization = context.tenants.organization(tenant).await?;
    let now = context.clock.now();
    let levels = organization.levels_at(now);
    let terms = Terms { settings: &organization.settings, timezone: &organization.timezone, levels: &levels };
    context.faults.boundary("recorder.begin")?;
    let plan = store
        .transaction(async |transaction| {
            let state = State::load(transaction, &store, batch).await?;
            context.faults.boundary("recorder.loaded")?;
            let mut retry_keys = || context.random.uuid().to_string();
            let plan = decide(batch, state, terms, &mut retry_keys, now)?;
            write(context, transaction, &plan).await?;
            Ok(plan)
        })
        .await?;
    context.faults.boundary("recorder.committed")?;
    if plan.unknown_events > 0 {
        metrics::counter!("UnknownEvents").increment(plan.unknown_events as u64);
    }
    metrics::counter!("MessagesRecorded").increment(plan.new_messages.len() as u64);
    set_off(context, &store, &plan).await?;
    context.faults.boundary("recorder.set_off")?;
    profile::refresh(context, &store, &plan.stale).await;
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
    transaction.write::<Summary>(plan.ratings.clone()).await?;
    context.faults.boundary("recorder.written")?;
    Ok(())
}

/// Queues what the stored facts call for.
async fn set_off(context: &Context, store: &TenantStore, plan: &Plan) -> Result<(), RecordError> {
    let mut summaries = plan.summary_jobs.clone();
    let mut outbox = plan.outbox.clone();
    if !plan.repeated.is_empty() {
        let (due_summaries, due_outbox) = still_due(store, &plan.repeated).await?;
        summaries.extend(due_summaries.into_iter().filter(|j| !plan.summary_jobs.contains(j)));
        outbox.extend(due_outbox.into_iter().filter(|e| plan.outbox.iter().all(|own| own.id != e.id)));
    }
    let outbound: Vec<OutboundJob> =
        outbox.iter().filter_map(|e| outbound_job(store.tenant_id(), e)).collect();
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

/// What an earlier attempt may have left undone in these rooms.
async fn still_due(
    store: &TenantStore,
    rooms: &[RoomKey],
) -> Result<(Vec<SummaryJob>, Vec<OutboxEntry>), RecordError> {
    /// More is not due in a few rooms at a time; the scheduler takes the rest.
    const LIMIT: i64 = 50;
    let rooms: Vec<_> = rooms.iter().map(RoomKey::room_id).collect();
    let sessions = store.collection::<Session>();
    let summarizing = doc! { "roomId": { "$in": &rooms }, "status": "summarizing" };
    let summaries = sessions.find(summarizing, doc! { "sessionNumber": 1 }, LIMIT);
    let outbox = store.collection::<OutboxEntry>();
    let queued = doc! { "roomId": { "$in": rooms }, "state": "queued" };
    let outbound = outbox.find(queued, doc! { "createdAt": -1 }, LIMIT);
    let (summaries, outbound) = tokio::try_join!(summaries, outbound)?;
    let summaries = summaries.iter().map(|s| SummaryJob {
        tenant_id: store.tenant_id().clone(),
        session_id: document_id(s.id),
        revision: u32::try_from(s.revision).unwrap_or(u32::MAX),
    });
    Ok((summaries.collect(), outbound))
}

fn outbound_job(tenant: &TenantId, entry: &OutboxEntry) -> Option<OutboundJob> {
    Some(OutboundJob {
        tenant_id: tenant.clone(),
        // Written by us from an id that was checked when it came in.
        conversation_id: ConversationId::new(entry.conversation_id.clone()).ok()?,
        outbox_id: document_id(entry.id),
    })
}
