//! What the handler works with, made once.

use std::sync::Arc;

use matome_domain::clock::Clock;
use matome_domain::queue::Inbound;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::{ConfigError, Env};
use matome_runtime::directory::Directory;
use matome_runtime::keys::DataKeys;
use matome_runtime::queue::Queues;
use matome_runtime::random::SystemRandom;

/// The webhook's parts.
pub struct Context {
    /// Channel → tenant, secret, queue.
    pub directory: Directory,
    /// Opens channel secrets.
    pub keys: DataKeys,
    /// Where events go.
    pub queues: Queues,
    /// The time an event was taken at.
    pub clock: Arc<dyn Clock>,
}

impl Context {
    /// From `DIRECTORY_TABLE`, `INBOUND_QUEUE_URL` and what Lambda sets.
    ///
    /// # Errors
    /// [`ConfigError`] with the name of what is missing.
    pub async fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let aws = Aws::from_env(env, Patience::WEBHOOK)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random = Arc::new(SystemRandom);
        Ok(Self {
            directory: Directory::from_env(env, &aws, Arc::clone(&clock))?,
            keys: DataKeys::from_env(env, &aws, Arc::clone(&clock), random.clone())?,
            queues: Queues::new(&aws, random).with::<Inbound>(env)?,
            clock,
        })
    }
}
