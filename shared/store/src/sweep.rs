//! What the scheduler may see across tenants: ids of what is overdue, oldest first, nothing else.

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use mongodb::Database;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::entities::{Message, Organization, OutboxEntry, Session};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;
use crate::time::date;

/// One place to sweep: the shared database (all its tenants at once), or one tenant's own collections.
#[derive(Debug, Clone)]
pub struct Sweep {
    database: Database,
    set: Option<TenantId>,
}

/// A session to close or to summarize.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueSession {
    /// Session.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: TenantId,
    /// LINE channel id.
    pub channel_id: String,
    /// Conversation.
    pub conversation_id: String,
    /// Wanted writing of its summary.
    pub revision: i64,
}

/// An outbox entry to send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueOutbox {
    /// Entry.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: TenantId,
    /// Conversation.
    pub conversation_id: String,
}

/// A message whose content is to be fetched or erased.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueMedia {
    /// Message.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: TenantId,
}

/// An organization, as far as a sweep has to know it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    tenant_id: TenantId,
    placement: Placement,
}

impl Store {
    /// Every place there is to sweep: the shared database, then each tenant outside it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweeps(&self) -> Result<Vec<Sweep>, StoreError> {
        let elsewhere = doc! { "placement": { "$in": ["collection_set", "dedicated"] } };
        let organizations = self.platform().collection::<Placed>(Organization::COLLECTION);
        let find = organizations.find(elsewhere).projection(doc! { "tenantId": 1, "placement": 1 });
        let placed: Vec<Placed> = find.await?.try_collect().await?;
        let own = placed.iter().map(|p| self.sweep_tenant(&p.tenant_id, p.placement));
        Ok(std::iter::once(self.sweep_shared()).chain(own).collect())
    }

    /// All tenants in the shared database.
    #[must_use]
    pub fn sweep_shared(&self) -> Sweep {
        Sweep { database: self.shared(), set: None }
    }

    /// One tenant outside the shared database.
    #[must_use]
    pub fn sweep_tenant(&self, tenant: &TenantId, placement: Placement) -> Sweep {
        let set = (placement == Placement::CollectionSet).then(|| tenant.clone());
        Sweep { database: self.tenant(tenant, placement).database, set }
    }
}

impl std::fmt::Display for Sweep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.set {
            None => f.write_str(self.database.name()),
            Some(tenant) => write!(f, "{}.{tenant}", self.database.name()),
        }
    }
}

impl Sweep {
    /// Open sessions whose time is up at `now`, after the `skip` that ran out first: asking for them
    /// to be closed does not change them, so a page is not followed by the next one by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired_sessions(
        &self,
        now: Timestamp,
        skip: u64,
        limit: i64,
    ) -> Result<Vec<DueSession>, StoreError> {
        let filter = doc! { "status": "active", "closesAt": { "$lte": date(now) } };
        self.due::<Session, _>(filter, doc! { "closesAt": 1 }, skip, limit).await
    }

    /// Sessions that wait for a summary and have not moved since `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stuck_sessions(&self, before: Timestamp, limit: i64) -> Result<Vec<DueSession>, StoreError> {
        let filter = doc! { "status": "summarizing", "updatedAt": { "$lt": date(before) } };
        self.due::<Session, _>(filter, doc! { "updatedAt": 1 }, 0, limit).await
    }

    /// Outbox entries still queued: those nobody tried that have not moved since `untried`, and those
    /// tried in vain that have not moved since `tried`. The queue delivers the latter again itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stuck_outbox(
        &self,
        untried: Timestamp,
        tried: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueOutbox>, StoreError> {
        let filter = doc! {
            "state": "queued",
            // For the index.
            "updatedAt": { "$lt": date(untried.max(tried)) },
            "$or": [
                { "attempts": 0, "updatedAt": { "$lt": date(untried) } },
                { "updatedAt": { "$lt": date(tried) } },
            ],
        };
        self.due::<OutboxEntry, _>(filter, doc! { "updatedAt": 1 }, 0, limit).await
    }

    /// Media to fetch or to erase that have not moved since `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stuck_media(&self, before: Timestamp, limit: i64) -> Result<Vec<DueMedia>, StoreError> {
        let filter = doc! {
            "media.status": { "$in": ["pending", "erasing"] },
            "updatedAt": { "$lt": date(before) },
        };
        self.due::<Message, _>(filter, doc! { "updatedAt": 1 }, 0, limit).await
    }

    /// Marks documents as driven again at `now`, so that the next sweep leaves them time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_redriven<E: Entity>(&self, ids: &[ObjectId], now: Timestamp) -> Result<(), StoreError> {
        let update = doc! { "$set": { "updatedAt": date(now) } };
        self.collection::<E, Document>().update_many(doc! { "_id": { "$in": ids } }, update).await?;
        Ok(())
    }

    async fn due<E: Entity, T>(
        &self,
        filter: Document,
        sort: Document,
        skip: u64,
        limit: i64,
    ) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let fields = doc! { "tenantId": 1, "channelId": 1, "conversationId": 1, "revision": 1 };
        let collection = self.collection::<E, T>();
        let find = collection.find(filter).sort(sort).skip(skip).limit(limit).projection(fields);
        Ok(find.await?.try_collect().await?)
    }

    fn collection<E: Entity, T: Send + Sync>(&self) -> mongodb::Collection<T> {
        match &self.set {
            None => self.database.collection(E::COLLECTION),
            Some(tenant) => {
                self.database.collection(&Placement::CollectionSet.collection(tenant, E::COLLECTION))
            }
        }
    }
}
