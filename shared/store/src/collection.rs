//! A tenant's collection: the driver's, with `tenantId` added to every filter.

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::TenantId;
use mongodb::options::ReturnDocument;

use crate::entity::Entity;
use crate::error::StoreError;
use crate::exposed::Exposed;
use crate::scope::{TENANT, check_document, check_update};

/// One write of a bulk command; see [`crate::Transaction::write`].
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The document.
    pub id: Bson,
    /// A whole document to put there, or update operators such as `$set`.
    pub update: Document,
    /// Create it when it is not there.
    pub upsert: bool,
}

impl Write {
    /// Puts a whole document, whatever was there.
    ///
    /// # Errors
    /// [`StoreError::Encode`] when it cannot be written as BSON.
    pub fn put<E: Entity>(id: impl Into<Bson>, document: &E) -> Result<Self, StoreError> {
        Ok(Self { id: id.into(), update: encode(document)?, upsert: true })
    }

    /// Changes an existing document with update operators.
    pub fn update(id: impl Into<Bson>, update: Document) -> Self {
        Self { id: id.into(), update, upsert: false }
    }
}

/// An entity as a BSON document. By way of bytes, as the driver itself would write it: only then are
/// [`crate::Id`] and [`crate::Time`] BSON's types, see [`crate::value`].
///
/// # Errors
/// [`StoreError::Encode`].
pub fn encode<T: serde::Serialize>(value: &T) -> Result<Document, StoreError> {
    let raw = bson::serialize_to_raw_document_buf(value).map_err(StoreError::Encode)?;
    Document::try_from(raw.as_ref()).map_err(StoreError::Encode)
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Collection<E: Entity> {
    pub(crate) inner: mongodb::Collection<E>,
    /// Whose; `None` for the platform's own, where nothing is added.
    tenant: Option<TenantId>,
    /// What else every filter has to say; see [`Self::hiding`].
    also: Option<Document>,
}

impl<E: Entity> Collection<E> {
    pub(crate) fn new(inner: mongodb::Collection<E>, tenant: TenantId) -> Self {
        Self { inner, tenant: Some(tenant), also: None }
    }

    /// The platform's own.
    pub(crate) fn of_platform(inner: mongodb::Collection<E>) -> Self {
        Self { inner, tenant: None, also: None }
    }

    /// As if what belongs to these rooms were not there, for reading and for writing.
    #[must_use]
    pub fn hiding(self, rooms: &[ObjectId]) -> Self
    where
        E: Exposed,
    {
        match E::ROOM {
            Some(path) if !rooms.is_empty() => {
                Self { also: Some(doc! { path: { "$nin": rooms.to_vec() } }), ..self }
            }
            _ => self,
        }
    }

    pub(crate) fn is_of_tenant(&self) -> bool {
        self.tenant.is_some()
    }

    pub(crate) fn scoped(&self, mut filter: Document) -> Document {
        if let Some(also) = &self.also {
            // Beside whatever the filter says of the same field.
            filter = doc! { "$and": [filter, also.clone()] };
        }
        if let Some(tenant) = &self.tenant {
            filter.insert(TENANT, tenant.as_str());
        }
        filter
    }

    pub(crate) fn checked(&self, update: Document) -> Result<Document, StoreError> {
        if let Some(tenant) = &self.tenant {
            check_update(tenant, E::COLLECTION, &update)?;
        }
        Ok(update)
    }

    /// The document with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(&self, id: impl Into<Bson>) -> Result<Option<E>, StoreError> {
        self.find_one(doc! { "_id": id.into() }).await
    }

    /// One document that matches.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_one(&self, filter: Document) -> Result<Option<E>, StoreError> {
        Ok(self.inner.find_one(self.scoped(filter)).await?)
    }

    /// All documents that match, sorted, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, filter: Document, sort: Document, limit: i64) -> Result<Vec<E>, StoreError> {
        let cursor = self.inner.find(self.scoped(filter)).sort(sort).limit(limit).await?;
        Ok(cursor.try_collect().await?)
    }

    /// The ids of all documents that match.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ids(&self, filter: Document) -> Result<Vec<ObjectId>, StoreError> {
        let documents = self.inner.clone_with_type::<Document>();
        let found = documents.find(self.scoped(filter)).projection(doc! { "_id": 1 }).await?;
        let found: Vec<Document> = found.try_collect().await?;
        Ok(found.iter().filter_map(|document| document.get_object_id("_id").ok()).collect())
    }

    /// How many documents match.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(&self, filter: Document) -> Result<u64, StoreError> {
        Ok(self.inner.count_documents(self.scoped(filter)).await?)
    }

    /// Inserts a document.
    ///
    /// # Errors
    /// [`StoreError::is_duplicate`] tells that it exists; [`StoreError::BeyondTenant`] when it says that it
    /// is another tenant's.
    pub async fn insert(&self, document: &E) -> Result<(), StoreError> {
        let document = encode(document)?;
        if let Some(tenant) = &self.tenant {
            check_document(tenant, E::COLLECTION, &document)?;
        }
        self.inner.clone_with_type::<Document>().insert_one(document).await?;
        Ok(())
    }

    /// Changes one document that matches; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::BeyondTenant`] when it would give the document to another tenant.
    pub async fn update(&self, filter: Document, update: Document) -> Result<bool, StoreError> {
        Ok(self.inner.update_one(self.scoped(filter), self.checked(update)?).await?.matched_count > 0)
    }

    /// Changes the one document that matches, made of the filter's fields when there is none, and
    /// returns it as it is afterwards.
    ///
    /// Two that both find none both insert, and one of them is refused as a duplicate. MongoDB tries that
    /// one again by itself only when the filter is the unique index and nothing else; here it always is
    /// tried again, once: then the other's document is there to be changed.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub async fn upsert(&self, filter: Document, update: Document) -> Result<E, StoreError> {
        let (filter, update) = (self.scoped(filter), self.checked(update)?);
        let upsert = async || {
            let action = self.inner.find_one_and_update(filter.clone(), update.clone()).upsert(true);
            action.return_document(ReturnDocument::After).await.map_err(StoreError::from)
        };
        let written = match upsert().await {
            Err(error) if error.is_duplicate() => upsert().await?,
            written => written?,
        };
        Ok(written.expect("an upsert returns what it wrote"))
    }

    /// Changes one document that matches and returns it as it is afterwards.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub async fn find_and_update(&self, filter: Document, update: Document) -> Result<Option<E>, StoreError> {
        let action = self.inner.find_one_and_update(self.scoped(filter), self.checked(update)?);
        Ok(action.return_document(ReturnDocument::After).await?)
    }
}
