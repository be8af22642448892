//! From a tenant's id to what a consumer works with: the tenant's data in its placement, its
//! settings, and LINE as its channel. The id comes from a queue message that the webhook wrote, and
//! with it from the directory; nothing here takes a placement or a key from a payload.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::{ChannelId, TenantId};
use matome_line::client::{Credentials, LineChannel, LineClient, LineConfig, LineError};
use matome_runtime::aws::Aws;
use matome_runtime::config::{ConfigError, Env};
use matome_runtime::directory::{Directory, DirectoryError, secret_field};
use matome_runtime::keys::{DataKeys, KeyError};
use matome_runtime::random::Random;
use matome_store::entities::Organization;
use matome_store::{Store, StoreError, TenantStore};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

/// How long settings are believed.
const KEEP_SETTINGS: Duration = Duration::from_secs(60);
/// Organizations whose settings are held at once.
const CAPACITY: usize = 10_000;

/// Why a tenant could not be served.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// KMS or a sealed secret failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// MongoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The LINE client could not be set up.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The directory does not know the tenant.
    #[error("tenant {0} is not in the directory")]
    UnknownTenant(TenantId),
    /// The directory does not know the channel.
    #[error("channel {0} is not in the directory")]
    UnknownChannel(ChannelId),
    /// The channel belongs to somebody else.
    #[error("channel {channel} does not belong to tenant {tenant}")]
    NotTheirs {
        /// Channel.
        channel: ChannelId,
        /// Tenant.
        tenant: TenantId,
    },
    /// The tenant has no organization document.
    #[error("tenant {0} has no organization")]
    NoOrganization(TenantId),
}

/// Connects to the database that `MONGODB_URI` names, for one Lambda environment.
///
/// # Errors
/// [`TenancyError`] when the setting is missing or no server answers.
pub async fn connect(env: &Env) -> Result<Store, TenancyError> {
    let prefix = env.optional("DATABASE_PREFIX")?.unwrap_or_else(|| "matome".to_owned());
    let store = Store::connect(&env.required("MONGODB_URI")?, &prefix, POOL).await?;
    // Init has more CPU than the handler: connect now (architecture §8).
    store.ping().await?;
    Ok(store)
}

/// Connections of one environment, which handles one invocation at a time.
const POOL: u32 = 2;

/// The tenants, as one function sees them.
pub struct Tenants {
    directory: Directory,
    store: Store,
    clock: Arc<dyn Clock>,
    organizations: Mutex<HashMap<TenantId, (Timestamp, Arc<Organization>)>>,
}

impl Tenants {
    /// From parts.
    #[must_use]
    pub fn new(directory: Directory, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { directory, store, clock, organizations: Mutex::default() }
    }

    /// From the environment: `DIRECTORY_TABLE`, `MONGODB_URI`.
    ///
    /// # Errors
    /// [`TenancyError`].
    pub async fn from_env(env: &Env, aws: &Aws, clock: Arc<dyn Clock>) -> Result<Self, TenancyError> {
        let directory = Directory::from_env(env, aws, Arc::clone(&clock))?;
        Ok(Self::new(directory, connect(env).await?, clock))
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The database, for what belongs to no tenant.
    #[must_use]
    pub fn platform(&self) -> &Store {
        &self.store
    }

    /// A tenant's data.
    ///
    /// # Errors
    /// [`TenancyError::UnknownTenant`], or the directory's failure.
    pub async fn store(&self, tenant: &TenantId) -> Result<TenantStore, TenancyError> {
        let record = self.directory.tenant(tenant).await?;
        let record = record.ok_or_else(|| TenancyError::UnknownTenant(tenant.clone()))?;
        Ok(self.store.tenant(tenant, record.placement))
    }

    /// A tenant's organization, at most a minute old.
    ///
    /// # Errors
    /// [`TenancyError::NoOrganization`], or the database's failure.
    pub async fn organization(&self, tenant: &TenantId) -> Result<Arc<Organization>, TenancyError> {
        let now = self.clock.now();
        let mut cache = self.organizations.lock().await;
        if let Some((read_at, organization)) = cache.get(tenant)
            && now.since(*read_at) < KEEP_SETTINGS
        {
            return Ok(Arc::clone(organization));
        }
        let collection = self.store.platform_collection::<Organization>();
        let found = collection.find_one(doc! { "tenantId": tenant.as_str() }).await;
        let found = found.map_err(StoreError::from)?;
        let found = Arc::new(found.ok_or_else(|| TenancyError::NoOrganization(tenant.clone()))?);
        if cache.len() >= CAPACITY {
            cache.clear();
        }
        cache.insert(tenant.clone(), (now, Arc::clone(&found)));
        Ok(found)
    }
}

/// LINE, as the tenants' channels.
pub struct Channels {
    keys: DataKeys,
    line: LineClient,
}

impl Channels {
    /// From parts.
    #[must_use]
    pub fn new(keys: DataKeys, line: LineClient) -> Self {
        Self { keys, line }
    }

    /// From the environment: `KMS_KEY_ID`, `LINE_API_URL`, `LINE_DATA_API_URL`.
    ///
    /// # Errors
    /// [`TenancyError`].
    pub fn from_env(
        env: &Env,
        aws: &Aws,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, TenancyError> {
        let default = LineConfig::default();
        let config = LineConfig {
            api_url: env.optional("LINE_API_URL")?.unwrap_or(default.api_url),
            data_api_url: env.optional("LINE_DATA_API_URL")?.unwrap_or(default.data_api_url),
            ..LineConfig::default()
        };
        let keys = DataKeys::from_env(env, aws, Arc::clone(&clock), random)?;
        Ok(Self::new(keys, LineClient::new(config, clock)?))
    }

    /// LINE as `channel`, which must be the tenant's.
    ///
    /// # Errors
    /// [`TenancyError::UnknownChannel`], [`TenancyError::NotTheirs`], or a failure on the way.
    pub async fn line(
        &self,
        tenants: &Tenants,
        tenant: &TenantId,
        channel: &ChannelId,
    ) -> Result<LineChannel, TenancyError> {
        let record = tenants.directory.channel(channel).await?;
        let record = record.ok_or_else(|| TenancyError::UnknownChannel(channel.clone()))?;
        if record.tenant_id != *tenant {
            return Err(TenancyError::NotTheirs { channel: channel.clone(), tenant: tenant.clone() });
        }
        let secret = self.keys.open(tenant, &record.key, &secret_field(channel), &record.secret).await?;
        Ok(self.line.channel(Credentials::Secret {
            channel_id: channel.to_string(),
            channel_secret: secret.expose_secret().to_owned(),
        }))
    }
}
