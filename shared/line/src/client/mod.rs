//! What we ask LINE for: one [`LineClient`] for a process, one [`LineChannel`] for each channel.
//!
//! Paths and shapes are those of LINE's `messaging-api.yml` and `channel-access-token.yml`.
//! Neither errors nor logs carry tokens, secrets, ids or bodies.

mod account;
mod content;
mod error;
mod people;
mod request;
mod send;
mod token;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;

pub use account::{BotInfo, Quota, WebhookEndpoint, WebhookTest};
pub use content::{Content, ContentStream, Transcoding};
pub use error::{ErrorDetail, LineError};
pub use people::{GroupSummary, Profile};
pub use send::{SendOutcome, SentMessage};
use token::TokenCache;

/// Where LINE's production API answers (`LINE_API_URL`).
pub const DEFAULT_API_URL: &str = "https://api.line.me";
/// Where LINE's production content answers (`LINE_DATA_API_URL`).
pub const DEFAULT_DATA_API_URL: &str = "https://api-data.line.me";

/// Where LINE is and how long to wait for it.
#[derive(Debug, Clone)]
pub struct LineConfig {
    /// Base URL of the API, without a slash at the end.
    pub api_url: String,
    /// Base URL of the content API, without a slash at the end.
    pub data_api_url: String,
    /// To connect.
    pub connect_timeout: Duration,
    /// For a whole call, content apart.
    pub call_timeout: Duration,
    /// Between two pieces of an answer: a long content may take longer than a call.
    pub read_timeout: Duration,
}

impl Default for LineConfig {
    fn default() -> Self {
        Self {
            api_url: DEFAULT_API_URL.to_owned(),
            data_api_url: DEFAULT_DATA_API_URL.to_owned(),
            connect_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(10),
        }
    }
}

/// How a channel proves who it is.
#[derive(Clone)]
pub enum Credentials {
    /// Stateless tokens (15 minutes, as many as wanted) are issued from these.
    Secret {
        /// The channel's id.
        channel_id: String,
        /// The channel's secret.
        channel_secret: String,
    },
    /// A long-lived token issued elsewhere.
    Token(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { channel_id, .. } => {
                f.debug_struct("Secret").field("channel_id", channel_id).finish_non_exhaustive()
            }
            Self::Token(_) => f.write_str("Token(…)"),
        }
    }
}

/// Connections and tokens of one process; cheap to clone.
#[derive(Clone)]
pub struct LineClient {
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    config: LineConfig,
    tokens: TokenCache,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for LineClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineClient").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl LineClient {
    /// A client; connects to nobody yet. `clock` decides when a token is too old.
    ///
    /// # Errors
    /// [`LineError::Setup`] when the TLS set-up fails.
    pub fn new(mut config: LineConfig, clock: Arc<dyn Clock>) -> Result<Self, LineError> {
        for url in [&mut config.api_url, &mut config.data_api_url] {
            url.truncate(url.trim_end_matches('/').len());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.read_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("matome/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls())
            .build()
            .map_err(LineError::Setup)?;
        let shared = Shared { http, config, tokens: TokenCache::default(), clock };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The API as seen by one channel. Tokens are shared between all handles of a channel.
    #[must_use]
    pub fn channel(&self, credentials: Credentials) -> LineChannel {
        LineChannel { shared: Arc::clone(&self.shared), credentials }
    }
}

/// How every HTTP client of ours speaks TLS: with Mozilla's roots, compiled in. Reading the system's costs a
/// cold start more than all the rest.
#[must_use]
pub fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The API as seen by one channel.
#[derive(Clone)]
pub struct LineChannel {
    shared: Arc<Shared>,
    credentials: Credentials,
}

impl fmt::Debug for LineChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineChannel").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
