//! The tenants, as one function sees them: a tenant's data in its placement and cell, its settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bson::doc;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::TenantId;
use matome_domain::queue::QueueMessage;
use matome_runtime::aws::Aws;
use matome_runtime::config::Env;
use matome_runtime::directory::{Directory, Relocation, Status};
use matome_runtime::queue::own_queue_url;
use matome_store::entities::Organization;
use matome_store::{Store, StoreError, TenantStore};

use crate::{Cells, TenancyError};

/// How long settings are believed.
const KEEP_SETTINGS: Duration = Duration::from_secs(60);
/// Organizations whose settings are held at once.
const CAPACITY: usize = 10_000;
/// How often a tenant that is between two placements is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often at most: ten seconds, several times what a move's fence is to take.
const LOOKS: u32 = 40;
/// How often one piece of work is begun anew because its tenant turned out to have moved.
const BEGINNINGS: u32 = 3;

/// See the module.
pub struct Tenants {
    directory: Directory,
    cells: Cells,
    clock: Arc<dyn Clock>,
    organizations: Mutex<HashMap<TenantId, (Timestamp, Arc<Organization>)>>,
}

impl Tenants {
    /// From parts.
    #[must_use]
    pub fn new(directory: Directory, cells: Cells, clock: Arc<dyn Clock>) -> Self {
        Self { directory, cells, clock, organizations: Mutex::default() }
    }

    /// From the environment: `DIRECTORY_TABLE`, `MONGODB_URI`, `CELLS`.
    ///
    /// # Errors
    /// [`TenancyError`].
    pub async fn from_env(env: &Env, aws: &Aws, clock: Arc<dyn Clock>) -> Result<Self, TenancyError> {
        let directory = Directory::from_env(env, aws, Arc::clone(&clock))?;
        Ok(Self::new(directory, Cells::from_env(env).await?, clock))
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The clusters.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The database, for what belongs to no tenant.
    #[must_use]
    pub fn platform(&self) -> &Store {
        self.cells.home()
    }

    /// A tenant's data where they live now. Waits up to ten seconds for one that is between two
    /// placements.
    ///
    /// # Errors
    /// [`TenancyError::UnknownTenant`], [`TenancyError::Moving`], or the directory's failure.
    pub async fn store(&self, tenant: &TenantId) -> Result<TenantStore, TenancyError> {
        for _ in 0..LOOKS {
            let record = self.directory.tenant(tenant).await?;
            let record = record.ok_or_else(|| TenancyError::UnknownTenant(tenant.clone()))?;
            if record.relocation != Relocation::Fenced {
                return Ok(self.cells.store(&record.cell).await?.tenant(tenant, record.placement));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(TenancyError::Moving(tenant.clone()))
    }

    /// The queue of this kind that the tenant's work goes to, where that is not the deployment's: its own
    /// stack's, or its cell's.
    ///
    /// # Errors
    /// The directory's failure; [`TenancyError::UnknownCell`].
    pub async fn queue_of_tenant<M: QueueMessage>(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<String>, TenancyError> {
        let Some(record) = self.directory.tenant(tenant).await? else { return Ok(None) };
        match &record.inbound_queue_url {
            Some(own) => Ok(own_queue_url(own, M::QUEUE)),
            None => self.cells.queue_url::<M>(&record.cell),
        }
    }

    /// Whether the tenant is served. Of one that is suspended everything is recorded, but nothing is sent
    /// and no AI provider is asked: that waits until it is served again.
    ///
    /// # Errors
    /// [`TenancyError::UnknownTenant`], or the directory's failure.
    pub async fn is_served(&self, tenant: &TenantId) -> Result<bool, TenancyError> {
        let record = self.directory.tenant(tenant).await?;
        let record = record.ok_or_else(|| TenancyError::UnknownTenant(tenant.clone()))?;
        Ok(record.status == Status::Active)
    }

    /// Does a piece of work on a tenant, and begins it anew if the tenant turns out to have moved while
    /// it was done: a fence then refused what it wanted to write. `work` takes its data from
    /// [`Self::store`] and must bear being done twice.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn wherever_it_lives<T, E: Fenced>(
        &self,
        tenant: &TenantId,
        work: impl AsyncFn() -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 1..BEGINNINGS {
            // Boxed: whole functions are done in here, and their futures nest deep.
            match Box::pin(work()).await {
                Err(error) if error.is_fenced() => {
                    metrics::counter!("FencesMet").increment(1);
                    self.directory.forget_tenant(tenant);
                    // The directory may not say so yet.
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                other => return other,
            }
        }
        Box::pin(work()).await
    }

    /// A tenant's organization, at most a minute old.
    ///
    /// # Errors
    /// [`TenancyError::NoOrganization`], or the database's failure.
    pub async fn organization(&self, tenant: &TenantId) -> Result<Arc<Organization>, TenancyError> {
        let now = self.clock.now();
        if let Some(kept) = self.kept(tenant, now) {
            return Ok(kept);
        }
        // Not under the lock: the tenants of a batch would wait for each other's look-up.
        let collection = self.platform().platform_collection::<Organization>();
        let found = collection.find_one(doc! { "tenantId": tenant.as_str() }).await;
        let found = found.map_err(StoreError::from)?;
        let found = Arc::new(found.ok_or_else(|| TenancyError::NoOrganization(tenant.clone()))?);
        let mut cache = self.organizations.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CAPACITY {
            cache.clear();
        }
        cache.insert(tenant.clone(), (now, Arc::clone(&found)));
        Ok(found)
    }

    fn kept(&self, tenant: &TenantId, now: Timestamp) -> Option<Arc<Organization>> {
        let cache = self.organizations.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, organization) = cache.get(tenant)?;
        (now.since(*read_at) < KEEP_SETTINGS).then(|| Arc::clone(organization))
    }
}

/// An error that may come from a fence around a tenant that is being moved.
pub trait Fenced {
    /// Whether it does.
    fn is_fenced(&self) -> bool;
}

impl Fenced for StoreError {
    fn is_fenced(&self) -> bool {
        Self::is_fenced(self)
    }
}

impl Fenced for TenancyError {
    fn is_fenced(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_fenced())
    }
}
