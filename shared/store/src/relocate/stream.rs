//! The source's change stream, as far as one tenant is concerned.
//!
//! The stream covers a database, which other tenants may share. Inserts and replacements carry the
//! document and are filtered by the server; updates and deletes carry an id only, and asking the server
//! to look up each would cost more than reading ours by id: other tenants' ids find nothing in the
//! source and are removed from the target under this tenant's id, where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use crate::entities::tenant_declarations;
use crate::relocate::apply::Pair;
use crate::relocate::error::RelocateError;
use crate::relocate::place::Id;
use crate::schema::Declaration;
use crate::store::TenantStore;
use crate::validators::RELOCATIONS;

/// How many events are brought together.
pub(super) const EVENTS: usize = 1_000;
/// How long the server waits for an event before it says that there is none.
const AWAIT: Duration = Duration::from_millis(20);

/// An event, stripped to what is needed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    operation_type: String,
    #[serde(default)]
    ns: Namespace,
    #[serde(default)]
    document_key: Document,
    /// A marker's number.
    #[serde(default)]
    number: Option<Bson>,
}

#[derive(Debug, Default, Deserialize)]
struct Namespace {
    #[serde(default)]
    coll: String,
}

/// What a turn of [`Follower::turn`] has brought.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turn {
    /// Changed documents, removed ones included.
    pub(super) changes: u64,
    /// The marker was met: everything before it is in the target.
    pub(super) met: bool,
    /// There were no more events.
    pub(super) idle: bool,
}

/// Follows the source.
pub(super) struct Follower<'a> {
    source: &'a TenantStore,
    target: &'a TenantStore,
    declarations: Vec<Declaration>,
    stream: ChangeStream<Change>,
    changed: Option<BTreeMap<&'static str, BTreeSet<Id>>>,
}

/// The tenant's document among the markers.
pub(super) fn marker_id(tenant: &TenantStore) -> String {
    format!("tenant:{}", tenant.tenant)
}

/// Writes the next marker to the source, behind everything that was written before; its number.
pub(super) async fn mark(source: &TenantStore) -> Result<i64, RelocateError> {
    let markers = source.database.collection::<Document>(RELOCATIONS);
    let step = doc! { "$inc": { "number": 1_i64 } };
    let marked = markers
        .find_one_and_update(doc! { "_id": marker_id(source) }, step)
        .upsert(true)
        .return_document(ReturnDocument::After)
        .await?;
    Ok(marked.and_then(|marker| marker.get_i64("number").ok()).unwrap_or_default())
}

impl<'a> Follower<'a> {
    /// From a token, or from now on.
    pub(super) async fn open(
        source: &'a TenantStore,
        target: &'a TenantStore,
        after: Option<ResumeToken>,
    ) -> Result<Self, RelocateError> {
        let declarations = tenant_declarations();
        let names: Vec<String> = declarations.iter().map(|d| source.name_of(d)).collect();
        let watch = source.database.watch().pipeline(pipeline(source, &names));
        let stream = watch.max_await_time(AWAIT).resume_after(after).await.map_err(of_stream)?;
        Ok(Self { source, target, declarations, stream: stream.with_type(), changed: None })
    }

    /// From now on, to be had from [`Self::take_changes`].
    pub(super) fn remember_changes(&mut self) {
        self.changed.get_or_insert_default();
    }

    /// The ids that were brought, by the entity's collection. (A stream cannot be shared between
    /// threads, and a reference into this not be held while something is waited for.)
    pub(super) fn take_changes(&mut self) -> BTreeMap<&'static str, BTreeSet<Id>> {
        self.changed.take().unwrap_or_default()
    }

    /// Up to where the source's changes are in the target.
    pub(super) fn token(&self) -> Option<ResumeToken> {
        self.stream.resume_token()
    }

    /// Brings changes until the marker is met, there are none, or there were enough for one turn.
    pub(super) async fn turn(&mut self, until: Option<i64>) -> Result<Turn, RelocateError> {
        let (mut turn, mut events) = (Turn::default(), 0);
        let mut changed: BTreeMap<String, BTreeSet<Id>> = BTreeMap::new();
        while events < EVENTS && !turn.met {
            let Some(change) = self.stream.next_if_any().await.map_err(of_stream)? else {
                // An invalidated stream has no more events, ever.
                if !self.stream.is_alive() {
                    return Err(RelocateError::SourceGone);
                }
                turn.idle = true;
                break;
            };
            events += 1;
            if change.ns.coll == RELOCATIONS {
                let number = change.number.as_ref().and_then(Bson::as_i64);
                turn.met = until.is_some_and(|until| number.is_some_and(|number| number >= until));
                continue;
            }
            match change.operation_type.as_str() {
                "insert" | "update" | "replace" | "delete" => {}
                _ => return Err(RelocateError::SourceGone),
            }
            let id = change.document_key.get("_id").cloned().unwrap_or(Bson::Null);
            changed.entry(change.ns.coll).or_default().insert(Id::from_bson(id)?);
        }
        for declaration in &self.declarations {
            if let Some(ids) = changed.remove(&self.source.name_of(declaration)) {
                if let Some(all) = &mut self.changed {
                    all.entry(declaration.collection).or_default().extend(ids.iter().cloned());
                }
                turn.changes += Pair::new(self.source, self.target, declaration).refresh(ids).await?;
            }
        }
        Ok(turn)
    }
}

fn pipeline(source: &TenantStore, names: &[String]) -> Vec<Document> {
    let ours = doc! { "ns.coll": { "$in": names }, "$or": [
        { "operationType": { "$in": ["update", "delete", "drop", "rename"] } },
        { "operationType": { "$in": ["insert", "replace"] }, "fullDocument.tenantId": source.tenant.as_str() },
    ] };
    let marker = doc! { "ns.coll": RELOCATIONS, "documentKey._id": marker_id(source) };
    let number = doc! { "$ifNull": ["$updateDescription.updatedFields.number", "$fullDocument.number"] };
    vec![
        doc! { "$match": { "$or": [ours, marker, { "operationType": "dropDatabase" }] } },
        doc! { "$project": { "operationType": 1, "ns": 1, "documentKey": 1, "number": number } },
    ]
}

/// The position has fallen off the oplog, or cannot be understood any more.
fn of_stream(error: mongodb::error::Error) -> RelocateError {
    /// InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost, CappedPositionLost.
    const LOST: [i32; 4] = [260, 280, 286, 136];
    match error.kind.as_ref() {
        mongodb::error::ErrorKind::Command(c) if LOST.contains(&c.code) => RelocateError::HistoryLost,
        _ => error.into(),
    }
}
