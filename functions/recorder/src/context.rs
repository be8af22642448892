//! What an invocation works with, made once at cold start.

use std::sync::Arc;

use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::queue::{Inbound, MediaJob, OutboundJob, QueueMessage, SummaryJob, url_variable};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::queue::Queues;
use matome_runtime::random::{Random, SystemRandom};
use matome_runtime::scoped::TenantBlobs;
use matome_tenancy::{Channels, HealthRecords, TenancyError, Tenants};

/// See the module.
pub struct Context {
    /// Tenants' data and settings.
    pub tenants: Tenants,
    /// LINE.
    pub channels: Channels,
    /// What is learnt of the channels.
    pub health: HealthRecords,
    /// Queues of media, summaries and outbound messages; `inbound.fifo` where poison is to come back soon.
    pub queues: Queues,
    /// Media; absent where only `inbound.fifo` is consumed, which needs no access to the bucket.
    pub blobs: Option<TenantBlobs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where a test makes the recorder die.
    pub faults: Faults,
}

impl Context {
    /// Reads `DIRECTORY_TABLE`, `MONGODB_URI`, `KMS_KEY_ID`, `LINE_API_URL`,
    /// `LINE_DATA_API_URL`, `MEDIA_QUEUE_URL`, `SUMMARIES_QUEUE_URL`, `OUTBOUND_QUEUE_URL`;
    /// for media also `BLOBS_BUCKET` and, to reach it as the tenant alone, `TENANT_ACCESS_ROLE_ARN`; for `inbound.fifo` `INBOUND_QUEUE_URL`, without which poison waits
    /// for the queue's visibility timeout.
    ///
    /// # Errors
    /// [`TenancyError`] with the setting that is missing or wrong.
    pub async fn from_env(env: &Env) -> Result<Self, TenancyError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let aws = Aws::from_env(env, Patience::CONSUMER)?;
        let queues = Queues::new(&aws, Arc::clone(&random))
            .with::<MediaJob>(env)?
            .with::<SummaryJob>(env)?
            .with::<OutboundJob>(env)?;
        let inbound = env.optional(&url_variable(Inbound::QUEUE))?;
        Ok(Self {
            channels: Channels::from_env(env, &aws, Arc::clone(&clock), Arc::clone(&random))?,
            health: HealthRecords::new(Arc::clone(&clock)),
            queues: match inbound {
                Some(url) => queues.with_url::<Inbound>(url),
                None => queues,
            },
            blobs: match env.optional(Blobs::SETTING)? {
                Some(_) => Some(TenantBlobs::from_env(env, &aws, Arc::clone(&clock))?),
                None => None,
            },
            tenants: Tenants::from_env(env, &aws, Arc::clone(&clock)).await?,
            clock,
            random,
            faults: Faults::none(),
        })
    }
}
