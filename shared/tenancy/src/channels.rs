//! LINE, as the tenants' channels.

use std::sync::Arc;

use matome_domain::clock::Clock;
use matome_domain::ids::{ChannelId, TenantId};
use matome_line::client::{Credentials, LineChannel, LineClient, LineConfig};
use matome_runtime::aws::Aws;
use matome_runtime::config::Env;
use matome_runtime::directory::{ChannelRecord, secret_field};
use matome_runtime::keys::DataKeys;
use matome_runtime::random::Random;
use secrecy::{ExposeSecret, SecretString};

use crate::{TenancyError, Tenants};

/// See the module.
pub struct Channels {
    keys: DataKeys,
    line: LineClient,
}

impl Tenants {
    /// A channel, which must be the tenant's.
    ///
    /// # Errors
    /// [`TenancyError::UnknownChannel`], [`TenancyError::NotTheirs`], or the directory's failure.
    pub async fn channel(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
    ) -> Result<Arc<ChannelRecord>, TenancyError> {
        let record = self.directory().channel(channel).await?;
        let record = record.ok_or_else(|| TenancyError::UnknownChannel(channel.clone()))?;
        if record.tenant_id != *tenant {
            return Err(TenancyError::NotTheirs { channel: channel.clone(), tenant: tenant.clone() });
        }
        Ok(record)
    }
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
        let record = tenants.channel(tenant, channel).await?;
        let secret = self.keys.open(tenant, &record.key, &secret_field(channel), &record.secret).await?;
        Ok(self.line_with(channel, &secret))
    }

    /// LINE as a channel that the directory need not know yet. For the provisioner.
    #[must_use]
    pub fn line_with(&self, channel: &ChannelId, secret: &SecretString) -> LineChannel {
        self.line.channel(Credentials::Secret {
            channel_id: channel.to_string(),
            channel_secret: secret.expose_secret().to_owned(),
        })
    }
}
