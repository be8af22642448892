//! What an invocation works with, made once at cold start.

use std::sync::Arc;

use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};
use matome_tenancy::{Channels, HealthRecords, TenancyError, Tenants};
use tokio::sync::Mutex;

/// See the module.
pub struct Context {
    /// Tenants' data and settings.
    pub tenants: Tenants,
    /// LINE.
    pub channels: Channels,
    /// What is learnt of the channels.
    pub health: HealthRecords,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Conversations of a batch share their channel's ledger: one transaction on it at a time, so
    /// that they collide with other processes only.
    pub turn: Mutex<()>,
    /// Where a test makes the sender die.
    pub faults: Faults,
}

impl Context {
    /// Reads `DIRECTORY_TABLE`, `MONGODB_URI`, `KMS_KEY_ID`, `LINE_API_URL`.
    ///
    /// # Errors
    /// [`TenancyError`] with the setting that is missing or wrong.
    pub async fn from_env(env: &Env) -> Result<Self, TenancyError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let aws = Aws::from_env(env, Patience::CONSUMER)?;
        Ok(Self {
            channels: Channels::from_env(env, &aws, Arc::clone(&clock), Arc::clone(&random))?,
            health: HealthRecords::new(Arc::clone(&clock)),
            tenants: Tenants::from_env(env, &aws, Arc::clone(&clock)).await?,
            clock,
            random,
            turn: Mutex::default(),
            faults: Faults::none(),
        })
    }
}
