//! One place: what is due there goes to its queue, and only then is marked, so that a crash
//! between the two queues it twice, which every consumer bears, and never not at all.

use std::collections::HashMap;
use std::time::Duration;

use bson::oid::ObjectId;
use matome_domain::ids::{ChannelId, ConversationId, InvalidId};
use matome_domain::queue::{
    CloseSession, CloseTrigger, Inbound, MediaJob, OutboundJob, QueueMessage, SummaryJob,
};
use matome_store::Entity;
use matome_store::entities::{Message, OutboxEntry, Session};
use matome_store::id::document_id;
use matome_store::sweep::{DueOutbox, DueSession, Sweep};
use matome_tenancy::CellSweep;

use crate::error::SweepError;
use crate::handler::{Run, Swept};

/// How long a summary may take: as long as the summarizer's own time-out.
const SUMMARY: Duration = Duration::from_secs(5 * 60);
/// How long an entry may lie that nobody tried to send: its job was lost.
const UNTRIED: Duration = Duration::from_secs(2 * 60);
/// How long one that was tried may lie: longer than its job is invisible on the queue (6 minutes),
/// so that the sweep does not add a second one.
const TRIED: Duration = Duration::from_secs(10 * 60);
/// How long media may take from one attempt to the next: a job is held back for 15 minutes at most, and one
/// whose attempt died is invisible for 12 more, so that the sweep does not add a second one.
const MEDIA: Duration = Duration::from_secs(30 * 60);

/// Documents looked at in one go.
const PAGE: usize = 100;
/// Pages of one kind in one run; the next minute takes the rest.
const PAGES: usize = 50;

/// Sweeps one place and counts what it queued, also when it fails half way.
///
/// # Errors
/// [`SweepError`].
pub async fn sweep(run: Run<'_>, found: &CellSweep, swept: &mut Swept) -> Result<(), SweepError> {
    expired(run, &found.place, &mut swept.expired).await?;
    stuck_summaries(run, found, &mut swept.summaries).await?;
    stuck_outbox(run, found, &mut swept.outbound).await?;
    stuck_media(run, found, &mut swept.media).await
}

/// Sessions whose time is up. They are not marked: closing moves them on, and SQS drops what is
/// asked for again within five minutes (see the deduplication id of [`Inbound`]).
async fn expired(run: Run<'_>, place: &Sweep, queued: &mut usize) -> Result<(), SweepError> {
    for page in 0..PAGES {
        let due = place.expired_sessions(run.now, (page * PAGE) as u64, limit()).await?;
        let mut by_queue: HashMap<Option<String>, Vec<Inbound>> = HashMap::new();
        for (channel, close) in due.iter().filter_map(|s| readable(s.id, close(s))) {
            let record = run.context.tenants.directory().channel(&channel).await?;
            let own_queue = record.and_then(|r| r.inbound_queue_url.clone());
            by_queue.entry(own_queue).or_default().push(close);
        }
        for (url, closes) in by_queue {
            run.context.queues.send_batch_to(url.as_deref(), &closes).await?;
            *queued += closes.len();
        }
        run.context.faults.boundary("scheduler.expired")?;
        if due.len() < PAGE || !run.has_time() {
            break;
        }
    }
    Ok(())
}

async fn stuck_summaries(run: Run<'_>, found: &CellSweep, queued: &mut usize) -> Result<(), SweepError> {
    for _ in 0..PAGES {
        let due = found.place.stuck_sessions(run.now.minus(SUMMARY), limit()).await?;
        let jobs = due.iter().map(|s| SummaryJob {
            tenant_id: s.tenant_id.clone(),
            session_id: document_id(s.id),
            revision: u32::try_from(s.revision).unwrap_or(u32::MAX),
        });
        let ids = due.iter().map(|s| s.id).collect();
        if !redrive::<Session, _>(run, found, ids, jobs.collect(), queued).await? {
            break;
        }
    }
    Ok(())
}

async fn stuck_outbox(run: Run<'_>, found: &CellSweep, queued: &mut usize) -> Result<(), SweepError> {
    for _ in 0..PAGES {
        let due = found.place.stuck_outbox(run.now.minus(UNTRIED), run.now.minus(TRIED), limit()).await?;
        let jobs = due.iter().filter_map(|e| readable(e.id, outbound(e)));
        let ids = due.iter().map(|e| e.id).collect();
        if !redrive::<OutboxEntry, _>(run, found, ids, jobs.collect(), queued).await? {
            break;
        }
    }
    Ok(())
}

async fn stuck_media(run: Run<'_>, found: &CellSweep, queued: &mut usize) -> Result<(), SweepError> {
    for _ in 0..PAGES {
        let due = found.place.stuck_media(run.now.minus(MEDIA), limit()).await?;
        let jobs =
            due.iter().map(|m| MediaJob { tenant_id: m.tenant_id.clone(), message_id: document_id(m.id) });
        let ids = due.iter().map(|m| m.id).collect();
        if !redrive::<Message, _>(run, found, ids, jobs.collect(), queued).await? {
            break;
        }
    }
    Ok(())
}

/// Queues, then marks. Whether another page may follow.
async fn redrive<E: Entity, M: QueueMessage>(
    run: Run<'_>,
    found: &CellSweep,
    ids: Vec<ObjectId>,
    jobs: Vec<M>,
    queued: &mut usize,
) -> Result<bool, SweepError> {
    if ids.is_empty() {
        return Ok(false);
    }
    let own_queue = run.context.tenants.queue_of_place::<M>(found).await?;
    run.context.queues.send_batch_to(own_queue.as_deref(), &jobs).await?;
    *queued += jobs.len();
    run.context.faults.boundary("scheduler.queued")?;
    let all = found.place.mark_redriven::<E>(&ids, run.now).await?;
    run.context.faults.boundary("scheduler.marked")?;
    Ok(all && ids.len() == PAGE && run.has_time())
}

fn close(session: &DueSession) -> Result<(ChannelId, Inbound), InvalidId> {
    let channel_id = ChannelId::new(session.channel_id.as_str())?;
    let close = CloseSession {
        tenant_id: session.tenant_id.clone(),
        channel_id: channel_id.clone(),
        conversation_id: ConversationId::new(session.conversation_id.as_str())?,
        session_id: document_id(session.id),
        trigger: CloseTrigger::TimeLimit,
        closed_by: None,
    };
    Ok((channel_id, Inbound::Close(close)))
}

fn outbound(entry: &DueOutbox) -> Result<OutboundJob, InvalidId> {
    Ok(OutboundJob {
        tenant_id: entry.tenant_id.clone(),
        conversation_id: ConversationId::new(entry.conversation_id.as_str())?,
        outbox_id: document_id(entry.id),
    })
}

/// Leaves out a document whose ids are none, aloud: no queue takes it.
fn readable<T>(id: ObjectId, job: Result<T, InvalidId>) -> Option<T> {
    match job {
        Ok(job) => Some(job),
        Err(error) => {
            metrics::counter!("DocumentsUnreadable").increment(1);
            tracing::error!(document.id = %id, %error, "a document cannot be queued");
            None
        }
    }
}

fn limit() -> i64 {
    i64::try_from(PAGE).expect("a page is small")
}
