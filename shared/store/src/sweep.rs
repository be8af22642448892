//! What the scheduler may see across tenants: ids of what is overdue, oldest first, nothing else.

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_domain::placement::{HOME_CELL, Placement};
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
    /// Whose place it is, where it is one tenant's.
    own: Option<(TenantId, Placement)>,
    without: Vec<String>,
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

/// An organization that is not simply one of a shared database's: it has a place of its own, or is on
/// its way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// Tenant.
    pub tenant_id: TenantId,
    /// Where it lives.
    #[serde(default)]
    pub placement: Placement,
    /// In which cell.
    #[serde(default = "home")]
    pub cell: String,
}

fn home() -> String {
    HOME_CELL.to_owned()
}

impl Placed {
    /// Whether it lives in the shared database of `cell`.
    #[must_use]
    pub fn lives_in_shared(&self, cell: &str) -> bool {
        self.placement == Placement::Shared && self.cell == cell
    }

    /// Whether it lives outside the shared databases.
    #[must_use]
    pub fn has_own_place(&self) -> bool {
        self.placement != Placement::Shared
    }
}

impl Store {
    /// The tenants that a sweep has to know by name: those outside the shared databases, and those that
    /// are being moved, whose copies may lie in one where they do not live (yet, or any more).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn placed(&self) -> Result<Vec<Placed>, StoreError> {
        let elsewhere = doc! {
            "placement": { "$in": ["collection_set", "dedicated"] }, "status": { "$ne": "offboarded" },
        };
        let filter = doc! { "$or": [elsewhere, { "status": "moving" }] };
        let organizations = self.platform().collection::<Placed>(Organization::COLLECTION);
        let find = organizations.find(filter).projection(doc! { "tenantId": 1, "placement": 1, "cell": 1 });
        Ok(find.await?.try_collect().await?)
    }

    /// All tenants in the shared database.
    #[must_use]
    pub fn sweep_shared(&self) -> Sweep {
        Sweep { database: self.shared(), own: None, without: Vec::new() }
    }

    /// One tenant outside the shared database.
    #[must_use]
    pub fn sweep_tenant(&self, tenant: &TenantId, placement: Placement) -> Sweep {
        let own = Some((tenant.clone(), placement));
        Sweep { database: self.tenant(tenant, placement).database, own, without: Vec::new() }
    }
}

impl std::fmt::Display for Sweep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.database.name())?;
        match &self.own {
            Some((tenant, Placement::CollectionSet)) => write!(f, ".{tenant}"),
            _ => Ok(()),
        }
    }
}

impl Sweep {
    /// Whose place it is, where it is one tenant's.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        self.own.as_ref().map(|(tenant, _)| tenant)
    }

    /// Passes over what lies here of these tenants: they live somewhere else.
    #[must_use]
    pub fn without(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.without = tenants.into_iter().map(|tenant| tenant.to_string()).collect();
        self
    }

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

    /// Marks documents as driven again at `now`, so that the next sweep leaves them time; whether all
    /// could be. Those of a tenant that is fenced cannot, and keep nobody else's from it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_redriven<E: Entity>(
        &self,
        ids: &[ObjectId],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = doc! { "$set": { "updatedAt": date(now) } };
        let collection = self.collection::<E, Document>();
        let all = collection.update_many(doc! { "_id": { "$in": ids } }, update.clone()).await;
        match all.map_err(StoreError::from) {
            Err(error) if error.is_fenced() => {}
            other => return other.map(|_| true),
        }
        for id in ids {
            match collection.update_one(doc! { "_id": id }, update.clone()).await.map_err(StoreError::from) {
                Err(error) if !error.is_fenced() => return Err(error),
                _ => {}
            }
        }
        Ok(false)
    }

    async fn due<E: Entity, T>(
        &self,
        mut filter: Document,
        sort: Document,
        skip: u64,
        limit: i64,
    ) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned + Send + Sync,
    {
        if !self.without.is_empty() {
            filter.insert("tenantId", doc! { "$nin": &self.without });
        }
        let fields = doc! { "tenantId": 1, "channelId": 1, "conversationId": 1, "revision": 1 };
        let collection = self.collection::<E, T>();
        let find = collection.find(filter).sort(sort).skip(skip).limit(limit).projection(fields);
        Ok(find.await?.try_collect().await?)
    }

    fn collection<E: Entity, T: Send + Sync>(&self) -> mongodb::Collection<T> {
        match &self.own {
            None => self.database.collection(E::COLLECTION),
            Some((tenant, placement)) => {
                self.database.collection(&placement.collection(tenant, E::COLLECTION))
            }
        }
    }
}
