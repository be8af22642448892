//! All or nothing over several of a tenant's collections.
//!
//! The body runs again when another writer was faster, so it must decide from what it reads inside
//! the transaction and touch nothing else.

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::TenantId;
use mongodb::ClientSession;

use crate::collection::{Write, encode};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::scope::{TENANT, check_document, check_stage, check_update};
use crate::store::TenantStore;

/// How often a colliding transaction is tried in all.
const ATTEMPTS: u32 = 8;
/// How often one that lost its connection is: looking for a server takes seconds each time, and the
/// queue brings the work back anyway.
const ATTEMPTS_WITHOUT_SERVER: u32 = 2;

/// An open transaction.
pub struct Transaction<'a> {
    session: ClientSession,
    store: &'a TenantStore,
}

impl TenantStore {
    /// As [`Transaction::look_up`], outside of a transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look_up(&self, look_ups: Vec<LookUp>) -> Result<Document, StoreError> {
        let mut cursor = self.database.aggregate(LookUp::pipeline(look_ups, &self.tenant)?).await?;
        Ok(cursor.try_next().await?.unwrap_or_default())
    }

    /// Runs `body` in a transaction and commits it.
    ///
    /// # Errors
    /// What `body` returns (the transaction is then rolled back), [`StoreError::Contended`] after
    /// eight collisions, or the commit's own failure.
    pub async fn transaction<T>(
        &self,
        mut body: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut attempts = 0;
        loop {
            let mut session = self.client.start_session().await?;
            session.start_transaction().await?;
            let mut transaction = Transaction { session, store: self };
            let collision = match body(&mut transaction).await {
                Ok(value) => match transaction.commit().await {
                    Ok(()) => return Ok(value),
                    Err(error) => error,
                },
                Err(error) => {
                    // The server drops it anyway; the first error is the one that matters. A server
                    // that went away is not waited for.
                    if !error.is_connection_lost() {
                        let _ = transaction.session.abort_transaction().await;
                    }
                    error
                }
            };
            if !collision.is_transient() {
                return Err(collision);
            }
            attempts += 1;
            if collision.is_connection_lost() && attempts >= ATTEMPTS_WITHOUT_SERVER {
                return Err(collision);
            }
            if attempts >= ATTEMPTS {
                return Err(StoreError::Contended { attempts, last: Box::new(collision) });
            }
            tokio::time::sleep(std::time::Duration::from_millis(4 << attempts)).await;
        }
    }
}

impl Transaction<'_> {
    /// A commit whose answer was lost may have happened; sending it again settles which.
    async fn commit(&mut self) -> Result<(), StoreError> {
        for _ in 1..ATTEMPTS {
            match self.session.commit_transaction().await {
                Err(e) if e.contains_label(mongodb::error::UNKNOWN_TRANSACTION_COMMIT_RESULT) => {}
                other => return Ok(other?),
            }
        }
        Ok(self.session.commit_transaction().await?)
    }

    /// Reads from several collections in one round trip: each look-up is a collection, a match
    /// (to which `tenantId` is added), further stages, and the field of the answer it fills with an array.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look_up(&mut self, look_ups: Vec<LookUp>) -> Result<Document, StoreError> {
        let pipeline = LookUp::pipeline(look_ups, &self.store.tenant)?;
        let mut cursor = self.store.database.aggregate(pipeline).session(&mut self.session).await?;
        let answer = cursor.next(&mut self.session).await.transpose()?;
        Ok(answer.unwrap_or_default())
    }

    /// One document by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get<E: Entity>(&mut self, id: impl Into<Bson>) -> Result<Option<E>, StoreError> {
        self.find_one(doc! { "_id": id.into() }).await
    }

    /// One document that matches.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_one<E: Entity>(&mut self, mut filter: Document) -> Result<Option<E>, StoreError> {
        filter.insert(TENANT, self.store.tenant.as_str());
        let collection = self.store.database.collection::<E>(&self.store.name::<E>());
        Ok(collection.find_one(filter).session(&mut self.session).await?)
    }

    /// Inserts documents, all in one command.
    ///
    /// # Errors
    /// [`StoreError`]; a duplicate makes the transaction run again. [`StoreError::BeyondTenant`] when one
    /// says that it is another tenant's.
    pub async fn insert<E: Entity>(&mut self, documents: &[E]) -> Result<(), StoreError> {
        if documents.is_empty() {
            return Ok(());
        }
        let documents = documents.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        for document in &documents {
            check_document(&self.store.tenant, E::COLLECTION, document)?;
        }
        let name = self.store.name::<E>();
        self.bulk(&name, doc! { "insert": &name, "documents": documents }).await
    }

    /// Applies writes to one collection, all in one command. Each filter is `_id` and `tenantId`.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::BeyondTenant`] when one would give a document to another tenant.
    pub async fn write<E: Entity>(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        for write in &writes {
            check_update(&self.store.tenant, E::COLLECTION, &write.update)?;
        }
        let tenant = self.store.tenant.as_str();
        let updates: Vec<Document> = writes
            .into_iter()
            .map(|w| doc! { "q": { "_id": w.id, "tenantId": tenant }, "u": w.update, "upsert": w.upsert })
            .collect();
        let name = self.store.name::<E>();
        self.bulk(&name, doc! { "update": &name, "updates": updates }).await
    }

    async fn bulk(&mut self, collection: &str, command: Document) -> Result<(), StoreError> {
        let answer = self.store.database.run_command(command).session(&mut self.session).await?;
        StoreError::of_writes(collection, &answer)
    }
}

/// One part of [`Transaction::look_up`].
#[derive(Debug, Clone)]
pub struct LookUp {
    collection: String,
    filter: Document,
    stages: Vec<Stage>,
    into: &'static str,
}

#[derive(Debug, Clone)]
enum Stage {
    /// Sees the documents it is given only; see [`crate::scope`].
    Plain(Document),
    /// Documents of another collection whose `_id` is in a field.
    Join { collection: String, field: &'static str, into: &'static str },
}

impl Stage {
    fn checked(self, of: &str, tenant: &TenantId) -> Result<Document, StoreError> {
        match self {
            Self::Plain(stage) => check_stage(of, &stage).map(|()| stage),
            Self::Join { collection, field, into } => Ok(doc! { "$lookup": {
                "from": collection, "localField": field, "foreignField": "_id",
                "pipeline": [{ "$match": { TENANT: tenant.as_str() } }],
                "as": into,
            } }),
        }
    }
}

impl LookUp {
    fn pipeline(look_ups: Vec<Self>, tenant: &TenantId) -> Result<Vec<Document>, StoreError> {
        let mut pipeline = vec![doc! { "$documents": [{}] }];
        for Self { collection, mut filter, stages, into } in look_ups {
            filter.insert(TENANT, tenant.as_str());
            let mut inner = vec![doc! { "$match": filter }];
            for stage in stages {
                inner.push(stage.checked(&collection, tenant)?);
            }
            pipeline.push(doc! { "$lookup": { "from": collection, "pipeline": inner, "as": into } });
        }
        Ok(pipeline)
    }

    /// `E`'s documents that match `filter`, as the array `into`.
    #[must_use]
    pub fn of<E: Entity>(store: &TenantStore, filter: Document, into: &'static str) -> Self {
        Self { collection: store.name::<E>(), filter, stages: Vec::new(), into }
    }

    /// Further stages, such as a `$project` that leaves out what is not needed. One that could read or
    /// write another collection makes the look-up fail with [`StoreError::BeyondTenant`].
    #[must_use]
    pub fn then(mut self, stage: Document) -> Self {
        self.stages.push(Stage::Plain(stage));
        self
    }

    /// Joins the tenant's `E` whose id is in `field` to each document, as the array `into`.
    #[must_use]
    pub fn join<E: Entity>(mut self, store: &TenantStore, field: &'static str, into: &'static str) -> Self {
        self.stages.push(Stage::Join { collection: store.name::<E>(), field, into });
        self
    }
}

/// Decodes one array of a [`Transaction::look_up`] answer.
///
/// # Errors
/// [`StoreError::Decode`].
pub fn decode<T: serde::de::DeserializeOwned>(
    answer: &mut Document,
    into: &str,
) -> Result<Vec<T>, StoreError> {
    let fail = |why| StoreError::Decode { collection: into.to_owned(), why };
    match answer.remove(into) {
        None => Ok(Vec::new()),
        Some(array) => bson::deserialize_from_bson(array).map_err(fail),
    }
}
