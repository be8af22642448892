//! Reading and changing one document for the API, with its version: a change is made to the document that
//! was looked at or not at all.

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use mongodb::options::ReturnDocument;

use super::view::version;
use super::{DeletePolicy, Exposed, Refusal, Shown, Update, projection};
use crate::collection::{Collection, encode};
use crate::error::StoreError;

/// How often a change without a version is tried on a document that others change as well.
const ATTEMPTS: u32 = 8;

/// What came of a change.
#[derive(Debug, Clone)]
pub enum Outcome<T> {
    /// It is made.
    Done(T),
    /// There is no such document; or it is deleted, or for a restore, it is not.
    NotFound,
    /// The document is not as the caller knew it.
    VersionMismatch {
        /// The version it has.
        current: i64,
    },
    /// The document as it is does not allow it.
    Refused(Refusal),
}

/// A document before and after. Both are the same when there was nothing to change.
#[derive(Debug)]
pub struct Changed<E: Exposed> {
    /// Before.
    pub before: Shown<E>,
    /// After.
    pub after: Shown<E>,
}

/// Whether the deleted or the others are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Live,
    Deleted,
}

impl<E: Exposed> Collection<E> {
    fn one(&self, id: Bson, which: Which) -> Document {
        let mut filter = doc! { "_id": id };
        if E::DELETE == DeletePolicy::Soft {
            let deleted = if which == Which::Live { Bson::Null } else { doc! { "$ne": Bson::Null }.into() };
            filter.insert("deletedAt", deleted);
        }
        self.scoped(filter)
    }

    /// The document with this id, unless it is deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get_live(&self, id: impl Into<Bson>) -> Result<Option<E>, StoreError> {
        Ok(self.inner.find_one(self.one(id.into(), Which::Live)).await?)
    }

    /// The same as it is shown; with `deleted`, of a deleted one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn show(&self, id: impl Into<Bson>, deleted: bool) -> Result<Option<Shown<E>>, StoreError> {
        self.show_within(id, Document::new(), deleted).await
    }

    /// The same if `filter` holds as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn show_within(
        &self,
        id: impl Into<Bson>,
        filter: Document,
        deleted: bool,
    ) -> Result<Option<Shown<E>>, StoreError> {
        let mut one = self.one(id.into(), if deleted { Which::Deleted } else { Which::Live });
        if !filter.is_empty() {
            one.insert("$and", vec![filter]);
        }
        let documents = self.inner.clone_with_type::<Document>();
        let found = documents.find_one(one).projection(projection::<E>()).await?;
        found.map(Shown::of).transpose()
    }

    /// Inserts a document and shows it.
    ///
    /// # Errors
    /// As [`Self::insert`]: [`StoreError::is_duplicate`] tells that there is one already.
    pub async fn create(&self, entity: &E) -> Result<Shown<E>, StoreError> {
        self.insert(entity).await?;
        Shown::of(encode(entity)?)
    }

    /// Takes back what was made a moment ago and must not stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw(&self, id: impl Into<Bson>) -> Result<(), StoreError> {
        self.inner.delete_one(self.one(id.into(), Which::Live)).await?;
        Ok(())
    }

    /// Changes the document as `change` says of it, if it still has the version `expected` (or, with none,
    /// whichever it has). `updatedAt` and `__v` follow by themselves; a change of nothing changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn patch_versioned(
        &self,
        id: impl Into<Bson>,
        expected: Option<i64>,
        now: DateTime,
        change: impl Fn(&E) -> Result<Update, Refusal>,
    ) -> Result<Outcome<Changed<E>>, StoreError> {
        self.change(id.into(), Which::Live, expected, now, change).await
    }

    /// Marks the document as deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Panics
    /// For an entity that is not deleted softly.
    pub async fn soft_delete(
        &self,
        id: impl Into<Bson>,
        expected: Option<i64>,
        by: Option<ObjectId>,
        now: DateTime,
    ) -> Result<Outcome<Changed<E>>, StoreError> {
        assert!(E::DELETE == DeletePolicy::Soft, "{} is not deleted softly", E::COLLECTION);
        let change = |_: &E| {
            let update = Update::new().stamp("deletedAt");
            Ok(by.into_iter().fold(update, |update, by| update.set("deletedBy", &by)))
        };
        self.change(id.into(), Which::Live, expected, now, change).await
    }

    /// Puts a deleted document back.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Panics
    /// For an entity that is not deleted softly.
    pub async fn restore(
        &self,
        id: impl Into<Bson>,
        expected: Option<i64>,
        now: DateTime,
    ) -> Result<Outcome<Changed<E>>, StoreError> {
        assert!(E::DELETE == DeletePolicy::Soft, "{} is not deleted softly", E::COLLECTION);
        let change = |_: &E| Ok(Update::new().unset("deletedAt").unset("deletedBy"));
        self.change(id.into(), Which::Deleted, expected, now, change).await
    }

    /// Takes the document away for good and tells what it was.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Panics
    /// For an entity that is not deleted for good.
    pub async fn hard_delete(
        &self,
        id: impl Into<Bson>,
        expected: Option<i64>,
    ) -> Result<Outcome<Shown<E>>, StoreError> {
        assert!(E::DELETE == DeletePolicy::Hard, "{} is not deleted for good", E::COLLECTION);
        let documents = self.inner.clone_with_type::<Document>();
        let one = self.one(id.into(), Which::Live);
        let filter = expected.map_or_else(|| one.clone(), |expected| at_version(one.clone(), expected));
        if let Some(gone) = documents.find_one_and_delete(filter).await? {
            return Ok(Outcome::Done(Shown::of(gone)?));
        }
        Ok(match documents.find_one(one).projection(doc! { "__v": 1 }).await? {
            Some(other) => Outcome::VersionMismatch { current: version(&other) },
            None => Outcome::NotFound,
        })
    }

    async fn change(
        &self,
        id: Bson,
        which: Which,
        expected: Option<i64>,
        now: DateTime,
        change: impl Fn(&E) -> Result<Update, Refusal>,
    ) -> Result<Outcome<Changed<E>>, StoreError> {
        let documents = self.inner.clone_with_type::<Document>();
        let one = self.one(id, which);
        let mut current = 0;
        for _ in 0..ATTEMPTS {
            let Some(document) = documents.find_one(one.clone()).await? else {
                return Ok(Outcome::NotFound);
            };
            current = version(&document);
            if expected.is_some_and(|expected| expected != current) {
                break;
            }
            let before = Shown::of(document.clone())?;
            let update = match change(&decode(document)?) {
                Ok(update) => update,
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            };
            if update.is_empty() {
                return Ok(Outcome::Done(Changed { after: before.clone(), before }));
            }
            let mut update = update.stamp("updatedAt").operators(now)?;
            update.insert("$inc", doc! { "__v": 1_i64 });
            let action =
                documents.find_one_and_update(at_version(one.clone(), current), self.checked(update)?);
            let action = action.projection(projection::<E>()).return_document(ReturnDocument::After);
            if let Some(after) = action.await? {
                return Ok(Outcome::Done(Changed { before, after: Shown::of(after)? }));
            }
        }
        Ok(Outcome::VersionMismatch { current })
    }
}

fn decode<E: Exposed>(document: Document) -> Result<E, StoreError> {
    let fail = |why| StoreError::Decode { collection: E::COLLECTION.to_owned(), why };
    bson::deserialize_from_document(document).map_err(fail)
}

/// A document without a version has the version 0.
fn at_version(mut filter: Document, version: i64) -> Document {
    let wanted: Bson =
        if version == 0 { doc! { "$in": [0_i64, Bson::Null] }.into() } else { Bson::Int64(version) };
    filter.insert("__v", wanted);
    filter
}
