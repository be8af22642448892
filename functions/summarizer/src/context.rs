//! What an invocation works with, made once at cold start.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use matome_ai::{AiConfig, ConfigError as AiConfigError, Secret, Summarizer};
use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::queue::OutboundJob;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::{ConfigError, Env};
use matome_runtime::queue::Queues;
use matome_runtime::random::{Random, SystemRandom};
use matome_runtime::scoped::TenantBlobs;
use matome_tenancy::{TenancyError, Tenants};

use crate::error::SummarizeError;

/// See the module.
pub struct Context {
    /// Tenants' data and settings.
    pub tenants: Tenants,
    /// The queue to the sender.
    pub queues: Queues,
    /// Pictures, for providers that can see.
    pub blobs: TenantBlobs,
    /// Writers.
    pub writers: Writers,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where a test makes the summarizer die.
    pub faults: Faults,
}

impl Context {
    /// Reads `DIRECTORY_TABLE`, `MONGODB_URI`, `BLOBS_BUCKET`, `OUTBOUND_QUEUE_URL`, `AI_PROVIDER`,
    /// `AI_MODEL`, `AI_BASE_URL`, `AI_API_KEY`, `AI_VISION`; to see pictures as the tenant alone
    /// `TENANT_ACCESS_ROLE_ARN`.
    ///
    /// # Errors
    /// [`SummarizeError`] with the setting that is missing or wrong.
    pub async fn from_env(env: &Env) -> Result<Self, SummarizeError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let aws = Aws::from_env(env, Patience::CONSUMER).map_err(TenancyError::from)?;
        let queues = Queues::new(&aws, Arc::clone(&random)).with::<OutboundJob>(env);
        Ok(Self {
            writers: Writers::new(ai_config(env).map_err(TenancyError::from)?)?,
            queues: queues.map_err(TenancyError::from)?,
            blobs: TenantBlobs::from_env(env, &aws, Arc::clone(&clock)).map_err(TenancyError::from)?,
            tenants: Tenants::from_env(env, &aws, Arc::clone(&clock)).await?,
            clock,
            random,
            faults: Faults::none(),
        })
    }
}

fn ai_config(env: &Env) -> Result<AiConfig, ConfigError> {
    Ok(AiConfig {
        provider: env.optional("AI_PROVIDER")?,
        model: env.optional("AI_MODEL")?,
        base_url: env.optional("AI_BASE_URL")?,
        api_key: env.optional("AI_API_KEY")?.map(Secret::new),
        vision: env.parsed("AI_VISION")?,
        ..AiConfig::default()
    })
}

/// The deployment's summarizer, and those of organizations that chose another model.
pub struct Writers {
    config: AiConfig,
    default: Arc<Summarizer>,
    by_model: Mutex<HashMap<String, Arc<Summarizer>>>,
}

impl Writers {
    /// Of a deployment's settings.
    ///
    /// # Errors
    /// [`AiConfigError`] names the setting.
    pub fn new(config: AiConfig) -> Result<Self, AiConfigError> {
        let default = Arc::new(Summarizer::new(&config)?);
        Ok(Self { config, default, by_model: Mutex::default() })
    }

    /// Whether a provider is configured, rather than the built-in summarizer alone.
    fn has_provider(&self) -> bool {
        self.default.writer().0 != matome_ai::Summarizer::builtin().writer().0
    }

    /// The summarizer for an organization's `aiSettings.model`.
    ///
    /// # Errors
    /// [`AiConfigError`] when the model cannot be used with this deployment's provider.
    pub fn of(&self, model: Option<&str>) -> Result<Arc<Summarizer>, AiConfigError> {
        let Some(model) = model.filter(|m| self.has_provider() && *m != self.default.writer().1) else {
            return Ok(Arc::clone(&self.default));
        };
        let mut known = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = known.get(model) {
            return Ok(Arc::clone(writer));
        }
        let config = AiConfig { model: Some(model.to_owned()), ..self.config.clone() };
        let writer = Arc::new(Summarizer::new(&config)?);
        known.insert(model.to_owned(), Arc::clone(&writer));
        Ok(writer)
    }
}
