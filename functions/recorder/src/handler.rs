//! `inbound.fifo` and `media` both end here; the queue's name tells which.
//!
//! A batch is split by room. What keeps every message from being recorded (no database, no
//! directory) returns the room's messages to the queue, in order. What lies in one message returns
//! that one alone: its neighbours do not wait for it, because the recorder puts messages in order
//! by their own time, and would otherwise follow it into the dead-letter queue.

use std::collections::HashMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use matome_domain::queue::{Inbound, MediaJob, QueueMessage};
use matome_runtime::batch::{Batch, BatchError, Delivery};
use matome_runtime::lambda::Chain;

use crate::context::Context;
use crate::error::RecordError;
use crate::fact::Fact;
use crate::media;
use crate::record::record;
use crate::room_key::RoomKey;

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
    let mut rooms: HashMap<RoomKey, Vec<Delivery<Inbound>>> = HashMap::new();
    for delivery in deliveries {
        rooms.entry(key_of(&delivery.message)).or_default().push(delivery);
    }
    let rooms: Vec<_> = rooms.into_iter().collect();
    let results = join_all(rooms.iter().map(|(key, room)| handle_room(context, key, room))).await;
    for failure in results.into_iter().flatten() {
        match failure {
            Failure::From(message_id) => outcome.fail(&message_id),
            Failure::Alone(message_id) => outcome.fail_alone(&message_id),
        }
    }
    let (messages, returned) = outcome.counts();
    tracing::info!(messages, rooms = rooms.len(), returned, "recorded");
    Ok(outcome.response())
}

/// Which messages go back to the queue.
enum Failure {
    /// This one and the later ones of its group.
    From(String),
    /// This one only.
    Alone(String),
}

async fn handle_room(context: &Context, key: &RoomKey, room: &[Delivery<Inbound>]) -> Vec<Failure> {
    let now = context.clock.now();
    let facts: Vec<Fact> = room.iter().map(|d| Fact::translate(d.message.clone(), now)).collect();
    let error = match record(context, key, &facts).await {
        Ok(()) => return Vec::new(),
        Err(error) => error,
    };
    log(key, &room[0], &error);
    if !error.may_be_poison() {
        return vec![Failure::From(room[0].message_id.clone())];
    }
    if let [only] = room {
        return vec![Failure::Alone(only.message_id.clone())];
    }
    let mut failures = Vec::new();
    for (delivery, fact) in room.iter().zip(&facts) {
        match record(context, key, std::slice::from_ref(fact)).await {
            Ok(()) => {}
            Err(error) => {
                log(key, delivery, &error);
                if !error.may_be_poison() {
                    failures.push(Failure::From(delivery.message_id.clone()));
                    break;
                }
                failures.push(Failure::Alone(delivery.message_id.clone()));
            }
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

fn log(key: &RoomKey, delivery: &Delivery<Inbound>, error: &RecordError) {
    metrics::counter!("RecordingsFailed").increment(1);
    tracing::warn!(
        tenant.id = %key.tenant, channel.id = %key.channel, room.id = %key.room_id(),
        attempt = delivery.receive_count, error = %Chain(error), "not recorded"
    );
}
