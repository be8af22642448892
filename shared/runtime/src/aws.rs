//! AWS clients, made without any look-up over the network or in files: in Lambda the region and
//! the credentials are environment variables, and every other provider costs cold start time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::{ConfigError, Env};

/// How long a call to AWS may take before the function does something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Opening a connection.
    pub connect: Duration,
    /// One attempt.
    pub attempt: Duration,
    /// All attempts and the waits between them.
    pub operation: Duration,
}

impl Patience {
    /// For somebody who waits: LINE gives up on a webhook after 2 s.
    pub const WEBHOOK: Self = Self {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(800),
        operation: Duration::from_millis(1_500),
    };

    /// For queue consumers: nobody waits, and a part of a video takes its time.
    pub const CONSUMER: Self = Self {
        connect: Duration::from_secs(2),
        attempt: Duration::from_secs(20),
        operation: Duration::from_secs(45),
    };
}

/// Attempts for each call, the first one included.
const ATTEMPTS: u32 = 3;

/// Clients that share one HTTP client, so that one connection pool and one set of root certificates
/// serve all of them. Each is made when it is first asked for, and once: clones have the same ones.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    clients: Arc<Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    sqs: OnceLock<aws_sdk_sqs::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
}

impl Aws {
    /// Region, credentials and (locally) the endpoint from `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`: Lambda sets all but the
    /// last. They do not change while an execution environment lives.
    ///
    /// # Errors
    /// [`ConfigError`] with the name of what is missing.
    pub fn from_env(env: &Env, patience: Patience) -> Result<Self, ConfigError> {
        let credentials = Credentials::new(
            env.required("AWS_ACCESS_KEY_ID")?,
            env.required("AWS_SECRET_ACCESS_KEY")?,
            env.optional("AWS_SESSION_TOKEN")?,
            None,
            "environment",
        );
        let tls = tls::TlsContext::builder().with_trust_store(trust_store()).build();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .tls_context(tls.expect("a context with nothing but roots is always valid"))
            .build_https();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(env.required("AWS_REGION")?))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(ATTEMPTS)
                    .with_initial_backoff(Duration::from_millis(50)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(patience.connect)
                    .operation_attempt_timeout(patience.attempt)
                    .operation_timeout(patience.operation)
                    .build(),
            );
        config.set_endpoint_url(env.optional("AWS_ENDPOINT_URL")?);
        Ok(Self::new(config.build()))
    }

    fn new(config: SdkConfig) -> Self {
        Self { config, clients: Arc::default() }
    }

    /// What clients are made with, for crates that bring a client of their own.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The same with other credentials: those of a role, say. Shares the connections.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let credentials = SharedCredentialsProvider::new(credentials);
        Self::new(self.config.to_builder().credentials_provider(credentials).build())
    }

    /// SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        self.clients.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.config)).clone()
    }

    /// DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.clients.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config)).clone()
    }

    /// KMS.
    #[must_use]
    pub fn kms(&self) -> aws_sdk_kms::Client {
        self.clients.kms.get_or_init(|| aws_sdk_kms::Client::new(&self.config)).clone()
    }

    /// S3; with the bucket in the path where the endpoint is overridden, because a local one has no
    /// wildcard DNS.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let make = || {
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .force_path_style(self.config.endpoint_url().is_some())
                .build();
            aws_sdk_s3::Client::from_conf(config)
        };
        self.clients.s3.get_or_init(make).clone()
    }
}

/// Mozilla's roots, compiled in. The default, the machine's own, opens some three hundred files
/// before the first invocation.
fn trust_store() -> tls::TrustStore {
    let mut pem = String::new();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        STANDARD.encode_string(root, &mut pem);
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    tls::TrustStore::empty().with_pem_certificate(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_made_once_and_for_these_credentials_only() {
        let set =
            [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "ap-northeast-1")];
        let aws = Aws::from_env(&Env::from_map(set), Patience::CONSUMER).unwrap();
        drop(aws.clone().dynamodb());
        assert!(aws.clients.dynamodb.get().is_some());
        let other = aws.with_credentials(Credentials::new("c", "d", None, None, "test"));
        assert!(other.clients.dynamodb.get().is_none());
    }

    #[test]
    fn what_is_missing_is_named() {
        let all =
            [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "ap-northeast-1")];
        for (left_out, _) in all {
            let env = Env::from_map(all.into_iter().filter(|(name, _)| *name != left_out));
            let err = Aws::from_env(&env, Patience::CONSUMER).unwrap_err();
            assert_eq!(err.to_string(), format!("{left_out} is not set"));
        }
        assert!(Aws::from_env(&Env::from_map(all), Patience::CONSUMER).is_ok());
    }
}
