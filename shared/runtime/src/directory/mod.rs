//! The directory: which channel belongs to which tenant, and where that tenant's data lives. A
//! projection in DynamoDB that the hot path reads and only the provisioner (or the local seeder)
//! writes. A channel's item carries the tenant's wrapped data key too, so that the webhook needs
//! exactly one look-up.

mod item;
mod record;
mod table;

use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;
use matome_domain::ids::{ChannelId, TenantId};

pub use self::record::{
    ChannelRecord, PreviousSecret, Relocation, Status, TenantRecord, access_token_field, secret_field,
};
#[cfg(any(test, feature = "test-support"))]
pub use self::table::MemoryTable;
use self::table::Table;
use crate::aws::Aws;
use crate::cache::Cache;
use crate::config::{ConfigError, Env};

/// How long a found item is used without asking again.
pub const KEEP_HIT: Duration = Duration::from_secs(60);

/// How long a tenant that is being moved is believed to be where its record says. A move waits
/// [`KEEP_HIT`] after it has announced itself; from then on nobody's view of the tenant is older
/// than this.
pub const KEEP_MOVING: Duration = Duration::from_secs(1);

/// How long "no such item" is believed; short, so that a new channel works soon.
pub const KEEP_MISS: Duration = Duration::from_secs(5);

pub use matome_domain::placement::HOME_CELL;

/// Items of each kind held at a time. Bounded, because anybody can ask for ids that do not exist.
const CAPACITY: usize = 2_000;

/// Why the directory could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// DynamoDB did not answer, or refused. Worth another try.
    #[error("the directory could not be {action}")]
    Table {
        /// `read` or `written`.
        action: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item is not what the provisioner writes.
    #[error("directory item {key}: {attribute} is missing or malformed")]
    Item {
        /// The item's key.
        key: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// The stored item has a higher version: somebody wrote later.
    #[error("directory item {key} has a newer version than {version}")]
    Stale {
        /// The item's key.
        key: String,
        /// The version that was to be written.
        version: u64,
    },
}

/// The directory, cached in memory.
pub struct Directory {
    table: Table,
    channels: Cache<Option<Arc<ChannelRecord>>>,
    tenants: Cache<Option<Arc<TenantRecord>>>,
}

impl Directory {
    /// Over the table that `DIRECTORY_TABLE` names.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(env: &Env, aws: &Aws, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        Ok(Self::from_client(aws.dynamodb(), env.required("DIRECTORY_TABLE")?, clock))
    }

    /// Over a table and a client made elsewhere (tests, tools). The table's only key is `pk`, a string.
    #[must_use]
    pub fn from_client(client: aws_sdk_dynamodb::Client, table: String, clock: Arc<dyn Clock>) -> Self {
        Self::over(Table::DynamoDb { client, table }, clock)
    }

    /// Over a table in memory that counts its reads and fails where told.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>) -> (Self, MemoryTable) {
        let table = MemoryTable::default();
        (Self::over_memory(table.clone(), clock), table)
    }

    /// Over a table in memory that others use too: another process of the same system.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn over_memory(table: MemoryTable, clock: Arc<dyn Clock>) -> Self {
        Self::over(Table::Memory(table), clock)
    }

    fn over(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self {
            table,
            channels: Cache::new(Arc::clone(&clock), CAPACITY),
            tenants: Cache::new(clock, CAPACITY),
        }
    }

    /// A channel; `None` when there is none of that id.
    ///
    /// # Errors
    /// [`DirectoryError::Table`], [`DirectoryError::Item`]; neither is cached.
    pub async fn channel(&self, id: &ChannelId) -> Result<Option<Arc<ChannelRecord>>, DirectoryError> {
        let load = async {
            let item = self.table.get(&record::channel_key(id), false).await?;
            kept(item.as_ref().map(item::to_channel).transpose()?, |_| KEEP_HIT)
        };
        let found = self.channels.get_or_load(id.as_str(), load).await?;
        count(found.hit);
        Ok(found.value)
    }

    /// The channel read anew, for a caller who has reason to doubt what [`Self::channel`] said; `None`
    /// when that is no older than [`KEEP_MISS`], so that doubts cost a read every few seconds at most.
    ///
    /// # Errors
    /// As [`Directory::channel`].
    pub async fn doubted_channel(
        &self,
        id: &ChannelId,
    ) -> Result<Option<Arc<ChannelRecord>>, DirectoryError> {
        if self.channels.forget_older(id.as_str(), KEEP_MISS).await {
            self.channel(id).await
        } else {
            Ok(None)
        }
    }

    /// A tenant; `None` when there is none of that id.
    ///
    /// # Errors
    /// As [`Directory::channel`].
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<TenantRecord>>, DirectoryError> {
        let load = async {
            let read = async |consistent| {
                let item = self.table.get(&record::tenant_key(id), consistent).await?;
                item.as_ref().map(item::to_tenant).transpose()
            };
            let mut record = read(false).await?;
            // A read that is a moment old could still say that a tenant is where it has just left.
            if record.as_ref().is_some_and(|record| record.relocation != Relocation::Settled) {
                record = read(true).await?;
            }
            kept(record, |record| match record.relocation {
                Relocation::Settled => KEEP_HIT,
                Relocation::Moving => KEEP_MOVING,
                Relocation::Fenced => Duration::ZERO,
            })
        };
        let found = self.tenants.get_or_load(id.as_str(), load).await?;
        count(found.hit);
        Ok(found.value)
    }

    /// A channel as it stands this moment, past the cache: for who is about to change it.
    ///
    /// # Errors
    /// As [`Directory::channel`].
    pub async fn newest_channel(&self, id: &ChannelId) -> Result<Option<ChannelRecord>, DirectoryError> {
        self.channels.forget(id.as_str());
        let item = self.table.get(&record::channel_key(id), true).await?;
        item.as_ref().map(item::to_channel).transpose()
    }

    /// A tenant as it stands this moment, past the cache: for who is about to change it.
    ///
    /// # Errors
    /// As [`Directory::channel`].
    pub async fn newest_tenant(&self, id: &TenantId) -> Result<Option<TenantRecord>, DirectoryError> {
        self.tenants.forget(id.as_str());
        let item = self.table.get(&record::tenant_key(id), true).await?;
        item.as_ref().map(item::to_tenant).transpose()
    }

    /// Forgets what is known of a tenant: it was found to live somewhere else.
    pub fn forget_tenant(&self, id: &TenantId) {
        self.tenants.forget(id.as_str());
    }

    /// Writes a channel. For the provisioner and the local seeder alone.
    ///
    /// # Errors
    /// [`DirectoryError::Stale`] when a higher version is stored, [`DirectoryError::Table`].
    pub async fn put_channel(&self, record: &ChannelRecord) -> Result<(), DirectoryError> {
        self.table.put(item::of_channel(record), record.version).await?;
        self.channels.forget(record.channel_id.as_str());
        Ok(())
    }

    /// Writes a tenant. For the provisioner and the local seeder alone.
    ///
    /// # Errors
    /// As [`Directory::put_channel`].
    pub async fn put_tenant(&self, record: &TenantRecord) -> Result<(), DirectoryError> {
        self.table.put(item::of_tenant(record), record.version).await?;
        self.tenants.forget(record.tenant_id.as_str());
        Ok(())
    }

    /// Removes a channel: nobody posts to it any more. Fine when it is not there. For the provisioner alone.
    ///
    /// # Errors
    /// [`DirectoryError::Table`].
    pub async fn remove_channel(&self, id: &ChannelId) -> Result<(), DirectoryError> {
        self.table.remove(&record::channel_key(id)).await?;
        self.channels.forget(id.as_str());
        Ok(())
    }

    /// Removes a tenant, and with it the only copy of its data key: what is sealed under it can never
    /// be opened again. Fine when it is not there. For the provisioner alone.
    ///
    /// # Errors
    /// [`DirectoryError::Table`].
    pub async fn remove_tenant(&self, id: &TenantId) -> Result<(), DirectoryError> {
        self.table.remove(&record::tenant_key(id)).await?;
        self.tenants.forget(id.as_str());
        Ok(())
    }
}

/// A record, or that there is none, and for how long that holds.
type Kept<R> = (Option<Arc<R>>, Duration);

fn kept<R>(record: Option<R>, keep: impl FnOnce(&R) -> Duration) -> Result<Kept<R>, DirectoryError> {
    let keep = record.as_ref().map_or(KEEP_MISS, keep);
    Ok((record.map(Arc::new), keep))
}

fn count(hit: bool) {
    let name = if hit { "DirectoryCacheHits" } else { "DirectoryReads" };
    metrics::counter!(name).increment(1);
}

#[cfg(test)]
mod tests;
