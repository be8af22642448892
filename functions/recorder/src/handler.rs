//! `inbound.fifo` and `media` both end here; the queue's name tells which.
//!
//! A batch is recorded tenant by tenant, all rooms of one in one transaction. What keeps every message from being recorded (no database, no
//! directory) returns the room's messages to the queue, in order. What lies in one message returns
//! that one alone: its neighbours do not wait for it, because the recorder puts messages in order
//! by their own time, and would otherwise follow it into the dead-letter queue. It comes back soon, for
//! its lane (a quarter of its tenant's conversations) does wait until it is among the dead letters.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use matome_domain::ids::TenantId;
use matome_domain::queue::{Inbound, MediaJob, QueueMessage};
use matome_runtime::batch::{Batch, BatchError};
use matome_runtime::lambda::Chain;

use crate::context::Context;
use crate::error::RecordError;
use crate::fact::Fact;
use crate::media;
use crate::record::record;
use crate::room_key::RoomKey;
use crate::state::RoomFacts;

/// Deals with a batch.
///
/// # Errors
/// [`BatchError`] when the event is not SQS's: the whole invocation fails.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let from_media = event
        .records
        .first()
        .and_then(|r| r.event_source_arn.as_deref())
        .is_some_and(|arn| arn.ends_with(MediaJob::QUEUE));
    if from_media { handle_media(event, context).await } else { handle_inbound(event, context).await }
}

async fn handle_inbound(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let Batch { deliveries, mut outcome } = Batch::<Inbound>::read_unordered(event)?;
    let mut tenants: BTreeMap<TenantId, Vec<Room>> = BTreeMap::new();
    let now = context.clock.now();
    for delivery in deliveries {
        if let Inbound::Event(event) = &delivery.message {
            context.health.received(event);
        }
        let key = key_of(&delivery.message);
        let rooms = tenants.entry(key.tenant.clone()).or_default();
        let fact = Fact::translate(delivery.message, now);
        match rooms.iter_mut().find(|room| room.facts.key == key) {
            Some(room) => {
                room.message_ids.push(delivery.message_id);
                room.facts.facts.push(fact);
            }
            None => rooms.push(Room {
                message_ids: vec![delivery.message_id],
                facts: RoomFacts { key, facts: vec![fact] },
            }),
        }
    }
    let rooms: usize = tenants.values().map(Vec::len).sum();
    let results = join_all(tenants.iter().map(|(tenant, rooms)| handle_tenant(context, tenant, rooms))).await;
    for failure in results.into_iter().flatten() {
        match failure {
            Failure::From(message_id) => outcome.fail(&message_id),
            Failure::Alone(message_id) => outcome.fail_alone(&message_id),
            Failure::Poison(message_id) => outcome.fail_as_poison(&message_id),
        }
    }
    context.health.flush(context.tenants.platform()).await;
    // Last: a second later it may be here again.
    context.queues.return_soon::<Inbound>(&outcome.poison()).await;
    let (messages, returned) = outcome.counts();
    tracing::info!(messages, rooms, returned, "recorded");
    Ok(outcome.response())
}

/// A room's part of the batch.
struct Room {
    /// SQS's ids, one for each fact.
    message_ids: Vec<String>,
    facts: RoomFacts,
}

/// Which messages go back to the queue.
enum Failure {
    /// This one and the later ones of its group.
    From(String),
    /// This one only.
    Alone(String),
    /// This one only, and soon: it will fail again.
    Poison(String),
}

impl Failure {
    fn of(error: &RecordError) -> fn(String) -> Self {
        if error.is_poison() {
            Self::Poison
        } else if error.may_be_poison() {
            Self::Alone
        } else {
            Self::From
        }
    }
}

/// All rooms at once; where that fails by what may lie in one message, room by room, and then fact
/// by fact.
async fn handle_tenant(context: &Context, tenant: &TenantId, rooms: &[Room]) -> Vec<Failure> {
    let all: Vec<RoomFacts> = rooms.iter().map(|room| room.facts.clone()).collect();
    match record(context, tenant, &all).await {
        Ok(()) => return Vec::new(),
        Err(error) if error.may_be_poison() && (rooms.len() > 1 || all[0].facts.len() > 1) => {
            tracing::info!(tenant.id = %tenant, error = %Chain(&error), "looking for the message that fails");
        }
        Err(error) => {
            log(&all[0].key, &error);
            let first = |room: &Room| room.message_ids[0].clone();
            return rooms.iter().map(first).map(Failure::of(&error)).collect();
        }
    }
    let mut failures = Vec::new();
    for room in rooms {
        if rooms.len() == 1 || record(context, tenant, std::slice::from_ref(&room.facts)).await.is_err() {
            failures.extend(handle_facts(context, tenant, room).await);
        }
    }
    failures
}

async fn handle_facts(context: &Context, tenant: &TenantId, room: &Room) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (message_id, fact) in room.message_ids.iter().zip(&room.facts.facts) {
        let alone = RoomFacts { key: room.facts.key.clone(), facts: vec![fact.clone()] };
        let Err(error) = record(context, tenant, &[alone]).await else { continue };
        log(&room.facts.key, &error);
        failures.push(Failure::of(&error)(message_id.clone()));
        if !error.may_be_poison() {
            break;
        }
    }
    failures
}

async fn handle_media(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, BatchError> {
    let Batch { deliveries, mut outcome } = Batch::<MediaJob>::read(event)?;
    // One at a time: a piece of media may fill much of the memory.
    for delivery in &deliveries {
        if let Err(error) = media::run(context, &delivery.message).await {
            tracing::warn!(
                tenant.id = %delivery.message.tenant_id, message.id = %delivery.message.message_id,
                attempt = delivery.receive_count, error = %Chain(&error), "media failed"
            );
            outcome.fail(&delivery.message_id);
        }
    }
    let (messages, returned) = outcome.counts();
    tracing::info!(messages, returned, "media done");
    Ok(outcome.response())
}

fn key_of(inbound: &Inbound) -> RoomKey {
    RoomKey {
        tenant: inbound.tenant_id().clone(),
        channel: inbound.channel_id().clone(),
        conversation: inbound.conversation_id().clone(),
    }
}

fn log(key: &RoomKey, error: &RecordError) {
    metrics::counter!("RecordingsFailed").increment(1);
    tracing::warn!(
        tenant.id = %key.tenant, channel.id = %key.channel, room.id = %key.room_id(),
        error = %Chain(error), "not recorded"
    );
}
