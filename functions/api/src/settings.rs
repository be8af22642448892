//! What is set from outside, apart from what the building blocks read themselves.

use std::time::Duration;

use matome_runtime::config::{ConfigError, Env};
use url::Url;

/// See [`Settings::even_time`].
const EVEN_TIME: Duration = Duration::from_millis(800);

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `iss` of access tokens (`API_ISSUER`): the API's own base URL.
    pub issuer: String,
    /// `aud` of access tokens (`API_AUDIENCE`).
    pub audience: String,
    /// Origin of the console (`CONSOLE_URL`): the one web page that may call everything.
    pub console_origin: Option<String>,
    /// See [`crate::guard::Rule::evenly`]. Not set from outside: longer than argon2, and than SES takes for a mail.
    pub even_time: Duration,
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
            even_time: EVEN_TIME,
            console_origin: console.map(|url| url.origin().ascii_serialization()),
        })
    }
}
