//! The sealed form of a secret: AES-256-GCM under a tenant's data key, bound to its tenant and
//! field, so that a ciphertext moved to another tenant, channel or field does not open. Pure.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use matome_domain::ids::TenantId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyError;
use crate::random::Random;

/// Length of a data key in bytes.
#[cfg(any(test, feature = "test-support"))]
pub(super) const KEY_LEN: usize = 32;

/// The first part of every sealed text: names algorithm and layout.
const FORMAT: &str = "v1";

/// A sealed secret: `v1.<key version>.<base64url of nonce, ciphertext, tag>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version of the data key that it was sealed under.
    ///
    /// # Errors
    /// [`KeyError::Format`] when the text is not a sealed secret.
    pub fn key_version(&self) -> Result<u32, KeyError> {
        Ok(self.parts()?.0)
    }

    /// Key version, and base64 of nonce, ciphertext and tag.
    fn parts(&self) -> Result<(u32, &str), KeyError> {
        let mut parts = self.0.split('.');
        let (Some(FORMAT), Some(version), Some(data), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Format);
        };
        Ok((version.parse().map_err(|_| KeyError::Format)?, data))
    }

    /// What every text that is sealed under a version of a data key begins with.
    #[must_use]
    pub fn prefix(key_version: u32) -> String {
        format!("{FORMAT}.{key_version}.")
    }
}

impl From<String> for Sealed {
    fn from(stored: String) -> Self {
        Self(stored)
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// A tenant's data key in the clear; aws-lc wipes it when it is dropped.
pub(super) struct DataKey {
    key: LessSafeKey,
    version: u32,
}

impl DataKey {
    pub(super) fn new(bytes: &[u8], version: u32) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KeyError::KeyLength)?;
        Ok(Self { key: LessSafeKey::new(key), version })
    }

    pub(super) fn seal(
        &self,
        random: &dyn Random,
        tenant: &TenantId,
        field: &str,
        plaintext: &[u8],
    ) -> Result<Sealed, KeyError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        // Random 96-bit nonces are safe for 2^32 messages a key (NIST SP 800-38D, 8.3).
        let mut sealed = plaintext.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(additional_data(tenant, field)),
                &mut sealed,
            )
            .map_err(|_| KeyError::Seal)?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        Ok(Sealed(format!("{}{}", Sealed::prefix(self.version), URL_SAFE_NO_PAD.encode(bytes))))
    }

    pub(super) fn open(
        &self,
        tenant: &TenantId,
        field: &str,
        sealed: &Sealed,
    ) -> Result<SecretString, KeyError> {
        let (version, data) = sealed.parts()?;
        if version != self.version {
            return Err(KeyError::OtherVersion { sealed: version, held: self.version });
        }
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(data).map_err(|_| KeyError::Format)?);
        if bytes.len() < NONCE_LEN {
            return Err(KeyError::Format);
        }
        let (nonce, ciphertext) = bytes.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyError::Format)?;
        let plaintext = self
            .key
            .open_in_place(nonce, Aad::from(additional_data(tenant, field)), ciphertext)
            .map_err(|_| KeyError::Open)?;
        let text = std::str::from_utf8(plaintext).map_err(|_| KeyError::NotText)?;
        Ok(SecretString::from(text))
    }
}

/// Tenant and field, each behind its length, so that no two pairs look the same.
fn additional_data(tenant: &TenantId, field: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for part in ["matome", FORMAT, tenant.as_str(), field] {
        data.extend((part.len() as u64).to_be_bytes());
        data.extend(part.as_bytes());
    }
    data
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::random::{SeededRandom, SystemRandom};

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).unwrap()
    }

    fn key(version: u32) -> DataKey {
        DataKey::new(&[7; KEY_LEN], version).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_again() {
        for text in ["", "s", "チャネルシークレット", &"x".repeat(10_000)] {
            let sealed = key(3).seal(&SystemRandom, &tenant("t"), "f", text.as_bytes()).unwrap();
            assert!(sealed.as_str().starts_with("v1.3."));
            assert_eq!(sealed.key_version().unwrap(), 3);
            assert_eq!(key(3).open(&tenant("t"), "f", &sealed).unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn it_opens_for_no_other_tenant_field_key_or_version() {
        let sealed = key(1).seal(&SystemRandom, &tenant("ab"), "cd", b"secret").unwrap();
        assert!(matches!(key(1).open(&tenant("a"), "bcd", &sealed), Err(KeyError::Open)));
        assert!(matches!(key(1).open(&tenant("abc"), "d", &sealed), Err(KeyError::Open)));
        assert!(matches!(key(1).open(&tenant("ab"), "ce", &sealed), Err(KeyError::Open)));
        let other = DataKey::new(&[8; KEY_LEN], 1).unwrap();
        assert!(matches!(other.open(&tenant("ab"), "cd", &sealed), Err(KeyError::Open)));
        assert!(matches!(
            key(2).open(&tenant("ab"), "cd", &sealed),
            Err(KeyError::OtherVersion { sealed: 1, held: 2 })
        ));
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let sealed = key(1).seal(&SeededRandom::new(1), &tenant("t"), "f", b"secret").unwrap();
        for at in 0..sealed.0.len() {
            let mut bytes = sealed.0.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = Sealed(String::from_utf8(bytes).unwrap());
            assert!(key(1).open(&tenant("t"), "f", &changed).is_err(), "{at}");
        }
        for broken in ["", "v1", "v1.1", "v1.1.", "v2.1.AAAA", "v1.1.AAAA.A", "v1.-1.AAAA", "v1.1.===="] {
            assert!(
                matches!(key(1).open(&tenant("t"), "f", &Sealed(broken.into())), Err(KeyError::Format)),
                "{broken}"
            );
        }
    }

    #[test]
    fn two_sealings_of_one_text_differ() {
        let seal = || key(1).seal(&SystemRandom, &tenant("t"), "f", b"secret").unwrap();
        assert_ne!(seal(), seal());
    }
}
