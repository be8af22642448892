//! Goes through all documents of a tenant in one collection, page by page, in the order of an index
//! that begins with the tenant: no page costs more than its own documents, however many other
//! tenants' documents lie around it.
//!
//! A document whose key changes meanwhile can be missed, or met twice. A change is followed anyway.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};
use futures::TryStreamExt;
use mongodb::options::Hint;

use crate::relocate::error::RelocateError;
use crate::relocate::place::{COMMAND_BYTES, Place};

/// Some documents, and the key to go on after; none when these were the last.
pub(super) struct Page {
    pub(super) documents: Vec<RawDocumentBuf>,
    pub(super) next: Option<Document>,
}

impl Place<'_> {
    /// The documents after the one with the key `after`; from the first one without.
    pub(super) async fn page(&self, after: Option<&Document>) -> Result<Page, RelocateError> {
        let walk = self.declaration.walk();
        let begin = after.cloned().unwrap_or_else(|| self.bound(Bson::MinKey, Bson::MaxKey));
        let limit = i64::try_from(self.page_size + 1).unwrap_or(i64::MAX);
        let collection = self.documents();
        let mut cursor = collection
            .find(bson::doc! { "tenantId": self.tenant() })
            .hint(Hint::Keys(walk.clone()))
            .min(begin)
            .max(self.bound(Bson::MaxKey, Bson::MinKey))
            .limit(limit)
            .batch_size(u32::try_from(self.page_size + 1).unwrap_or(u32::MAX))
            .await?;
        let (mut documents, mut bytes, mut met) = (Vec::new(), 0, 0);
        let mut last = None;
        while let Some(document) = cursor.try_next().await? {
            let key = self.key(&document)?;
            met += 1;
            // `min` includes the bound itself.
            if Some(&key) == after {
                continue;
            }
            bytes += document.as_bytes().len();
            documents.push(document);
            last = Some(key);
            if bytes >= COMMAND_BYTES {
                return Ok(Page { documents, next: last });
            }
        }
        let next = if met > self.page_size { last } else { None };
        Ok(Page { documents, next })
    }

    /// How many documents there are, not counting those that may expire before `expiring`.
    pub(super) async fn count(&self, expiring: bson::DateTime) -> Result<u64, RelocateError> {
        let mut filter = bson::doc! { "tenantId": self.tenant() };
        if let Some(field) = self.declaration.expiry() {
            filter.insert(field, bson::doc! { "$gt": expiring });
        }
        let walk = Hint::Keys(self.declaration.walk().clone());
        Ok(self.documents().count_documents(filter).hint(walk).await?)
    }

    /// Before (or behind) all documents of the tenant: the tenant, then the extremes in the index's
    /// direction.
    fn bound(&self, ascending: Bson, descending: Bson) -> Document {
        let key = |(field, direction): (&String, &Bson)| {
            let up = direction.as_i32().is_none_or(|direction| direction > 0);
            let value = match (field.as_str(), up) {
                ("tenantId", _) => Bson::from(self.tenant()),
                (_, true) => ascending.clone(),
                (_, false) => descending.clone(),
            };
            (field.clone(), value)
        };
        self.declaration.walk().iter().map(key).collect()
    }

    /// A document's key; a field that is absent is indexed as null.
    fn key(&self, document: &RawDocument) -> Result<Document, RelocateError> {
        let mut key = Document::new();
        for field in self.declaration.walk().keys() {
            let value = match document.get(field)? {
                Some(value) => Bson::try_from(value)?,
                None => Bson::Null,
            };
            key.insert(field, value);
        }
        Ok(key)
    }
}
