//! The month's quota of a channel: what LINE says of it, and what we booked.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::clock::Timestamp;
use matome_line::client::{LineChannel, Quota};
use matome_store::entities::{OutboxEntry, PushLedger};
use matome_store::id::derived;
use matome_store::time::date;
use matome_store::{TenantStore, Transaction};

use crate::context::Context;
use crate::error::SendError;
use crate::outbox::{is_ours, put, update};
use crate::quota;
use crate::transact::transact;

/// The ledger's `_id`.
pub(crate) fn ledger_id(entry: &OutboxEntry, month: &str) -> ObjectId {
    derived(&["push_ledger", &entry.tenant_id, &entry.channel_id, month])
}

/// Books `cost` and marks the push as begun, together: from then on the push may be out. `false`:
/// the quota has no room. LINE is asked when its last word is too old for either answer.
pub(crate) async fn book(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &mut OutboxEntry,
    cost: i64,
    month: &str,
    body: &str,
) -> Result<bool, SendError> {
    let ledger = store.collection::<PushLedger>().get(ledger_id(entry, month)).await?;
    let now = context.clock.now();
    if ledger.as_ref().is_none_or(|l| quota::is_stale(l, cost, now)) {
        read(context, store, line, entry, month, ledger.map_or(0, |l| l.settled)).await?;
        context.faults.boundary("sender.quota_read")?;
    }
    try_booking(context, store, entry, cost, month, body).await
}

/// Asks LINE. `settled` is what was settled before: LINE's answer has it counted.
async fn read(
    context: &Context,
    store: &TenantStore,
    line: &LineChannel,
    entry: &OutboxEntry,
    month: &str,
    settled: i64,
) -> Result<(), SendError> {
    let (limit, consumed) = tokio::try_join!(line.quota(), line.quota_consumption())?;
    context.health.called(&entry.tenant_id, &entry.channel_id, None);
    let limit = match limit {
        Quota::Unlimited => None,
        Quota::Limited(limit) => Some(i64::try_from(limit).unwrap_or(i64::MAX)),
    };
    let consumed = i64::try_from(consumed).unwrap_or(i64::MAX);
    keep_reading(context, store, entry, month, (limit, consumed, settled)).await
}

/// What LINE's 429 says: nothing is left, whatever was read before.
pub(crate) async fn spent(
    context: &Context,
    store: &TenantStore,
    entry: &OutboxEntry,
) -> Result<(), SendError> {
    let Some(month) = &entry.booked_month else { return Ok(()) };
    let Some(ledger) = store.collection::<PushLedger>().get(ledger_id(entry, month)).await? else {
        return Ok(());
    };
    let Some(limit) = ledger.limit else { return Ok(()) };
    keep_reading(context, store, entry, month, (Some(limit), limit, ledger.settled)).await
}

async fn keep_reading(
    context: &Context,
    store: &TenantStore,
    entry: &OutboxEntry,
    month: &str,
    (limit, consumed, settled): (Option<i64>, i64, i64),
) -> Result<(), SendError> {
    context.health.quota(&entry.tenant_id, &entry.channel_id, limit, consumed);
    let (id, now) = (ledger_id(entry, month), date(context.clock.now()));
    let mut set = doc! { "consumed": consumed, "settledAtReading": settled, "readAt": now, "updatedAt": now };
    let mut unset = Vec::new();
    match limit {
        Some(limit) => drop(set.insert("limit", limit)),
        None => unset.push("limit"),
    }
    let change = update(set, &unset);
    transact(context, store, async |transaction| {
        if transaction.get::<PushLedger>(id).await?.is_some() {
            return put::<PushLedger>(transaction, id, change.clone()).await;
        }
        let new = PushLedger {
            id,
            tenant_id: entry.tenant_id.clone(),
            channel_id: entry.channel_id.clone(),
            month: month.to_owned(),
            booked: 0,
            settled: 0,
            limit,
            consumed,
            settled_at_reading: 0,
            read_at: now,
            created_at: now,
            updated_at: now,
            version: 0,
        };
        transaction.insert(&[new]).await
    })
    .await?;
    Ok(())
}

/// One transaction over ledger and entry, so that a booking is neither lost nor made twice.
async fn try_booking(
    context: &Context,
    store: &TenantStore,
    entry: &mut OutboxEntry,
    cost: i64,
    month: &str,
    body: &str,
) -> Result<bool, SendError> {
    let now: Timestamp = context.clock.now();
    let begun = doc! {
        "pushBegunAt": date(now), "pushBody": body, "bookedMonth": month, "cost": cost,
        "updatedAt": date(now),
    };
    let booked = doc! { "$inc": { "booked": cost, "__v": 1 }, "$set": { "updatedAt": date(now) } };
    let held = &*entry;
    let outcome = transact(context, store, async |transaction| {
        attempt(transaction, held, cost, month, &begun, &booked).await
    })
    .await?;
    match outcome {
        Booking::NoRoom => Ok(false),
        Booking::Overtaken => Err(SendError::Overtaken),
        Booking::Done(after) => {
            *entry = *after;
            Ok(true)
        }
    }
}

enum Booking {
    Done(Box<OutboxEntry>),
    NoRoom,
    Overtaken,
}

async fn attempt(
    transaction: &mut Transaction<'_>,
    entry: &OutboxEntry,
    cost: i64,
    month: &str,
    begun: &Document,
    booked: &Document,
) -> Result<Booking, matome_store::StoreError> {
    if !is_ours(transaction, entry).await? {
        return Ok(Booking::Overtaken);
    }
    let id = ledger_id(entry, month);
    let ledger = transaction.get::<PushLedger>(id).await?;
    if !ledger.is_some_and(|l| quota::has_room(&l, cost)) {
        return Ok(Booking::NoRoom);
    }
    put::<PushLedger>(transaction, id, booked.clone()).await?;
    put::<OutboxEntry>(transaction, entry.id, update(begun.clone(), &[])).await?;
    let after = transaction.get::<OutboxEntry>(entry.id).await?;
    Ok(after.map_or(Booking::Overtaken, |e| Booking::Done(Box::new(e))))
}
