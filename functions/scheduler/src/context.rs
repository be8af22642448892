//! What an invocation works with, made once at cold start.

use std::sync::Arc;

use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::queue::{Inbound, MediaJob, OutboundJob, SummaryJob, TenantJob};
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::ephemeral::Ephemeral;
use matome_runtime::queue::Queues;
use matome_runtime::random::SystemRandom;
use matome_tenancy::{TenancyError, Tenants};

/// See the module.
pub struct Context {
    /// The database, and the directory for tenants with queues of their own.
    pub tenants: Tenants,
    /// Where the work goes.
    pub queues: Queues,
    /// API calls, which are part of what a tenant uses.
    pub api_calls: ApiCalls,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where a test makes the scheduler die.
    pub faults: Faults,
}

impl Context {
    /// Reads `DIRECTORY_TABLE`, `MONGODB_URI`, `INBOUND_QUEUE_URL`, `MEDIA_QUEUE_URL`,
    /// `SUMMARIES_QUEUE_URL`, `OUTBOUND_QUEUE_URL`, `TENANTS_QUEUE_URL`, `EPHEMERAL_TABLE`.
    ///
    /// # Errors
    /// [`TenancyError`] with the setting that is missing or wrong.
    pub async fn from_env(env: &Env) -> Result<Self, TenancyError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let aws = Aws::from_env(env, Patience::CONSUMER)?;
        Ok(Self {
            queues: Queues::new(&aws, Arc::new(SystemRandom))
                .with::<Inbound>(env)?
                .with::<MediaJob>(env)?
                .with::<SummaryJob>(env)?
                .with::<OutboundJob>(env)?
                .with::<TenantJob>(env)?,
            tenants: Tenants::from_env(env, &aws, Arc::clone(&clock)).await?,
            api_calls: ApiCalls::new(Ephemeral::from_env(env, &aws)?, Arc::clone(&clock)),
            clock,
            faults: Faults::none(),
        })
    }
}
