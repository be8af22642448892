//! An entry's way from `queued` to its end. Every step is guarded by the entry's version, so that
//! of two senders that hold it at once only one goes on; the end, the ledger and the room change
//! together or not at all.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::clock::Timestamp;
use matome_store::entities::{OutboxEntry, OutboxKind, OutboxState, PushLedger, Room};
use matome_store::time::date;
use matome_store::value::to_bson;
use matome_store::{Entity, StoreError, TenantStore, Transaction, Write};

use crate::context::Context;
use crate::error::SendError;
use crate::ledger::ledger_id;
use crate::transact::transact;

/// Takes a queued entry on, counting the attempt. `None`: it is not there, or needs no sending.
pub(crate) async fn claim(
    store: &TenantStore,
    id: ObjectId,
    now: Timestamp,
) -> Result<Option<OutboxEntry>, StoreError> {
    let update = doc! { "$inc": { "attempts": 1, "__v": 1 }, "$set": { "updatedAt": date(now) } };
    store.collection::<OutboxEntry>().find_and_update(doc! { "_id": id, "state": "queued" }, update).await
}

/// Changes a queued entry on its way.
pub(crate) async fn advance(
    store: &TenantStore,
    entry: &mut OutboxEntry,
    set: Document,
    unset: &[&str],
) -> Result<(), SendError> {
    let filter = doc! { "_id": entry.id, "state": "queued", "__v": entry.version };
    let changed = store.collection::<OutboxEntry>().find_and_update(filter, update(set, unset)).await?;
    *entry = changed.ok_or(SendError::Overtaken)?;
    Ok(())
}

/// How an entry ends.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) state: OutboxState,
    /// A code; never LINE's text.
    pub(crate) code: Option<String>,
    pub(crate) sent_as: Option<OutboxKind>,
    pub(crate) request_id: Option<String>,
    /// Waits in its room for a free token from now on.
    pub(crate) waiting: Option<Waiting>,
}

/// A summary that is to be offered with the room's next free reply token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) room: ObjectId,
    pub(crate) summary: ObjectId,
    /// Takes the place of one that waits already.
    pub(crate) newer: bool,
}

impl End {
    pub(crate) fn accepted(sent_as: OutboxKind, request_id: Option<String>) -> Self {
        Self { sent_as: Some(sent_as), request_id, ..Self::new(OutboxState::Accepted, None) }
    }

    pub(crate) fn because(state: OutboxState, code: impl Into<String>) -> Self {
        Self::new(state, Some(code.into()))
    }

    pub(crate) fn with_waiting(self, waiting: Option<Waiting>) -> Self {
        Self { waiting, ..self }
    }

    fn new(state: OutboxState, code: Option<String>) -> Self {
        Self { state, code, sent_as: None, request_id: None, waiting: None }
    }

    /// Whether LINE took the message, or may have.
    fn may_be_out(&self) -> bool {
        matches!(self.state, OutboxState::Accepted | OutboxState::Ambiguous)
    }
}

/// Brings an entry to its end: what was booked for it is settled if the message is or may be out,
/// and given back if it is not.
pub(crate) async fn conclude(
    context: &Context,
    store: &TenantStore,
    entry: &OutboxEntry,
    end: &End,
) -> Result<(), SendError> {
    let now = date(context.clock.now());
    let mut set = doc! { "state": to_bson(&end.state)?, "updatedAt": now, "cost": entry.cost };
    // The body holds what was said in the room; nobody needs it any more.
    let mut unset = vec!["pushBody"];
    match &end.code {
        Some(code) => drop(set.insert("error", code)),
        None => unset.push("error"),
    }
    if let Some(sent_as) = end.sent_as {
        set.insert("sentAs", to_bson(&sent_as)?);
        set.insert("acceptedAt", now);
    }
    if let Some(request_id) = &end.request_id {
        set.insert("requestId", request_id);
    }
    if !end.may_be_out() {
        unset.push("bookedMonth");
    }
    let booked = entry.booked_month.as_ref().map(|month| {
        let field = if end.may_be_out() {
            doc! { "settled": entry.cost }
        } else {
            doc! { "booked": -entry.cost }
        };
        (ledger_id(entry, month), field)
    });
    if booked.is_none() && end.waiting.is_none() {
        return advance(store, &mut entry.clone(), set, &unset).await;
    }
    let done = transact(context, store, async |transaction| {
        if !is_ours(transaction, entry).await? {
            return Ok(false);
        }
        put::<OutboxEntry>(transaction, entry.id, update(set.clone(), &unset)).await?;
        if let Some((ledger, change)) = &booked {
            add(transaction, *ledger, change, now).await?;
        }
        if let Some(waiting) = end.waiting {
            wait_in_room(transaction, waiting, now).await?;
        }
        Ok(true)
    })
    .await?;
    if done { Ok(()) } else { Err(SendError::Overtaken) }
}

/// Takes a push back that certainly did not go out, so that the next attempt begins anew.
pub(crate) async fn unbook(
    context: &Context,
    store: &TenantStore,
    entry: &OutboxEntry,
    code: &str,
) -> Result<(), SendError> {
    let now = date(context.clock.now());
    let change =
        update(doc! { "error": code, "updatedAt": now }, &["pushBegunAt", "pushBody", "bookedMonth"]);
    let done = transact(context, store, async |transaction| {
        if !is_ours(transaction, entry).await? {
            return Ok(false);
        }
        put::<OutboxEntry>(transaction, entry.id, change.clone()).await?;
        if let Some(month) = &entry.booked_month {
            add(transaction, ledger_id(entry, month), &doc! { "booked": -entry.cost }, now).await?;
        }
        Ok(true)
    })
    .await?;
    if done { Ok(()) } else { Err(SendError::Overtaken) }
}

/// Whether the entry is still as we hold it.
pub(crate) async fn is_ours(
    transaction: &mut Transaction<'_>,
    entry: &OutboxEntry,
) -> Result<bool, StoreError> {
    let stored = transaction.get::<OutboxEntry>(entry.id).await?;
    Ok(stored.is_some_and(|e| e.state == OutboxState::Queued && e.version == entry.version))
}

/// `$set`, `$unset` and the next version.
pub(crate) fn update(set: Document, unset: &[&str]) -> Document {
    let mut update = doc! { "$set": set, "$inc": { "__v": 1 } };
    if !unset.is_empty() {
        update.insert("$unset", unset.iter().map(|f| ((*f).to_owned(), "".into())).collect::<Document>());
    }
    update
}

pub(crate) async fn put<E: Entity>(
    transaction: &mut Transaction<'_>,
    id: ObjectId,
    update: Document,
) -> Result<(), StoreError> {
    transaction.write::<E>(vec![Write::update(id, update)]).await
}

async fn add(
    transaction: &mut Transaction<'_>,
    ledger: ObjectId,
    change: &Document,
    now: bson::DateTime,
) -> Result<(), StoreError> {
    let mut by = change.clone();
    by.insert("__v", 1);
    put::<PushLedger>(transaction, ledger, doc! { "$inc": by, "$set": { "updatedAt": now } }).await
}

async fn wait_in_room(
    transaction: &mut Transaction<'_>,
    waiting: Waiting,
    now: bson::DateTime,
) -> Result<(), StoreError> {
    let room = transaction.get::<Room>(waiting.room).await?;
    if room.is_some_and(|r| waiting.newer || r.waiting_summary_id.is_none()) {
        let set = doc! { "waitingSummaryId": waiting.summary, "updatedAt": now };
        put::<Room>(transaction, waiting.room, update(set, &[])).await?;
    }
    Ok(())
}
