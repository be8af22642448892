//! What is set from outside, apart from what the building blocks read themselves.

use matome_runtime::config::{ConfigError, Env};
use url::Url;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `iss` of access tokens (`API_ISSUER`): the API's own base URL.
    pub issuer: String,
    /// `aud` of access tokens (`API_AUDIENCE`).
    pub audience: String,
    /// Origin of the console (`CONSOLE_URL`): the one web page that may call everything.
    pub console_origin: Option<String>,
}

impl Settings {
    /// From `API_ISSUER`, `API_AUDIENCE` and `CONSOLE_URL`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing, or is no URL.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let console: Option<Url> = env.parsed("CONSOLE_URL")?;
        Ok(Self {
            issuer: env.required("API_ISSUER")?,
            audience: env.required("API_AUDIENCE")?,
            console_origin: console.map(|url| url.origin().ascii_serialization()),
        })
    }
}
