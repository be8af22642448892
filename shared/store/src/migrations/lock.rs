//! One run at a time.
//!
//! The lock is a document in the platform's database: owner, and when it expires by the *server's*
//! clock. A run renews it as it goes; that of a run that died can be taken once it has expired. A run
//! that was only slow finds out with its next renewal and stops; the batch it was at is harmless,
//! because every change is idempotent.

use std::time::Duration;

use bson::{DateTime, Document, doc};
use mongodb::Database;

use crate::error::StoreError;
use crate::migrations::error::MigrationError;
use crate::store::Store;

const LOCKS: &str = "locks";
const ID: &str = "migrations";

/// The right to migrate.
#[derive(Debug, Clone)]
pub struct Lock {
    database: Database,
    owner: String,
    lease: Duration,
}

/// Who has the right to migrate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub owner: String,
    /// Until when, by the server's clock.
    pub until: DateTime,
}

impl Store {
    /// Who is migrating now, by the server's clock. Nobody may begin to move a tenant meanwhile:
    /// mark the organization as moving first, then ask.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn migrating(&self) -> Result<Option<Holder>, StoreError> {
        let filter = doc! { "_id": ID, "$expr": { "$gt": ["$expiresAt", "$$NOW"] } };
        let held = self.platform().collection::<Document>(LOCKS).find_one(filter).await?;
        Ok(held.as_ref().map(holder))
    }
}

impl Lock {
    /// Takes the lock for `lease`, unless somebody has it.
    ///
    /// # Errors
    /// [`MigrationError::Locked`] with who has it.
    pub async fn take(store: &Store, owner: &str, lease: Duration) -> Result<Self, MigrationError> {
        let lock = Self { database: store.platform(), owner: owner.to_owned(), lease };
        let never = doc! { "$setOnInsert": { "expiresAt": DateTime::from_millis(0) } };
        lock.locks().update_one(doc! { "_id": ID }, never).upsert(true).await?;
        let free = doc! { "_id": ID, "$expr": { "$lte": ["$expiresAt", "$$NOW"] } };
        if lock.extend(free).await? {
            return Ok(lock);
        }
        let held = lock.locks().find_one(doc! { "_id": ID }).await?.unwrap_or_default();
        let Holder { owner, until } = holder(&held);
        Err(MigrationError::Locked { owner, until: until.try_to_rfc3339_string().unwrap_or_default() })
    }

    /// Has it for another lease.
    ///
    /// # Errors
    /// [`MigrationError::LockLost`] when somebody else has it.
    pub async fn renew(&self) -> Result<(), MigrationError> {
        let ours = doc! { "_id": ID, "owner": &self.owner };
        if self.extend(ours).await? { Ok(()) } else { Err(MigrationError::LockLost) }
    }

    /// Does `work`, renewing the lock meanwhile; gives `work` up when the lock is lost.
    ///
    /// # Errors
    /// What `work` returns, or [`MigrationError::LockLost`].
    pub async fn hold<T>(
        &self,
        work: impl Future<Output = Result<T, MigrationError>>,
    ) -> Result<T, MigrationError> {
        let heartbeat = async {
            loop {
                tokio::time::sleep(self.lease / 3).await;
                if let Err(error) = self.renew().await {
                    return error;
                }
            }
        };
        tokio::select! {
            outcome = work => outcome,
            error = heartbeat => Err(error),
        }
    }

    /// Lets others have it. One that was lost already is left alone.
    ///
    /// # Errors
    /// When the database fails; the lock expires then.
    pub async fn release(self) -> Result<(), MigrationError> {
        let ours = doc! { "_id": ID, "owner": &self.owner };
        let free = vec![doc! { "$set": { "expiresAt": "$$NOW" } }, doc! { "$unset": "owner" }];
        self.locks().update_one(ours, free).await?;
        Ok(())
    }

    fn locks(&self) -> mongodb::Collection<Document> {
        self.database.collection(LOCKS)
    }

    async fn extend(&self, filter: Document) -> Result<bool, MigrationError> {
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        let extend = doc! { "$set": { "owner": &self.owner, "expiresAt": { "$add": ["$$NOW", lease] } } };
        Ok(self.locks().update_one(filter, vec![extend]).await?.matched_count > 0)
    }
}

fn holder(lock: &Document) -> Holder {
    Holder {
        owner: lock.get_str("owner").unwrap_or("nobody any more").to_owned(),
        until: lock.get_datetime("expiresAt").copied().unwrap_or(DateTime::from_millis(0)),
    }
}
