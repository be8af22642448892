//! Read the talk, have it summarized, store the summary with its way into LINE, set that off.
//!
//! A crash before the transaction leaves nothing (a provider may be asked twice); after it, a repeat
//! finds the summary stored and only sets off what is still queued. A session that changed meanwhile
//! has a job of its own for the newer revision: the older writing is thrown away.

use std::collections::HashMap;

use bson::doc;
use bson::oid::ObjectId;
use matome_ai::{TokenBudget, Written};
use matome_domain::clock::Timestamp;
use matome_domain::dialogue::{Dialogue, ImageData};
use matome_domain::ids::{ConversationId, TenantId};
use matome_domain::plan::Feature;
use matome_domain::queue::{CloseTrigger, OutboundJob, SummaryJob};
use matome_domain::session::SummaryWanted;
use matome_domain::summary::{FallbackReason, SummaryRequest};
use matome_domain::zone::utc_offset_minutes;
use matome_runtime::blobs::BlobKey;
use matome_store::collection::encode;
use matome_store::dialogue::{counts, dialogue};
use matome_store::entities::{
    AiUsage, DeliveryTarget, MediaStatus, Message, NewOutboxEntry, Organization, OutboxEntry, Purpose, Room,
    Session, SessionStatus, StoredQuarterHour, Summary, User,
};
use matome_store::id::{derived, document_id, object_id};
use matome_store::time::date;
use matome_store::{StoreError, TenantStore, Write};

use crate::context::Context;
use crate::document;
use crate::error::SummarizeError;

/// Pictures shown to a provider, the newest first; more would cost more than they tell.
const MAX_PICTURES: usize = 8;
/// Bytes of all of them together. While they are sent they are in memory several times, also as base64.
const MAX_PICTURE_BYTES: i64 = 4 * 1024 * 1024;

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A summary was stored.
    Written,
    /// There was nothing to summarize; the session is closed.
    Empty,
    /// Settings want no summary: its activity was stored, and the session is closed.
    Counted,
    /// Stored by an earlier attempt.
    Already,
    /// The session changed meanwhile; another job writes it.
    Outdated,
    /// The session is not there, or still open.
    NotDue,
    /// The tenant is suspended. Its session stays due, and the scheduler names it again and again until
    /// the tenant is served.
    Suspended,
}

impl Done {
    /// For logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Empty => "empty",
            Self::Counted => "counted",
            Self::Already => "already",
            Self::Outdated => "outdated",
            Self::NotDue => "not_due",
            Self::Suspended => "suspended",
        }
    }
}

/// Does one job. A tenant that moves while its summary is written has it written again, in its new
/// place and from what stands there.
///
/// # Errors
/// [`SummarizeError`]: the job goes back to the queue.
pub async fn write(context: &Context, job: &SummaryJob) -> Result<Done, SummarizeError> {
    if !context.tenants.is_served(&job.tenant_id).await? {
        return Ok(Done::Suspended);
    }
    context.tenants.wherever_it_lives(&job.tenant_id, async || attempt(context, job).await).await
}

async fn attempt(context: &Context, job: &SummaryJob) -> Result<Done, SummarizeError> {
    let store = context.tenants.store(&job.tenant_id).await?;
    let organization = context.tenants.organization(&job.tenant_id).await?;
    let id = object_id(&job.session_id).ok_or(SummarizeError::BadId)?;
    context.faults.boundary("summarizer.begin")?;
    let Some(session) = store.collection::<Session>().get(id).await? else { return Ok(Done::NotDue) };
    match session.status {
        SessionStatus::Active => return Ok(Done::NotDue),
        SessionStatus::Closed => {
            set_off_queued(context, &store, &session).await?;
            return Ok(Done::Already);
        }
        SessionStatus::Summarizing => {}
    }
    let room = store.collection::<Room>().get(session.room_id).await?;
    let in_order = doc! { "timestamp": 1, "_id": 1 };
    let messages = store.collection::<Message>();
    let messages = messages.find(doc! { "sessionId": session.id }, in_order, 0).await?;
    let wanted = is_wanted(&session, room.as_ref(), &organization);
    let talk =
        if wanted { read(context, &store, &session, &organization, &messages).await? } else { NOTHING };
    context.faults.boundary("summarizer.read")?;
    let written = if talk.turns.is_empty() {
        None
    } else {
        Some(summarize(context, &store, &organization, room.as_ref(), &session, &talk).await?)
    };
    context.faults.boundary("summarizer.summarized")?;
    let now = context.clock.now();
    let outcome = Outcome {
        activity: StoredQuarterHour::of(&messages),
        pictures: written.as_ref().map(|w| document::pictures_seen(&talk, w)).unwrap_or_default(),
        entries: if wanted {
            deliveries(context, &session, room.as_ref(), &organization, written.is_some(), now)
        } else {
            Vec::new()
        },
        written,
    };
    let kept = keep(context, &store, &session, &outcome, now).await?;
    if let Some(written) = &outcome.written {
        metrics::counter!("TokensUsed").increment(written.provenance.tokens_used());
    }
    if !kept {
        return Ok(Done::Outdated);
    }
    context.faults.boundary("summarizer.committed")?;
    set_off_queued(context, &store, &session).await?;
    context.faults.boundary("summarizer.set_off")?;
    match outcome.written {
        Some(written) => {
            count(&written);
            Ok(Done::Written)
        }
        None => Ok(if wanted { Done::Empty } else { Done::Counted }),
    }
}

/// Nothing was said.
const NOTHING: Dialogue = Dialogue { turns: Vec::new(), utc_offset_minutes: 0 };

/// What a session comes to.
struct Outcome {
    /// `None` where there is nothing to summarize, or no summary is wanted.
    written: Option<Written>,
    activity: Vec<StoredQuarterHour>,
    /// What was seen in which picture.
    pictures: Vec<(ObjectId, String)>,
    /// Its ways into LINE.
    entries: Vec<OutboxEntry>,
}

fn is_wanted(session: &Session, room: Option<&Room>, organization: &Organization) -> bool {
    let wanted = SummaryWanted {
        ai_enabled: room.and_then(|room| room.settings.ai_enabled),
        auto_summarize: organization.settings.auto_summarize,
        trigger: session.trigger,
        expected: session.summary.is_some() || session.summary_wish.is_some(),
    };
    wanted.is_wanted()
}

async fn read(
    context: &Context,
    store: &TenantStore,
    session: &Session,
    organization: &Organization,
    messages: &[Message],
) -> Result<Dialogue, SummarizeError> {
    let people = doc! { "_id": { "$in": &session.participants } };
    let users = store.collection::<User>().find(people, doc! { "_id": 1 }, 0).await?;
    let model = organization.settings.ai_settings.model.as_deref();
    // Who may not write is shown nothing.
    let may_write = withheld(organization, context.clock.now()).is_none();
    let pictures = if may_write && context.writers.of(model)?.sees() {
        pictures(context, store.tenant_id(), messages).await?
    } else {
        HashMap::new()
    };
    let offset = utc_offset_minutes(&organization.timezone, context.clock.now());
    Ok(dialogue(messages, &users, pictures, offset))
}

/// The pictures to show.
async fn pictures(
    context: &Context,
    tenant: &TenantId,
    messages: &[Message],
) -> Result<HashMap<ObjectId, ImageData>, SummarizeError> {
    let mut pictures = HashMap::new();
    let mut room = MAX_PICTURE_BYTES;
    for message in messages.iter().rev().filter(|m| m.message_type == "image" && counts(m)) {
        let Some(media) = message.media.as_ref().filter(|m| m.status == MediaStatus::Stored) else {
            continue;
        };
        let (Some(key), Some(media_type), Some(size)) = (&media.key, &media.mime_type, media.file_size)
        else {
            continue;
        };
        let Some(key) = BlobKey::of_tenant(tenant, key).filter(|_| size <= room) else {
            continue;
        };
        room -= size;
        let blobs = context.blobs.of(tenant).await?;
        // Looked for first: to whom the tenant's prefix alone may be listed, S3 refuses what is not there.
        if blobs.size(&key).await?.is_none() {
            continue;
        }
        if let Some(bytes) = blobs.get(&key).await? {
            pictures.insert(message.id, ImageData { media_type: media_type.clone(), bytes: bytes.to_vec() });
        }
        if pictures.len() == MAX_PICTURES {
            break;
        }
    }
    Ok(pictures)
}

async fn summarize(
    context: &Context,
    store: &TenantStore,
    organization: &Organization,
    room: Option<&Room>,
    session: &Session,
    dialogue: &Dialogue,
) -> Result<Written, SummarizeError> {
    let settings = &organization.settings.ai_settings;
    let wish = session.summary_wish.clone().unwrap_or_default();
    let of_room = || room.and_then(|r| r.settings.summary_language.clone());
    let request = SummaryRequest {
        language: wish.language.or_else(of_room).or_else(|| settings.summary_language.clone()),
        style: wish.style.unwrap_or(settings.summary_style),
        temperature: settings.temperature,
        max_tokens: settings.max_tokens,
    };
    let writer = context.writers.of(settings.model.as_deref())?;
    let budget = budget(context, store, organization).await?;
    Ok(writer.summarize(dialogue, &request, budget).await)
}

/// Why the organization gets no summaries by a provider, whatever is left of its month.
fn withheld(organization: &Organization, now: Timestamp) -> Option<FallbackReason> {
    if !organization.may_use(Feature::AiSummaries) {
        Some(FallbackReason::NotInPlan)
    } else if !organization.levels_at(now).may_use_ai() {
        Some(FallbackReason::MessageLimit)
    } else {
        None
    }
}

/// What is left of the organization's month.
async fn budget(
    context: &Context,
    store: &TenantStore,
    organization: &Organization,
) -> Result<TokenBudget, SummarizeError> {
    let now = context.clock.now();
    if let Some(why) = withheld(organization, now) {
        return Ok(TokenBudget::Withheld(why));
    }
    let limit = organization.settings.ai_settings.monthly_token_limit;
    let Some(limit) = limit else { return Ok(TokenBudget::Unlimited) };
    let (id, _) = usage_of(store.tenant_id(), now);
    let used = store.collection::<AiUsage>().get(id).await?.map_or(0, |u| u.tokens_used);
    Ok(TokenBudget::Remaining(u64::try_from(limit - used).unwrap_or(0)))
}

/// Id and name of the month's usage.
fn usage_of(tenant: &TenantId, now: Timestamp) -> (ObjectId, String) {
    let month = jiff::Timestamp::from_millisecond(now.0).map_or_else(
        |_| "unknown".to_owned(),
        |at| at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m").to_string(),
    );
    (derived(&["ai_usage", tenant.as_str(), &month]), month)
}

/// The ways a summary takes into LINE. Their ids do not depend on the revision: what was shown once
/// is not shown again when it is written anew.
fn deliveries(
    context: &Context,
    session: &Session,
    room: Option<&Room>,
    organization: &Organization,
    written: bool,
    now: Timestamp,
) -> Vec<OutboxEntry> {
    // Staff who close a session read its summary elsewhere; somebody in the room is answered there.
    let by_somebody_there = session.closed_by.is_none_or(|by| session.participants.contains(&by));
    let asked_for = session.trigger == Some(CloseTrigger::Manual) && by_somebody_there;
    let purpose = if written {
        Purpose::Summary { summary_id: document::summary_id(session.id) }
    } else if asked_for {
        Purpose::NothingToSummarize
    } else {
        return Vec::new();
    };
    let delivery = &organization.settings.delivery;
    let muted = room.is_some_and(|r| r.settings.notification_enabled == Some(false));
    let entry = |to: &str, in_room: bool| {
        let new = NewOutboxEntry {
            id: derived(&["outbox", "summary", &session.id.to_hex(), to]),
            tenant_id: session.tenant_id.clone(),
            channel_id: session.channel_id.clone(),
            conversation_id: to.to_owned(),
            room_id: in_room.then_some(session.room_id),
            purpose: purpose.clone(),
            reply_token: session.reply_token.clone().filter(|_| in_room),
            reply_only: !written,
            retry_key: context.random.uuid().to_string(),
        };
        new.queued(date(now))
    };
    match delivery.target {
        // Whoever asks in the room is answered there, even where summaries are not shown by themselves.
        DeliveryTarget::None if asked_for && !muted => vec![entry(&session.conversation_id, true)],
        DeliveryTarget::Room if !muted => vec![entry(&session.conversation_id, true)],
        DeliveryTarget::Recipients if written => {
            delivery.recipients.iter().map(|to| entry(to, *to == session.conversation_id)).collect()
        }
        DeliveryTarget::Room | DeliveryTarget::Recipients | DeliveryTarget::None => Vec::new(),
    }
}

/// Stores everything at once; `false` when the session is no longer as it was read: then only what the
/// writing cost is stored.
async fn keep(
    context: &Context,
    store: &TenantStore,
    read: &Session,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Outcome { written, activity, pictures, entries } = outcome;
    let written = written.as_ref();
    let activity = activity.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
    store
        .transaction(async |transaction| {
            let session: Option<Session> = transaction.get(read.id).await?;
            let same = session
                .as_ref()
                .is_some_and(|s| s.status == SessionStatus::Summarizing && s.revision == read.revision);
            if !same {
                if let Some(written) = written.filter(|written| written.provenance.requests > 0) {
                    transaction.write::<AiUsage>(vec![usage(store.tenant_id(), written, 0, now)]).await?;
                }
                return Ok(false);
            }
            let mut set = doc! { "status": "closed", "activity": activity.clone(), "updatedAt": date(now) };
            let mut unset = doc! { "replyToken": "" };
            let before: Option<Summary> = transaction.get(document::summary_id(read.id)).await?;
            if let (None, Some(mut before)) = (written, before.clone()) {
                // Everything was unsent or erased since: what was written of it must not outlive it.
                before.clear(date(now));
                transaction.write::<Summary>(vec![Write::put(before.id, &before)?]).await?;
                unset.insert("aiAnalysis", "");
            }
            if let Some(written) = written {
                let summary = document::summary(read, written, before.as_ref(), now);
                transaction.write::<Summary>(vec![Write::put(summary.id, &summary)?]).await?;
                context.faults.boundary("summarizer.summary")?;
                set.insert("summary", summary.id);
                set.insert("aiAnalysis", encode(&document::analysis(&written.draft))?);
                let seen = pictures.iter().map(|(picture, description)| {
                    let analysis = doc! { "description": description, "analyzedAt": date(now) };
                    Write::update(
                        *picture,
                        doc! { "$set": { "media.analysis": analysis }, "$inc": { "__v": 1 } },
                    )
                });
                transaction.write::<Message>(seen.collect()).await?;
                transaction.write::<AiUsage>(vec![usage(store.tenant_id(), written, 1, now)]).await?;
            }
            for entry in entries {
                if transaction.get::<OutboxEntry>(entry.id).await?.is_none() {
                    transaction.insert(std::slice::from_ref(entry)).await?;
                }
            }
            context.faults.boundary("summarizer.outbox")?;
            let close = doc! { "$set": set, "$unset": unset, "$inc": { "__v": 1 } };
            transaction.write::<Session>(vec![Write::update(read.id, close)]).await?;
            Ok(true)
        })
        .await
}

/// Adds to the month's usage what a writing cost, and the summaries that it came to: one or none.
fn usage(tenant: &TenantId, written: &Written, summaries: i64, now: Timestamp) -> Write {
    let (id, month) = usage_of(tenant, now);
    let tokens = i64::try_from(written.provenance.tokens_used()).unwrap_or(i64::MAX);
    let update = doc! {
        "$inc": { "summaries": summaries, "tokensUsed": tokens, "cost": written.provenance.cost.unwrap_or(0.0), "__v": 1_i64 },
        "$set": { "updatedAt": date(now) },
        "$setOnInsert": { "month": month, "createdAt": date(now) },
    };
    Write { id: id.into(), update, upsert: true }
}

/// Queues what waits in the outbox for this session's summary.
async fn set_off_queued(
    context: &Context,
    store: &TenantStore,
    session: &Session,
) -> Result<(), SummarizeError> {
    let summary = document::summary_id(session.id);
    let waiting = doc! { "roomId": session.room_id, "state": "queued" };
    let elsewhere = doc! { "purpose.summaryId": summary, "state": "queued" };
    let either = doc! { "$or": [waiting, elsewhere] };
    let entries = store.collection::<OutboxEntry>().find(either, doc! { "createdAt": 1 }, 50).await?;
    let jobs: Vec<OutboundJob> = entries
        .iter()
        .filter_map(|entry| {
            Some(OutboundJob {
                tenant_id: store.tenant_id().clone(),
                conversation_id: ConversationId::new(entry.conversation_id.clone()).ok()?,
                outbox_id: document_id(entry.id),
            })
        })
        .collect();
    if jobs.is_empty() { Ok(()) } else { Ok(context.queues.send_batch(&jobs).await?) }
}

fn count(written: &Written) {
    let provenance = &written.provenance;
    metrics::counter!("SummariesWritten").increment(1);
    metrics::histogram!("SummaryMilliseconds").record(
        // Milliseconds of a summary are far below 2^52.
        provenance.processing_time_ms as f64,
    );
    if let Some(reason) = provenance.fallback_reason {
        metrics::counter!("SummariesBuiltIn", "reason" => reason.as_str()).increment(1);
    }
}
