//! What the routes work with, made once.

use std::sync::Arc;

use axum::Router;
use bson::oid::ObjectId;
use matome_domain::clock::Clock;
use matome_domain::ids::TenantId;
use matome_domain::queue::{Inbound, OutboundJob, SummaryJob, TenantJob};
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::directory::Directory;
use matome_runtime::ephemeral::Ephemeral;
use matome_runtime::idempotency::Idempotency;
use matome_runtime::keys::DataKeys;
use matome_runtime::lambda;
use matome_runtime::queue::Queues;
use matome_runtime::random::{Random, SystemRandom};
use matome_runtime::rate_limit::RateLimits;
use matome_runtime::scoped::TenantAccess;
use matome_store::time::date;
use matome_store::value::Time;
use matome_tenancy::{Cells, Tenants};

use crate::auth::Accounts;
use crate::auth::access_token::AccessTokens;
use crate::auth::vault::Vault;
use crate::guard::Origins;
use crate::http::Problem;
use crate::routes::{self, Route};
use crate::settings::Settings;

/// As every route has it.
pub type App = Arc<Context>;

/// The API's parts.
pub struct Context {
    /// Tenants' data, wherever it lives, and the platform's.
    pub tenants: Tenants,
    /// The platform's own keys.
    pub vault: Arc<Vault>,
    /// Access tokens.
    pub tokens: AccessTokens,
    /// What accounts do: logging in and all around it; also mails.
    pub accounts: Accounts,
    /// How often.
    pub limits: RateLimits,
    /// How often in a month.
    pub api_calls: ApiCalls,
    /// Repeats of a request.
    pub idempotency: Idempotency,
    /// Tenants' data keys, for what is sealed before it goes into an operation.
    pub keys: Arc<DataKeys>,
    /// The recorder, the summarizer, the sender and the provisioner.
    pub queues: Queues,
    /// AWS with the rights of one tenant, for its media: see [`Context::blobs`].
    pub access: Arc<TenantAccess>,
    /// Tenants' own origins.
    pub origins: Origins,
    /// What is set from outside.
    pub settings: Settings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids, tokens and nonces.
    pub random: Arc<dyn Random>,
}

/// The context and the routes over it.
pub struct Api {
    /// The routes.
    pub router: Router,
}

impl Api {
    /// The routes over a context.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self::serving(context, routes::all())
    }

    /// Other routes than all there are: for the test that shows what an entity's declaration alone gives.
    #[doc(hidden)]
    #[must_use]
    pub fn serving(context: Context, routes: Vec<Route>) -> Self {
        Self { router: routes::router(&Arc::new(context), routes) }
    }

    /// From the environment that `template.yaml` gives: see `README.md`.
    ///
    /// # Errors
    /// The name of what is missing or wrong; MongoDB's failure to answer.
    pub async fn from_env(env: &Env) -> Result<Self, lambda::Error> {
        Ok(Self::new(Context::from_env(env).await?))
    }
}

impl Context {
    /// The time as documents have it.
    #[must_use]
    pub fn now(&self) -> Time {
        date(self.clock.now()).into()
    }

    /// An id for a new document: the time and randomness, as ObjectIds are made.
    #[must_use]
    pub fn new_id(&self) -> ObjectId {
        let mut bytes = [0; 12];
        self.random.fill(&mut bytes);
        let seconds = u32::try_from(self.clock.now().0 / 1_000).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        ObjectId::from_bytes(bytes)
    }

    /// The bucket that the tenant's media are in, with the rights of this tenant alone.
    ///
    /// # Errors
    /// When the directory or STS do not answer.
    pub async fn blobs(&self, tenant: &TenantId) -> Result<Blobs, Problem> {
        let record = self.tenants.directory().tenant(tenant).await.map_err(Problem::unavailable)?;
        let own = record.as_ref().and_then(|record| record.bucket.as_deref());
        self.access.blobs(tenant, own).await.map_err(Problem::unavailable)
    }

    async fn from_env(env: &Env) -> Result<Self, lambda::Error> {
        let aws = Aws::from_env(env, Patience::CONSUMER)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let directory = Directory::from_env(env, &aws, Arc::clone(&clock))?;
        let cells = Cells::from_env(env).await?;
        cells.home().ping().await?;
        let keys = || DataKeys::from_env(env, &aws, Arc::clone(&clock), Arc::clone(&random));
        let settings = Settings::from_env(env)?;
        let vault = Vault::open(cells.home().clone(), keys()?, Arc::clone(&clock), Arc::clone(&random));
        let vault = Arc::new(vault);
        // What a tenant has in DynamoDB and its data key, as its media: with the rights of this tenant alone.
        let access = Arc::new(TenantAccess::from_env(env, &aws, Arc::clone(&clock))?);
        let tenants_keys = Arc::new(keys()?.per_tenant(Arc::clone(&access)));
        let ephemeral = Ephemeral::from_env(env, &aws)?.per_tenant(Arc::clone(&access));
        let tokens = AccessTokens::new(&settings.issuer, &settings.audience);
        let accounts = Accounts::from_env(
            env,
            &aws,
            cells.home().clone(),
            Arc::clone(&vault),
            tokens.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
        )?;
        Ok(Self {
            vault,
            tokens,
            accounts,
            tenants: Tenants::new(directory, cells, Arc::clone(&clock)),
            limits: RateLimits::new(ephemeral.clone(), Arc::clone(&clock)),
            api_calls: ApiCalls::new(ephemeral.clone(), Arc::clone(&clock)),
            idempotency: Idempotency::new(
                ephemeral,
                Arc::clone(&tenants_keys),
                Arc::clone(&clock),
                Arc::clone(&random),
            ),
            keys: tenants_keys,
            queues: Queues::new(&aws, Arc::clone(&random))
                .with::<Inbound>(env)?
                .with::<SummaryJob>(env)?
                .with::<OutboundJob>(env)?
                .with::<TenantJob>(env)?,
            access,
            origins: Origins::default(),
            settings,
            clock,
            random,
        })
    }
}
