//! What an invocation works with, made once at cold start.

use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::queue::TenantJob;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::directory::{KEEP_HIT, KEEP_MOVING};
use matome_runtime::keys::DataKeys;
use matome_runtime::queue::Queues;
use matome_runtime::random::{Random, SystemRandom};
use matome_stacks::TenantStacks;
use matome_tenancy::{Channels, TenancyError, Tenants};

/// See the module.
pub struct Context {
    /// The platform's database, the tenants' own, the directory.
    pub tenants: Tenants,
    /// LINE.
    pub channels: Channels,
    /// Data keys.
    pub keys: DataKeys,
    /// `tenants.fifo`, for an operation that needs another invocation.
    pub queues: Queues,
    /// Media and backups; absent in tests that need none.
    pub blobs: Option<Blobs>,
    /// Stacks of dedicated tenants; absent where no code for them is deployed.
    pub stacks: Option<TenantStacks>,
    /// Where LINE is to post webhooks: `<base>/line/<channel id>`.
    pub webhook_base_url: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// How long an invocation may go on with steps, waits included.
    pub budget: Duration,
    /// How long everybody's view of the directory may be old.
    pub directory_age: Duration,
    /// How long it may be old for a tenant that has announced its move.
    pub moving_age: Duration,
    /// No invocation of any function lasts longer.
    pub longest_invocation: Duration,
    /// How many batches of documents (a thousand, or 8 MB) a move copies before it notes how far it is.
    pub slice: u32,
    /// Where a test makes the provisioner die.
    pub faults: Faults,
}

/// Less than the function's time-out (15 minutes), so that a slice of work that was begun can end.
const BUDGET: Duration = Duration::from_secs(10 * 60);

/// In seconds, how long an invocation can last; Lambda's own limit when left out.
const LONGEST_INVOCATION: &str = "LONGEST_INVOCATION_SECONDS";
const LAMBDAS_LIMIT: u64 = 15 * 60;

/// A few seconds' work.
const SLICE: u32 = 10;

impl Context {
    /// Reads `DIRECTORY_TABLE`, `MONGODB_URI`, `CELLS`, `DATA_REGION`, `KMS_KEY_ID`, `TENANTS_QUEUE_URL`, `BLOBS_BUCKET`,
    /// `WEBHOOK_BASE_URL`, `LINE_API_URL`, `LINE_DATA_API_URL`,
    /// `LONGEST_INVOCATION_SECONDS`, and what [`TenantStacks::from_env`] names.
    ///
    /// # Errors
    /// [`TenancyError`] with the setting that is missing or wrong.
    pub async fn from_env(env: &Env) -> Result<Self, TenancyError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let aws = Aws::from_env(env, Patience::CONSUMER)?;
        Ok(Self {
            channels: Channels::from_env(env, &aws, Arc::clone(&clock), Arc::clone(&random))?,
            keys: DataKeys::from_env(env, &aws, Arc::clone(&clock), Arc::clone(&random))?,
            queues: Queues::new(&aws, Arc::clone(&random)).with::<TenantJob>(env)?,
            blobs: Some(Blobs::from_client(aws.s3(), env.required(Blobs::SETTING)?)),
            stacks: TenantStacks::from_env(env, &aws)?,
            webhook_base_url: env.required("WEBHOOK_BASE_URL")?,
            tenants: Tenants::from_env(env, &aws, Arc::clone(&clock)).await?,
            clock,
            random,
            budget: BUDGET,
            directory_age: KEEP_HIT,
            moving_age: KEEP_MOVING,
            longest_invocation: Duration::from_secs(env.parsed_or(LONGEST_INVOCATION, LAMBDAS_LIMIT)?),
            slice: SLICE,
            faults: Faults::none(),
        })
    }
}
