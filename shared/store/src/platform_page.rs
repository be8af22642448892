//! What the platform knows of a tenant, page by page, for the tenant's backup.

use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::TenantId;

use crate::entities::{ApiKey, Invitation, Organization};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;

/// Documents of a page: few are larger than a kilobyte.
const PAGE: i64 = 1_000;

/// Documents of one of the platform's collections.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformPage {
    /// The collection.
    pub collection: String,
    /// A thousand at most.
    pub documents: Vec<RawDocumentBuf>,
    /// Whether the collection has no more.
    pub is_last: bool,
    /// Asks for the next page, of the next collection after the last one of this.
    pub next: Document,
}

impl Store {
    /// The documents of the platform that are about a tenant, after the page whose `next` is `after`; from the
    /// first one without, and `None` after the last. They are those that [`Self::erase_from_platform`] would erase,
    /// and the organization. What API keys and invitations are recognized by is left out: a backup opens no door.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page_on_platform(
        &self,
        tenant: &TenantId,
        operation: ObjectId,
        after: Option<&Document>,
    ) -> Result<Option<PlatformPage>, StoreError> {
        let mut places = self.about(tenant, operation).await?;
        places.push((Organization::COLLECTION.to_owned(), doc! { "tenantId": tenant.as_str() }));
        places.sort_by(|(one, _), (other, _)| one.cmp(other));
        let so_far = after.and_then(|after| after.get_str("collection").ok()).unwrap_or_default();
        let is_left = |name: &str| if is_done(after) { name > so_far } else { name >= so_far };
        let Some((collection, mut filter)) = places.into_iter().find(|(name, _)| is_left(name)) else {
            return Ok(None);
        };
        if let Some(id) = after.filter(|_| collection == so_far).and_then(|after| after.get("id")) {
            // Beside what the filter says of it.
            filter = doc! { "$and": [filter, { "_id": { "$gt": id.clone() } }] };
        }
        let secrets = [ApiKey::COLLECTION, Invitation::COLLECTION].contains(&collection.as_str());
        let found = self.platform().collection::<RawDocumentBuf>(&collection);
        let found = found.find(filter).sort(doc! { "_id": 1 }).limit(PAGE);
        let found = if secrets { found.projection(doc! { "tag": 0 }) } else { found };
        let documents: Vec<RawDocumentBuf> = found.await?.try_collect().await?;
        let is_last = documents.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        let mut next = doc! { "collection": &collection };
        match documents.last() {
            Some(last) if !is_last => drop(next.insert("id", id_of(&collection, last)?)),
            _ => drop(next.insert("done", true)),
        }
        Ok(Some(PlatformPage { collection, documents, is_last, next }))
    }
}

fn is_done(after: Option<&Document>) -> bool {
    after.is_some_and(|after| after.get_bool("done").unwrap_or(false))
}

fn id_of(collection: &str, document: &RawDocumentBuf) -> Result<Bson, StoreError> {
    let fail = |why| StoreError::Decode { collection: collection.to_owned(), why };
    let document: Document = bson::deserialize_from_slice(document.as_bytes()).map_err(fail)?;
    Ok(document.get("_id").cloned().unwrap_or(Bson::Null))
}
