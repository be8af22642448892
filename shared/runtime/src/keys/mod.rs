//! Envelope encryption (architecture §7): a data key for each tenant, wrapped by KMS under an
//! encryption context that names the tenant, held in the clear for five minutes at most.

mod envelope;
mod source;

use std::sync::Arc;
use std::time::Duration;

use matome_domain::clock::Clock;
use matome_domain::ids::TenantId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use self::envelope::DataKey;
pub use self::envelope::Sealed;
#[cfg(any(test, feature = "test-support"))]
pub use self::source::MemoryKms;
use self::source::Source;
use crate::aws::Aws;
use crate::cache::Cache;
use crate::config::{ConfigError, Env};
use crate::random::Random;
use crate::scoped::TenantAccess;

/// How long a data key may be held in the clear.
pub const KEEP: Duration = Duration::from_secs(300);

/// Data keys held at a time; more tenants than this in five minutes cost more KMS calls.
const CAPACITY: usize = 2_000;

/// Why something could not be sealed or opened. Never repeats what was inside.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// KMS did not wrap or unwrap: no access, no such key, or not reachable. Worth another try.
    #[error("KMS refused to {action} a data key")]
    Kms {
        /// `generate` or `unwrap`.
        action: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// `KMS_KEY_ID` is not set, and a data key was to be generated.
    #[error("KMS_KEY_ID is not set")]
    NoKeyId,
    /// The stored wrapped key is not base64.
    #[error("the wrapped data key is not base64")]
    WrappedKey(#[from] base64::DecodeError),
    /// KMS returned a key of another length than 32 bytes.
    #[error("the data key has the wrong length")]
    KeyLength,
    /// AES-GCM refused the plaintext (longer than 64 GiB).
    #[error("the secret could not be sealed")]
    Seal,
    /// The sealed text has not the form `v1.<version>.<base64url>`.
    #[error("the sealed secret is malformed")]
    Format,
    /// It was sealed under another version of the tenant's data key than the one given.
    #[error("the secret was sealed under version {sealed} of the data key, not {held}")]
    OtherVersion {
        /// Version in the sealed text.
        sealed: u32,
        /// Version of the key given.
        held: u32,
    },
    /// It was tampered with, or sealed for another tenant or field.
    #[error("the sealed secret does not open for this tenant and field")]
    Open,
    /// It opens, but is not text.
    #[error("the sealed secret is not text")]
    NotText,
}

/// A tenant's data key as the directory keeps it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrappedKey {
    /// Grows when the tenant gets a new data key.
    pub key_version: u32,
    /// KMS's ciphertext, base64.
    pub wrapped_key: String,
}

impl std::fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WrappedKey(version {})", self.key_version)
    }
}

/// Seals and opens secrets under the tenants' data keys.
pub struct DataKeys {
    source: Source,
    random: Arc<dyn Random>,
    cache: Cache<Arc<DataKey>>,
}

impl DataKeys {
    /// Over KMS. `KMS_KEY_ID` (id, ARN or alias) is needed only by who generates data keys.
    ///
    /// # Errors
    /// [`ConfigError`] when a variable is not UTF-8.
    pub fn from_env(
        env: &Env,
        aws: &Aws,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ConfigError> {
        Ok(Self::from_client(aws.kms(), env.optional("KMS_KEY_ID")?, clock, random))
    }

    /// Over a KMS client made elsewhere (tests, tools).
    #[must_use]
    pub fn from_client(
        client: aws_sdk_kms::Client,
        key_id: Option<String>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self::over(Source::Kms { client, key_id, tenants: None }, clock, random)
    }

    /// Unwraps a tenant's data keys with the rights of that tenant alone.
    #[must_use]
    pub fn per_tenant(self, access: Arc<TenantAccess>) -> Self {
        Self { source: self.source.per_tenant(access), ..self }
    }

    /// Over a KMS in memory that counts its calls and fails where told.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> (Self, MemoryKms) {
        let kms = MemoryKms::default();
        (Self::over_memory(kms.clone(), clock, random), kms)
    }

    /// Over a KMS in memory that others use too: another process of the same system.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn over_memory(kms: MemoryKms, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self::over(Source::Memory(kms), clock, random)
    }

    fn over(source: Source, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { source, random, cache: Cache::new(clock, CAPACITY) }
    }

    /// A new data key for a tenant, to be stored in the directory.
    ///
    /// # Errors
    /// [`KeyError::NoKeyId`], [`KeyError::Kms`].
    pub async fn generate(&self, tenant: &TenantId, key_version: u32) -> Result<WrappedKey, KeyError> {
        self.generate_under(tenant, key_version, None).await
    }

    /// As [`DataKeys::generate`], wrapped by the KMS key `own` where there is one: a dedicated tenant's.
    /// Whoever unwraps it needs no other setting, for KMS finds the key by what it wrapped.
    ///
    /// # Errors
    /// As [`DataKeys::generate`].
    pub async fn generate_under(
        &self,
        tenant: &TenantId,
        key_version: u32,
        own: Option<&str>,
    ) -> Result<WrappedKey, KeyError> {
        metrics::counter!("KmsRequests").increment(1);
        let (key, wrapped_key) = self.source.generate(tenant, own).await?;
        let wrapped = WrappedKey { key_version, wrapped_key };
        // Held from the start: whoever makes a key seals something with it.
        let key = Arc::new(DataKey::new(&key, key_version)?);
        self.cache
            .get_or_load(&cache_key(tenant, &wrapped), async { Ok::<_, KeyError>((key, KEEP)) })
            .await?;
        Ok(wrapped)
    }

    /// Seals `plaintext` for one field of one tenant. `field` names what it is and of what, for
    /// example [`crate::directory::secret_field`]; the same name opens it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn seal(
        &self,
        tenant: &TenantId,
        key: &WrappedKey,
        field: &str,
        plaintext: &str,
    ) -> Result<Sealed, KeyError> {
        self.unwrap(tenant, key).await?.seal(&*self.random, tenant, field, plaintext.as_bytes())
    }

    /// Opens what [`DataKeys::seal`] made with the same tenant, key and field.
    ///
    /// # Errors
    /// [`KeyError`]; only [`KeyError::Kms`] may pass.
    pub async fn open(
        &self,
        tenant: &TenantId,
        key: &WrappedKey,
        field: &str,
        sealed: &Sealed,
    ) -> Result<SecretString, KeyError> {
        self.unwrap(tenant, key).await?.open(tenant, field, sealed)
    }

    async fn unwrap(&self, tenant: &TenantId, key: &WrappedKey) -> Result<Arc<DataKey>, KeyError> {
        let load = async {
            metrics::counter!("KmsRequests").increment(1);
            let bytes = self.source.unwrap(tenant, &key.wrapped_key).await?;
            Ok::<_, KeyError>((Arc::new(DataKey::new(&bytes, key.key_version)?), KEEP))
        };
        Ok(self.cache.get_or_load(&cache_key(tenant, key), load).await?.value)
    }
}

/// The wrapped key is part of it, so that a new one is not mistaken for the one it replaces.
fn cache_key(tenant: &TenantId, key: &WrappedKey) -> String {
    format!("{tenant}#{}#{}", key.key_version, key.wrapped_key)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::clock::ManualClock;
    use crate::random::SystemRandom;
    use matome_domain::clock::Timestamp;

    fn setup() -> (Arc<ManualClock>, DataKeys, MemoryKms) {
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let (keys, kms) = DataKeys::in_memory(clock.clone(), Arc::new(SystemRandom));
        (clock, keys, kms)
    }

    #[tokio::test]
    async fn kms_is_asked_once_per_tenant_in_five_minutes() {
        let (clock, keys, kms) = setup();
        let tenants: Vec<_> = ["a", "b"].map(|t| TenantId::new(t).unwrap()).into();
        let mut sealed = Vec::new();
        for tenant in &tenants {
            let key = keys.generate(tenant, 1).await.unwrap();
            let text = keys.seal(tenant, &key, "f", "secret").await.unwrap();
            sealed.push((tenant, key, text));
        }
        assert_eq!((kms.generated(), kms.unwrapped()), (2, 0));
        for round in 1..=3 {
            clock.advance(KEEP);
            for _ in 0..10 {
                for (tenant, key, text) in &sealed {
                    assert_eq!(keys.open(tenant, key, "f", text).await.unwrap().expose_secret(), "secret");
                }
                clock.advance(Duration::from_secs(1));
            }
            assert_eq!(kms.unwrapped(), 2 * round);
        }
    }

    #[tokio::test]
    async fn a_wrapped_key_opens_for_its_own_tenant_only() {
        let (_, keys, _) = setup();
        let (a, b) = (TenantId::new("a").unwrap(), TenantId::new("b").unwrap());
        let key = keys.generate(&a, 1).await.unwrap();
        assert!(matches!(keys.seal(&b, &key, "f", "x").await, Err(KeyError::Kms { .. })));
    }

    #[tokio::test]
    async fn a_failure_of_kms_is_not_kept() {
        let (clock, keys, kms) = setup();
        let tenant = TenantId::new("a").unwrap();
        let key = keys.generate(&tenant, 1).await.unwrap();
        clock.advance(KEEP);
        kms.fail(true);
        assert!(matches!(
            keys.seal(&tenant, &key, "f", "x").await,
            Err(KeyError::Kms { action: "unwrap", .. })
        ));
        kms.fail(false);
        assert!(keys.seal(&tenant, &key, "f", "x").await.is_ok());
    }
}
