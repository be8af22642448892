//! The keys that sign access tokens: one for each period of ninety days, made and published a period
//! ahead, so that whoever caches the JWKS document knows a key before the first token carries it.
//!
//! A period's number is its key's name in the database: two processes that make a key at once make it for
//! the same period, and the one who comes second uses what the first one wrote.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use matome_domain::clock::Timestamp;

use super::jwks::{Jwks, PublicKey};

/// For how long a key signs.
pub const PERIOD: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// aws-lc could not make one.
    #[error("no signing key could be made")]
    Generate,
    /// The stored one is no P-256 key in PKCS #8.
    #[error("a stored signing key is unusable")]
    Stored(#[source] jsonwebtoken::errors::Error),
    /// It is not of the curve it must be.
    #[error("a stored signing key is not of the curve P-256")]
    Curve,
}

/// The number of the period that `now` lies in.
#[must_use]
pub fn period(now: Timestamp) -> i64 {
    now.0.div_euclid(millis(PERIOD))
}

/// When the key of a period is not to be used for anything any more: its last token has expired.
#[must_use]
pub fn retire_at(period: i64) -> Timestamp {
    let end = Timestamp(period.saturating_add(1).saturating_mul(millis(PERIOD)));
    end.plus(super::access_token::LIFETIME).plus(super::access_token::LEEWAY)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A new private key, PKCS #8.
///
/// # Errors
/// [`SigningKeyError::Generate`].
pub fn generate() -> Result<zeroize::Zeroizing<Vec<u8>>, SigningKeyError> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let pair = pair.map_err(|_| SigningKeyError::Generate)?;
    let document = pair.to_pkcs8v1().map_err(|_| SigningKeyError::Generate)?;
    Ok(zeroize::Zeroizing::new(document.as_ref().to_vec()))
}

/// One key with both halves.
pub struct SigningKey {
    period: i64,
    public: PublicKey,
    pub(super) private: EncodingKey,
    pub(super) verifying: DecodingKey,
}

impl SigningKey {
    /// Of a private key in PKCS #8.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn new(period: i64, pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let private = EncodingKey::from_ec_der(pkcs8);
        let jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).map_err(SigningKeyError::Stored)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(SigningKeyError::Stored)?;
        let AlgorithmParameters::EllipticCurve(point) = &jwk.algorithm else {
            return Err(SigningKeyError::Curve);
        };
        let verifying = DecodingKey::from_jwk(&jwk).map_err(SigningKeyError::Stored)?;
        let public = PublicKey::p256(kid, point.x.clone(), point.y.clone());
        Ok(Self { period, public, private, verifying })
    }

    /// The key's name in tokens: its thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// The private half, for tokens that nobody else would sign.
    #[cfg(feature = "test-support")]
    #[must_use]
    pub fn private(&self) -> &EncodingKey {
        &self.private
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).field("period", &self.period).finish()
    }
}

/// The keys of a moment: of its period, of the next one, and the one before while its tokens live.
#[derive(Debug)]
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// All there are; those that are retired are left out when they are asked for.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    /// The one that signs; `None` when nobody made one for this period.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.period == period(now))
    }

    /// The one with this name, unless it is retired.
    #[must_use]
    pub fn find(&self, kid: &str, now: Timestamp) -> Option<&SigningKey> {
        self.in_use(now).find(|key| key.kid() == kid)
    }

    /// What others verify with.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        Jwks { keys: self.in_use(now).map(|key| key.public.clone()).collect() }
    }

    fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.0.iter().filter(move |key| now < retire_at(key.period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Timestamp = Timestamp(1_795_165_200_000);

    fn keys(periods: impl IntoIterator<Item = i64>) -> SigningKeys {
        SigningKeys::new(
            periods.into_iter().map(|p| SigningKey::new(p, &generate().unwrap()).unwrap()).collect(),
        )
    }

    #[test]
    fn keys_differ_and_are_named_by_their_thumbprint() {
        let der = generate().unwrap();
        let (a, again) = (SigningKey::new(1, &der).unwrap(), SigningKey::new(1, &der).unwrap());
        assert_eq!((a.kid(), a.kid().len()), (again.kid(), 43));
        assert_ne!(a.kid(), SigningKey::new(1, &generate().unwrap()).unwrap().kid());
    }

    #[test]
    fn a_key_signs_for_its_period_and_verifies_until_its_last_token_expired() {
        let now = period(BEGIN);
        let keys = keys([now, now + 1]);
        let first = keys.current(BEGIN).unwrap().kid().to_owned();
        assert_eq!(keys.jwks(BEGIN).keys.len(), 2);
        let next = Timestamp((now + 1) * millis(PERIOD));
        let second = keys.current(next).unwrap().kid().to_owned();
        assert_ne!(first, second);
        let second_last = retire_at(now).minus(Duration::from_millis(1));
        assert!(second_last > next && keys.find(&first, second_last).is_some());
        assert!(keys.find(&first, retire_at(now)).is_none());
        assert_eq!(keys.jwks(retire_at(now)).keys, [keys.find(&second, next).unwrap().public().clone()]);
    }

    #[test]
    fn a_period_without_a_key_has_none() {
        assert!(keys([period(BEGIN) + 1]).current(BEGIN).is_none());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(matches!(SigningKey::new(0, b""), Err(SigningKeyError::Stored(_))));
        assert!(matches!(SigningKey::new(0, &[7; 138]), Err(SigningKeyError::Stored(_))));
    }
}
