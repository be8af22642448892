//! What a migration is made of. Declared rather than programmed, so that every one can be counted
//! beforehand, done in batches, and gone on with.

use bson::{Bson, Document, doc};
use futures::TryStreamExt;

use crate::entity::Scope;
use crate::error::StoreError;
use crate::migrations::place::Place;

/// One version.
#[derive(Debug, Clone)]
pub struct Migration {
    /// 1, 2, 3 …; never used for something else.
    pub version: u32,
    /// What it does, in `snake_case`.
    pub name: &'static str,
    /// Where it is done.
    pub scopes: &'static [Scope],
    /// What is done, in order.
    pub up: Vec<Change>,
    /// How it is undone.
    pub down: Down,
}

/// How a migration is undone.
#[derive(Debug, Clone)]
pub enum Down {
    /// By these changes, in order.
    Changes(Vec<Change>),
    /// Not at all, and why.
    Never(&'static str),
}

/// One change to a place.
#[derive(Debug, Clone)]
pub enum Change {
    /// Makes the collections, validators and indexes that the entities declare and the place lacks.
    Ensure,
    /// Changes documents, in batches.
    Update {
        /// Collection, by its declared name.
        collection: &'static str,
        /// Which documents, and how; `None` where it does not apply to the place.
        of: fn(&Place) -> Option<Update>,
    },
    /// Gives documents a field that MongoDB cannot work out from the others, in batches.
    Compute(Compute),
    /// Drops an index that is declared no longer, if it is there.
    DropIndex {
        /// Collection, by its declared name.
        collection: &'static str,
        /// The index's keys.
        keys: fn() -> Document,
    },
}

/// A field that is worked out here, from a document's others.
#[derive(Debug, Clone, Copy)]
pub struct Compute {
    /// Collection, by its declared name.
    pub collection: &'static str,
    /// The field; documents that have it are left alone.
    pub field: &'static str,
    /// Of a whole document. One it fails for fails the migration.
    pub of: fn(Document) -> Result<Bson, bson::error::Error>,
}

/// A change of documents.
#[derive(Debug, Clone)]
pub struct Update {
    /// Documents in the old shape; a changed one must not match any more.
    pub filter: Document,
    /// Stages such as `$set` and `$unset`.
    pub pipeline: Vec<Document>,
}

impl Change {
    /// In a few words, for reports.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Ensure => "ensure declared collections, validators and indexes".to_owned(),
            Self::Update { collection, .. } => format!("update {collection}"),
            Self::Compute(Compute { collection, field, .. }) => format!("compute {field} of {collection}"),
            Self::DropIndex { collection, keys } => format!("drop index {} of {collection}", keys()),
        }
    }

    /// How many documents it would change in a place; changes nothing.
    pub(super) async fn count(&self, place: &Place) -> Result<u64, StoreError> {
        let (collection, filter) = match self {
            Self::Update { collection, of } => (collection, of(place).map(|update| update.filter)),
            Self::Compute(compute) => (&compute.collection, Some(compute.filter())),
            Self::Ensure | Self::DropIndex { .. } => return Ok(0),
        };
        let Some(filter) = filter else { return Ok(0) };
        Ok(place.collection(collection).count_documents(filter).await?)
    }
}

impl Compute {
    pub(super) fn filter(&self) -> Document {
        doc! { self.field: { "$exists": false } }
    }

    /// Gives those of a batch that still lack the field theirs; how many.
    ///
    /// A document that is changed meanwhile gets the field from whoever changes it, or is met by the next
    /// run: only the document as it was read is written to.
    pub(super) async fn apply(&self, place: &Place, ids: &[Bson]) -> Result<u64, StoreError> {
        let filter = doc! { "$and": [{ "_id": { "$in": ids } }, self.filter()] };
        let documents = place.collection(self.collection);
        let found: Vec<Document> = documents.find(filter).await?.try_collect().await?;
        let mut updates = Vec::with_capacity(found.len());
        for document in found {
            let mut as_read = doc! { "_id": document.get("_id"), "updatedAt": document.get("updatedAt") };
            as_read.extend(self.filter());
            let fail = |why| StoreError::Decode { collection: self.collection.to_owned(), why };
            let value = (self.of)(document).map_err(fail)?;
            updates.push(doc! { "q": as_read, "u": { "$set": { self.field: value } } });
        }
        if updates.is_empty() {
            return Ok(0);
        }
        place.update(self.collection, updates).await
    }
}

/// The next batch of documents in the old shape: ids behind `after`, in order.
pub(super) async fn batch(
    place: &Place,
    collection: &str,
    old: &Document,
    after: Option<&bson::Bson>,
    size: i64,
) -> Result<Vec<bson::Bson>, StoreError> {
    let mut filter = vec![old.clone()];
    filter.extend(after.map(|id| doc! { "_id": { "$gt": id } }));
    let documents = place.collection(collection);
    let find = documents.find(doc! { "$and": filter }).sort(doc! { "_id": 1 });
    let found: Vec<Document> = find.limit(size).projection(doc! { "_id": 1 }).await?.try_collect().await?;
    Ok(found.into_iter().filter_map(|mut document| document.remove("_id")).collect())
}

/// Changes those of a batch that still have the old shape; how many.
///
/// Validators are bypassed: the migration is what leads from one declaration to the other, and a
/// fence is no obstacle, because nothing is moved meanwhile.
pub(super) async fn apply(
    place: &Place,
    collection: &str,
    update: &Update,
    ids: &[bson::Bson],
) -> Result<u64, StoreError> {
    let filter = doc! { "$and": [{ "_id": { "$in": ids } }, update.filter.clone()] };
    let documents = place.collection(collection);
    let change = documents.update_many(filter, update.pipeline.clone());
    Ok(change.bypass_document_validation(true).await?.modified_count)
}
