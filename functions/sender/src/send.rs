//! One outbox entry: load, decide which way it goes, go, write down what came of it.

use std::time::Duration;

use bson::doc;
use bson::oid::ObjectId;
use matome_domain::clock::Timestamp;
use matome_domain::ids::ChannelId;
use matome_domain::person::PersonStatus;
use matome_domain::queue::OutboundJob;
use matome_line::client::LineChannel;
use matome_store::TenantStore;
use matome_store::entities::{OutboxEntry, OutboxKind, OutboxState, Presence, Purpose, Room, User};
use matome_store::id::object_id;
use matome_store::time::timestamp;
use matome_tenancy::TenancyError;

use crate::context::Context;
use crate::error::SendError;
use crate::outbox::{End, Waiting, claim, conclude};
use crate::push::{self, QUOTA_SPENT};
use crate::recipients::Kind;
use crate::reply::{self, fresh_token};
use crate::words::{Words, words};

/// Attempts an entry has at least …
const ATTEMPTS: i64 = 10;
/// … and how long it has to be sent in, before it is given up.
const PATIENCE: Duration = Duration::from_secs(3 * 60 * 60);
/// Why nothing is sent where another application has the conversation.
const STANDBY: &str = "standby";

/// Sends what a job names. An entry that is not queued (any more) is done; one of a suspended tenant
/// stays queued, and the scheduler names it again and again until the tenant is served.
///
/// A tenant may move meanwhile. Nothing is sent that was not first written down, so an entry that is
/// taken on again in the new place is there as it was: begun, if it was begun, and with its retry key.
pub(crate) async fn send(context: &Context, job: &OutboundJob) -> Result<(), SendError> {
    if !context.tenants.is_served(&job.tenant_id).await? {
        metrics::counter!("SendsSuspended").increment(1);
        tracing::debug!(tenant.id = %job.tenant_id, outbox.id = %job.outbox_id, "the tenant is suspended");
        return Ok(());
    }
    context.tenants.wherever_it_lives(&job.tenant_id, async || attempt(context, job).await).await
}

async fn attempt(context: &Context, job: &OutboundJob) -> Result<(), SendError> {
    let id = object_id(&job.outbox_id).ok_or(SendError::BadId)?;
    let store = context.tenants.store(&job.tenant_id).await?;
    context.faults.boundary("sender.begin")?;
    let Some(mut entry) = claim(&store, id, context.clock.now()).await? else {
        tracing::debug!(tenant.id = %job.tenant_id, outbox.id = %id, "nothing to send");
        return Ok(());
    };
    context.faults.boundary("sender.claimed")?;
    let end = way_out(context, job, &store, &mut entry).await?;
    // What LINE said is known only here: it is written down wherever the entry is by now.
    let tenant = &job.tenant_id;
    let note = async || conclude(context, &context.tenants.store(tenant).await?, &entry, &end).await;
    context.tenants.wherever_it_lives(tenant, note).await?;
    context.faults.boundary("sender.concluded")?;
    if end.state == OutboxState::Accepted {
        context.health.sent(&entry.tenant_id, &entry.channel_id);
    }
    tell(&entry, &end);
    Ok(())
}

async fn way_out(
    context: &Context,
    job: &OutboundJob,
    store: &TenantStore,
    entry: &mut OutboxEntry,
) -> Result<End, SendError> {
    let now = context.clock.now();
    let begun = entry.reply_begun || entry.push_begun_at.is_some();
    if is_given_up(entry, now) {
        return Ok(End::because(unsent_or_unknown(begun), "gave_up"));
    }
    if entry.reply_begun && fresh_token(entry, now).is_none() {
        // Whether the reply went out can no longer be found out.
        return Ok(End::because(OutboxState::Ambiguous, "reply_unknown"));
    }
    let room = match entry.room_id {
        Some(room) => store.collection::<Room>().get(room).await?,
        None => None,
    };
    if !begun && is_absent(store, entry, room.as_ref()).await? {
        return with_waiting(store, entry, End::because(OutboxState::Blocked, "absent")).await;
    }
    if !begun && is_standby(store, entry, room.as_ref()).await? {
        return with_waiting(store, entry, End::because(OutboxState::Blocked, STANDBY)).await;
    }
    let Some(line) = line(context, job, entry).await? else {
        return Ok(End::because(unsent_or_unknown(begun), "no_channel"));
    };
    if entry.push_begun_at.is_some() {
        let end = push::resume(context, store, &line, entry).await?;
        return with_waiting(store, entry, end).await;
    }
    let organization = context.tenants.organization(&job.tenant_id).await?;
    let messages = match words(store, &organization, entry, room.as_ref()).await? {
        Words::Messages(messages) => messages,
        Words::Nothing(code) => return Ok(End::because(unsent_or_unknown(begun), code)),
        Words::NotYet if entry.reply_only && !begun => {
            return with_waiting(store, entry, End::because(OutboxState::Failed, "being_rewritten")).await;
        }
        Words::NotYet => return Err(SendError::Later("being_rewritten".to_owned())),
    };
    context.faults.boundary("sender.worded")?;
    if fresh_token(entry, context.clock.now()).is_some()
        && let Some(end) = reply::reply(context, store, &line, entry, &messages).await?
    {
        return Ok(end);
    }
    if entry.reply_only || matches!(entry.purpose, Purpose::SummaryReady { .. }) {
        return with_waiting(store, entry, End::because(OutboxState::Failed, "token_expired")).await;
    }
    if declines(store, entry).await? {
        return Ok(End::because(OutboxState::Blocked, "declined"));
    }
    let end = push::push(context, store, &line, entry, &messages).await?;
    with_waiting(store, entry, end).await
}

fn is_given_up(entry: &OutboxEntry, now: Timestamp) -> bool {
    entry.attempts > ATTEMPTS && now.since(timestamp(entry.created_at)) > PATIENCE
}

fn unsent_or_unknown(begun: bool) -> OutboxState {
    if begun { OutboxState::Ambiguous } else { OutboxState::Failed }
}

/// Whether the bot is not heard there: removed from the group, or blocked by the person.
async fn is_absent(store: &TenantStore, entry: &OutboxEntry, room: Option<&Room>) -> Result<bool, SendError> {
    if let Some(room) = room {
        return Ok(room.presence == Presence::Absent);
    }
    if Kind::of(&entry.conversation_id) != Kind::User {
        return Ok(false);
    }
    let user = store.collection::<User>().find_one(doc! { "lineUserId": &entry.conversation_id }).await?;
    Ok(user.is_some_and(|u| u.status == PersonStatus::Inactive))
}

/// Whether another application has the conversation by now: LINE wants nothing of ours in it.
async fn is_standby(
    store: &TenantStore,
    entry: &OutboxEntry,
    room: Option<&Room>,
) -> Result<bool, SendError> {
    let standby = |room: &Room| room.mode.is_some_and(|mode| mode.standby);
    match room {
        Some(room) => Ok(standby(room)),
        None => Ok(chat(store, entry).await?.is_some_and(|room| standby(&room))),
    }
}

/// Whether it is a summary for somebody who wants none pushed to them. What they ask for is answered all the same.
async fn declines(store: &TenantStore, entry: &OutboxEntry) -> Result<bool, SendError> {
    let told = matches!(entry.purpose, Purpose::Summary { .. });
    if !told || Kind::of(&entry.conversation_id) != Kind::User {
        return Ok(false);
    }
    let user = store.collection::<User>().find_one(doc! { "lineUserId": &entry.conversation_id }).await?;
    Ok(user.is_some_and(|user| user.preferences.decline_summaries()))
}

/// The room of an entry that is of none: somebody's 1:1 chat, or a group, that a summary is pushed to.
async fn chat(store: &TenantStore, entry: &OutboxEntry) -> Result<Option<Room>, SendError> {
    let chat = doc! { "channelId": &entry.channel_id, "conversationId": &entry.conversation_id };
    Ok(store.collection::<Room>().find_one(chat).await?)
}

/// LINE as the entry's channel; `None` when the tenant has no such channel (any more).
async fn line(
    context: &Context,
    job: &OutboundJob,
    entry: &OutboxEntry,
) -> Result<Option<LineChannel>, TenancyError> {
    let Ok(channel) = ChannelId::new(entry.channel_id.as_str()) else { return Ok(None) };
    match context.channels.line(&context.tenants, &job.tenant_id, &channel).await {
        Ok(line) => Ok(Some(line)),
        Err(TenancyError::UnknownChannel(_) | TenancyError::NotTheirs { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A summary that the quota or standby kept back waits for its room's next free token, and one whose
/// announcement did not go out waits on, unless a newer one does.
async fn with_waiting(store: &TenantStore, entry: &OutboxEntry, end: End) -> Result<End, SendError> {
    let waiting = match entry.purpose {
        Purpose::Summary { summary_id } if matches!(end.code.as_deref(), Some(QUOTA_SPENT | STANDBY)) => {
            waiting(store, entry, summary_id, true).await?
        }
        Purpose::SummaryReady { summary_id } => waiting(store, entry, summary_id, false).await?,
        _ => None,
    };
    Ok(end.with_waiting(waiting))
}

/// Where a summary waits: in the entry's room, or in the 1:1 chat of somebody it was to be pushed to.
async fn waiting(
    store: &TenantStore,
    entry: &OutboxEntry,
    summary: ObjectId,
    newer: bool,
) -> Result<Option<Waiting>, SendError> {
    let room = match entry.room_id {
        Some(room) => Some(room),
        None => chat(store, entry).await?.map(|room| room.id),
    };
    Ok(room.map(|room| Waiting { room, summary, newer }))
}

/// The one log line of an entry's end, and its metrics.
fn tell(entry: &OutboxEntry, end: &End) {
    let (state, metric) = match end.state {
        OutboxState::Accepted => ("accepted", "MessagesAccepted"),
        OutboxState::QuotaRefused => ("quota_refused", "QuotaRefused"),
        OutboxState::Blocked => ("blocked", "Blocked"),
        OutboxState::Ambiguous => ("ambiguous", "Ambiguous"),
        OutboxState::Failed | OutboxState::Queued => ("failed", "Failed"),
    };
    let sent_as = end.sent_as.map(|kind| match kind {
        OutboxKind::Reply => "reply",
        OutboxKind::Push => "push",
    });
    match sent_as {
        Some(kind) => metrics::counter!(metric, "as" => kind).increment(1),
        None => metrics::counter!(metric).increment(1),
    }
    if end.sent_as == Some(OutboxKind::Push) {
        metrics::counter!("PushCost").increment(u64::try_from(entry.cost).unwrap_or_default());
    }
    tracing::info!(
        tenant.id = %entry.tenant_id, channel.id = %entry.channel_id, outbox.id = %entry.id,
        attempts = entry.attempts, cost = entry.cost, line.request_id = end.request_id,
        code = end.code, sent_as, state, "outbox entry ended"
    );
}
