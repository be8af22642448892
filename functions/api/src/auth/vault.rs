//! What the platform itself keeps secret: one data key of the pseudo-tenant `accounts`, wrapped by KMS; under
//! it the HMAC key and the signing keys, and the secrets of accounts. Made when first needed: of several
//! processes that make one at once, the first one's stays and all use it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::doc;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::TenantId;
use matome_runtime::keys::{DataKeys, KEEP, KeyError, WrappedKey};
use matome_runtime::random::Random;
use matome_store::collection::encode;
use matome_store::entities::{PlatformSecret, PlatformSecretKind};
use matome_store::{Store, StoreError, Time};
use mongodb::options::ReturnDocument;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::mac::{KEY_LEN, MacKey};
use super::signing_key::{self, SigningKey, SigningKeyError, SigningKeys};

/// The data key is the first of its kind.
const KEY_VERSION: u32 = 1;
/// Names of the secrets.
const DATA_KEY: &str = "data-key";
const MAC_KEY: &str = "mac-key";

/// Why the platform's secrets are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// MongoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// KMS, or something sealed that does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A signing key.
    #[error(transparent)]
    Signing(#[from] SigningKeyError),
    /// A secret that opens and is not what its name says.
    #[error("the platform's secret {0} has not the form that it must have")]
    Form(String),
}

impl From<mongodb::error::Error> for VaultError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The keys that requests need, in the clear.
#[derive(Debug)]
pub struct Secrets {
    /// For tags.
    pub mac: MacKey,
    /// For access tokens.
    pub signing: SigningKeys,
}

struct Held {
    secrets: Arc<Secrets>,
    until: Timestamp,
}

/// See the module.
pub struct Vault {
    store: Store,
    keys: DataKeys,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tenant: TenantId,
    data_key: tokio::sync::Mutex<Option<WrappedKey>>,
    held: tokio::sync::Mutex<Option<Held>>,
}

impl Vault {
    /// Over the platform's database; reads nothing yet.
    #[must_use]
    pub fn open(store: Store, keys: DataKeys, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let tenant = TenantId::new("accounts").expect("eight letters are a valid id");
        let (data_key, held) = Default::default();
        Self { store, keys, clock, random, tenant, data_key, held }
    }

    /// The keys; read at most once in five minutes.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn secrets(&self) -> Result<Arc<Secrets>, VaultError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(Held { secrets, until }) = &*held
            && now < *until
        {
            return Ok(Arc::clone(secrets));
        }
        // On the heap: it is rarely run, and part of nearly every future there is.
        let secrets = Arc::new(Box::pin(self.load(now)).await?);
        *held = Some(Held { secrets: Arc::clone(&secrets), until: now.plus(KEEP) });
        Ok(secrets)
    }

    /// Seals a secret of an account; `field` names what it is and whose.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, field: &str, secret: &SecretString) -> Result<String, VaultError> {
        let key = Box::pin(self.data_key()).await?;
        let sealed = self.keys.seal(&self.tenant, &key, field, secret.expose_secret()).await?;
        Ok(sealed.as_str().to_owned())
    }

    /// Opens what was sealed for the same field.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn unseal(&self, field: &str, sealed: &str) -> Result<SecretString, VaultError> {
        let key = Box::pin(self.data_key()).await?;
        Ok(self.keys.open(&self.tenant, &key, field, &sealed.to_owned().into()).await?)
    }

    async fn load(&self, now: Timestamp) -> Result<Secrets, VaultError> {
        let mac = self.key(MAC_KEY, PlatformSecretKind::MacKey, None, || {
            let mut bytes = Zeroizing::new(vec![0; KEY_LEN]);
            self.random.fill(&mut bytes);
            Ok(bytes)
        });
        let mac = mac.await?.ok_or_else(|| VaultError::Form(MAC_KEY.to_owned()))?;
        let mac: &[u8; KEY_LEN] =
            mac.as_slice().try_into().map_err(|_| VaultError::Form(MAC_KEY.to_owned()))?;
        let period = signing_key::period(now);
        let mut signing = Vec::new();
        for period in [period - 1, period, period + 1] {
            let make = || Ok(signing_key::generate()?);
            let retires = signing_key::retire_at(period);
            if retires <= now {
                continue;
            }
            let name = format!("signing-key-{period}");
            // Nobody makes a key for a time that is over; it may be there.
            let secret = if period < signing_key::period(now) {
                self.existing(&name).await?
            } else {
                self.key(&name, PlatformSecretKind::SigningKey, Some(retires), make).await?
            };
            if let Some(secret) = secret {
                signing.push(SigningKey::new(period, &secret)?);
            }
        }
        Ok(Secrets { mac: MacKey::new(mac), signing: SigningKeys::new(signing) })
    }

    /// A secret that is there or is made now.
    async fn key(
        &self,
        name: &str,
        kind: PlatformSecretKind,
        expires_at: Option<Timestamp>,
        make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, VaultError>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        if let Some(secret) = self.existing(name).await? {
            return Ok(Some(secret));
        }
        let text = SecretString::from(STANDARD.encode(&*make()?));
        let sealed = self.seal(name, &text).await?;
        let stored = self.insert_if_absent(name, kind, sealed, expires_at).await?;
        self.opened(&stored).await.map(Some)
    }

    async fn existing(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match self.find(name).await? {
            Some(stored) => self.opened(&stored).await.map(Some),
            None => Ok(None),
        }
    }

    async fn opened(&self, stored: &PlatformSecret) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let text = self.unseal(&stored.id, &stored.sealed).await?;
        let bytes = STANDARD.decode(text.expose_secret()).map_err(|_| VaultError::Form(stored.id.clone()))?;
        Ok(Zeroizing::new(bytes))
    }

    async fn data_key(&self) -> Result<WrappedKey, VaultError> {
        let mut held = self.data_key.lock().await;
        if let Some(key) = &*held {
            return Ok(key.clone());
        }
        let stored = match self.find(DATA_KEY).await? {
            Some(stored) => stored,
            None => {
                let made = self.keys.generate(&self.tenant, KEY_VERSION).await?;
                let kind = PlatformSecretKind::DataKey;
                self.insert_if_absent(DATA_KEY, kind, made.wrapped_key, None).await?
            }
        };
        let key = WrappedKey { key_version: KEY_VERSION, wrapped_key: stored.sealed };
        *held = Some(key.clone());
        Ok(key)
    }

    async fn find(&self, name: &str) -> Result<Option<PlatformSecret>, VaultError> {
        Ok(self.store.platform_collection::<PlatformSecret>().find_one(doc! { "_id": name }).await?)
    }

    /// What is stored under the name afterwards: this, or what another process was faster with.
    async fn insert_if_absent(
        &self,
        name: &str,
        kind: PlatformSecretKind,
        sealed: String,
        expires_at: Option<Timestamp>,
    ) -> Result<PlatformSecret, VaultError> {
        let now = Time::from(self.clock.now());
        let secret = PlatformSecret {
            id: name.to_owned(),
            kind,
            sealed,
            kid: None,
            public: None,
            expires_at: expires_at.map(Time::from),
            created_at: now,
            updated_at: now,
            version: 0,
        };
        let document = encode(&secret)?;
        let collection = self.store.platform_collection::<PlatformSecret>();
        let write = async || {
            let update = doc! { "$setOnInsert": document.clone() };
            let action = collection.find_one_and_update(doc! { "_id": name }, update).upsert(true);
            action.return_document(ReturnDocument::After).await.map_err(StoreError::from)
        };
        // Two that insert at once: one is refused and then finds the other's.
        let stored = match write().await {
            Err(error) if error.is_duplicate() => write().await?,
            stored => stored?,
        };
        stored.ok_or_else(|| VaultError::Form(name.to_owned()))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}
