//! Who wraps data keys: KMS, or a stand-in for tests.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matome_domain::ids::TenantId;
use zeroize::Zeroizing;

use super::KeyError;
use crate::scoped::TenantAccess;

/// The key of the encryption context. KMS refuses to unwrap under another tenant's.
const CONTEXT: &str = "tenantId";

pub(super) enum Source {
    Kms {
        /// With the function's own rights.
        client: aws_sdk_kms::Client,
        key_id: Option<String>,
        /// Whose rights data keys are unwrapped with instead.
        tenants: Option<Arc<TenantAccess>>,
    },
    #[cfg(any(test, feature = "test-support"))]
    Memory(MemoryKms),
}

impl Source {
    pub(super) fn per_tenant(self, access: Arc<TenantAccess>) -> Self {
        match self {
            Self::Kms { client, key_id, tenants: _ } => Self::Kms { client, key_id, tenants: Some(access) },
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(memory) => Self::Memory(memory),
        }
    }

    /// A new data key, in the clear and wrapped (base64): by the KMS key `own` instead of the platform's.
    pub(super) async fn generate(
        &self,
        tenant: &TenantId,
        own: Option<&str>,
    ) -> Result<(Zeroizing<Vec<u8>>, String), KeyError> {
        match self {
            Self::Kms { client, key_id, .. } => {
                let answer = client
                    .generate_data_key()
                    .key_id(own.or(key_id.as_deref()).ok_or(KeyError::NoKeyId)?)
                    .key_spec(DataKeySpec::Aes256)
                    .encryption_context(CONTEXT, tenant.as_str())
                    .send()
                    .await
                    .map_err(|e| kms("generate", e.into_service_error()))?;
                let key = answer.plaintext.ok_or_else(|| kms("generate", "no plaintext in the answer"))?;
                let wrapped =
                    answer.ciphertext_blob.ok_or_else(|| kms("generate", "no ciphertext in the answer"))?;
                Ok((Zeroizing::new(key.into_inner()), STANDARD.encode(wrapped)))
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(memory) => memory.generate(tenant, own),
        }
    }

    /// The data key in the clear.
    pub(super) async fn unwrap(
        &self,
        tenant: &TenantId,
        wrapped: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self {
            Self::Kms { client, tenants, .. } => {
                let client = match tenants {
                    Some(access) => access.of(tenant, None).await.map_err(|e| kms("unwrap", e))?.kms(),
                    None => client.clone(),
                };
                let answer = client
                    .decrypt()
                    .ciphertext_blob(Blob::new(STANDARD.decode(wrapped)?))
                    .encryption_context(CONTEXT, tenant.as_str())
                    .send()
                    .await
                    .map_err(|e| kms("unwrap", e.into_service_error()))?;
                let key = answer.plaintext.ok_or_else(|| kms("unwrap", "no plaintext in the answer"))?;
                Ok(Zeroizing::new(key.into_inner()))
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(memory) => memory.unwrap(tenant, wrapped),
        }
    }
}

fn kms(action: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> KeyError {
    KeyError::Kms { action, source: source.into() }
}

/// A KMS in memory: wraps by keeping the key and giving out its number.
#[cfg(any(test, feature = "test-support"))]
#[derive(Clone, Default)]
pub struct MemoryKms(std::sync::Arc<std::sync::Mutex<Memory>>);

#[cfg(any(test, feature = "test-support"))]
#[derive(Default)]
struct Memory {
    keys: Vec<(TenantId, Vec<u8>)>,
    /// The KMS key that each was wrapped by, where it was not the platform's.
    own: Vec<Option<String>>,
    unwrapped: usize,
    failing: bool,
}

#[cfg(any(test, feature = "test-support"))]
impl MemoryKms {
    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How many data keys were generated.
    #[must_use]
    pub fn generated(&self) -> usize {
        self.memory().keys.len()
    }

    /// How often a data key was unwrapped.
    #[must_use]
    pub fn unwrapped(&self) -> usize {
        self.memory().unwrapped
    }

    /// Every data key in the clear: for tests that search for what must not be there.
    #[must_use]
    pub fn plaintexts(&self) -> Vec<Vec<u8>> {
        self.memory().keys.iter().map(|(_, key)| key.clone()).collect()
    }

    /// The KMS key that wrapped a data key, where it was a tenant's own.
    #[must_use]
    pub fn wrapped_by(&self, wrapped: &super::WrappedKey) -> Option<String> {
        let number = STANDARD.decode(&wrapped.wrapped_key).ok().and_then(|n| String::from_utf8(n).ok());
        self.memory().own.get(number?.parse::<usize>().ok()?).cloned().flatten()
    }

    /// Makes every call fail, or work again.
    pub fn fail(&self, failing: bool) {
        self.memory().failing = failing;
    }

    fn generate(
        &self,
        tenant: &TenantId,
        own: Option<&str>,
    ) -> Result<(Zeroizing<Vec<u8>>, String), KeyError> {
        use crate::random::Random;
        let mut memory = self.memory();
        if memory.failing {
            return Err(kms("generate", "told to fail"));
        }
        let mut key = vec![0; super::envelope::KEY_LEN];
        crate::random::SystemRandom.fill(&mut key);
        let wrapped = STANDARD.encode(memory.keys.len().to_string());
        memory.keys.push((tenant.clone(), key.clone()));
        memory.own.push(own.map(str::to_owned));
        Ok((Zeroizing::new(key), wrapped))
    }

    fn unwrap(&self, tenant: &TenantId, wrapped: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut memory = self.memory();
        memory.unwrapped += 1;
        if memory.failing {
            return Err(kms("unwrap", "told to fail"));
        }
        let number = String::from_utf8(STANDARD.decode(wrapped)?).ok().and_then(|n| n.parse::<usize>().ok());
        let found = number.and_then(|n| memory.keys.get(n)).filter(|(owner, _)| owner == tenant);
        let (_, key) = found.ok_or_else(|| kms("unwrap", "no such key for this tenant"))?;
        Ok(Zeroizing::new(key.clone()))
    }
}
