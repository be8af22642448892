//! One of a tenant's collections on one side of a move, documents untouched: what a type does not
//! know would be lost by reading through it.

use std::collections::{BTreeMap, BTreeSet};

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, RawArrayBuf, RawBson, doc, rawdoc};
use futures::TryStreamExt;
use mongodb::Collection;
use mongodb::action::Find;
use mongodb::options::Hint;

use crate::relocate::error::RelocateError;
use crate::schema::Declaration;
use crate::store::TenantStore;
use crate::validators::acknowledged;

/// Documents of a page at most, unless a budget says otherwise.
pub(super) const PAGE: usize = 1_000;
/// What one command carries at most; the server takes 48 MB.
pub(super) const COMMAND_BYTES: usize = 8 * 1024 * 1024;
/// DuplicateKey, MongoDB error code 11000.
const DUPLICATE_KEY: i32 = 11_000;

/// A document's `_id`, whatever its type, in its encoded form: it can be compared and sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(Vec<u8>);

impl Id {
    pub(super) fn of(document: &RawDocument) -> Result<Self, RelocateError> {
        let id = document.get("_id")?.map_or(RawBson::Null, RawBson::from);
        Ok(Self(rawdoc! { "_id": id }.into_bytes()))
    }

    pub(super) fn from_bson(id: Bson) -> Result<Self, RelocateError> {
        Ok(Self(bson::serialize_to_vec(&doc! { "_id": id })?))
    }

    fn bson(&self) -> Result<Bson, RelocateError> {
        let mut document: Document = bson::deserialize_from_slice(&self.0)?;
        Ok(document.remove("_id").unwrap_or(Bson::Null))
    }
}

/// Ids lead to documents, whatever else a filter says: the planner could prefer an index on `tenantId`.
fn by_id() -> Hint {
    Hint::Keys(doc! { "_id": 1 })
}

/// Documents by id.
pub(super) type Documents = BTreeMap<Id, RawDocumentBuf>;

/// See the module.
pub(super) struct Place<'a> {
    pub(super) store: &'a TenantStore,
    pub(super) declaration: &'a Declaration,
    pub(super) name: String,
    /// Documents of a page at most.
    pub(super) page_size: usize,
}

impl<'a> Place<'a> {
    pub(super) fn new(store: &'a TenantStore, declaration: &'a Declaration) -> Self {
        Self { store, declaration, name: store.name_of(declaration), page_size: PAGE }
    }

    pub(super) fn documents(&self) -> Collection<RawDocumentBuf> {
        self.store.database.collection(&self.name)
    }

    pub(super) fn tenant(&self) -> &str {
        self.store.tenant.as_str()
    }

    fn among<'i>(&self, ids: impl IntoIterator<Item = &'i Id>) -> Result<Document, RelocateError> {
        let ids: Vec<Bson> = ids.into_iter().map(Id::bson).collect::<Result<_, _>>()?;
        Ok(doc! { "_id": { "$in": ids }, "tenantId": self.tenant() })
    }

    /// The documents with these ids, as they are now.
    pub(super) async fn get<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i Id>,
    ) -> Result<Documents, RelocateError> {
        let found: Vec<RawDocumentBuf> =
            self.documents().find(self.among(ids)?).hint(by_id()).await?.try_collect().await?;
        found.into_iter().map(|document| Ok((Id::of(&document)?, document))).collect()
    }

    /// Which of these ids there are.
    pub(super) async fn existing<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i Id>,
    ) -> Result<BTreeSet<Id>, RelocateError> {
        self.ids(self.documents().find(self.among(ids)?).hint(by_id())).await
    }

    async fn ids(&self, find: Find<'_, RawDocumentBuf>) -> Result<BTreeSet<Id>, RelocateError> {
        let found: Vec<RawDocumentBuf> = find.projection(doc! { "_id": 1 }).await?.try_collect().await?;
        found.iter().map(|document| Id::of(document)).collect()
    }

    /// Removes documents by id.
    pub(super) async fn remove<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i Id>,
    ) -> Result<u64, RelocateError> {
        Ok(self.documents().delete_many(self.among(ids)?).hint(by_id()).await?.deleted_count)
    }

    /// Puts whole documents in place of what is there. Returns the ids that hold a unique key which
    /// one of the documents needs; that one was not put.
    ///
    /// Validators are passed by: a document that an older version of the code wrote moves as it is.
    pub(super) async fn put(&self, documents: &Documents) -> Result<BTreeSet<Id>, RelocateError> {
        let mut holders = BTreeSet::new();
        let mut rest = documents.iter().peekable();
        while rest.peek().is_some() {
            let (mut updates, mut bytes) = (RawArrayBuf::new(), 0);
            while let Some((_, document)) = rest.next_if(|_| bytes < COMMAND_BYTES) {
                bytes += document.as_bytes().len();
                let id = document.get("_id")?.map_or(RawBson::Null, RawBson::from);
                updates.push(rawdoc! {
                    "q": { "_id": id, "tenantId": self.tenant() },
                    "u": document.clone(),
                    "upsert": true,
                    "hint": { "_id": 1 },
                });
            }
            let command = rawdoc! {
                "update": self.name.as_str(),
                "updates": updates,
                "ordered": false,
                "bypassDocumentValidation": true,
                "writeConcern": { "w": "majority" },
            };
            let answer = self.store.database.run_raw_command(command).await?;
            acknowledged(&answer)?;
            for error in answer.get_array("writeErrors").into_iter().flatten().filter_map(Bson::as_document) {
                holders.extend(self.holders(error).await?);
            }
        }
        Ok(holders)
    }

    /// Who holds the key that a write could not have.
    async fn holders(&self, error: &Document) -> Result<BTreeSet<Id>, RelocateError> {
        let (code, key) = (error.get_i32("code").ok(), error.get_document("keyValue").ok());
        let (Some(DUPLICATE_KEY), Some(key)) = (code, key) else {
            return Err(crate::error::StoreError::refused(&self.name, error).into());
        };
        let pattern = error.get_document("keyPattern").ok();
        let index =
            self.declaration.indexes.iter().find(|index| index.unique && Some(&index.keys) == pattern);
        let mut filter = key.clone();
        filter.insert("tenantId", self.tenant());
        let partial = index.and_then(|index| index.partial.clone()).unwrap_or_default();
        self.ids(self.documents().find(doc! { "$and": [filter, partial] })).await
    }

    /// Inserts documents. Returns the ids that were not inserted because they, or a unique key of
    /// theirs, are there.
    pub(super) async fn insert(&self, documents: &[RawDocumentBuf]) -> Result<BTreeSet<Id>, RelocateError> {
        let collection = self.documents();
        let insert = collection.insert_many(documents).ordered(false).bypass_document_validation(true);
        let Err(error) = insert.await else { return Ok(BTreeSet::new()) };
        let refused = match error.kind.as_ref() {
            mongodb::error::ErrorKind::InsertMany(m) if m.write_concern_error.is_none() => &m.write_errors,
            _ => return Err(error.into()),
        };
        let refused = refused.as_deref().unwrap_or_default();
        if refused.is_empty() || refused.iter().any(|e| e.code != DUPLICATE_KEY) {
            return Err(error.into());
        }
        refused.iter().filter_map(|e| documents.get(e.index)).map(|document| Id::of(document)).collect()
    }
}
