//! Who somebody is elsewhere, as an issuer that we believe says it.

use matome_domain::clock::Timestamp;

use super::web::WebError;

/// A verified identity.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// What this deployment calls the issuer: `line`, or a name of `OIDC_ISSUERS`.
    pub provider: String,
    /// Its `iss`.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// What it calls the person.
    pub name: Option<String>,
    /// Picture.
    pub picture: Option<String>,
    /// E-mail address, in lower case.
    pub email: Option<String>,
    /// Whether the issuer says that it verified the address. LINE does not say so.
    pub email_verified: bool,
    /// Until when the ID token that says so is good.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for ExternalIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExternalIdentity({})", self.provider)
    }
}

/// Why an ID token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// This deployment knows no such provider.
    #[error("the provider is not one of this deployment's")]
    UnknownProvider,
    /// The token is not a good one: told to its owner without the reason, logged with it.
    #[error("the ID token is refused: {0}")]
    Refused(&'static str),
    /// The provider did not answer as it should: worth another try.
    #[error("the provider does not answer")]
    Provider(#[from] WebError),
    /// The provider's own documents are not as they must be.
    #[error("the provider's configuration is not usable: {0}")]
    Configuration(&'static str),
}

/// What is signed of an ID token, letter by letter: header and claims. The signature is not of it, for some kinds
/// have more than one that fit.
pub(super) fn signed_part(id_token: &str) -> Result<&str, ExternalError> {
    const REFUSED: ExternalError = ExternalError::Refused("it is no signed token");
    let (signed, signature) = id_token.rsplit_once('.').ok_or(REFUSED)?;
    let (header, claims) = signed.split_once('.').ok_or(REFUSED)?;
    // Whoever verifies it may overlook a space or a sign of padding; here it would be another token.
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_plain = [header, claims, signature].iter().all(|part| !part.is_empty() && part.bytes().all(plain));
    if is_plain { Ok(signed) } else { Err(REFUSED) }
}

/// `exp` of a token: seconds since 1970.
pub(super) fn expiry(seconds: u64) -> Timestamp {
    Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000))
}

/// A nonce that was asked for must be there, and one that is there must have been asked for.
pub(super) fn check_nonce(wanted: Option<&str>, found: Option<&str>) -> Result<(), ExternalError> {
    if wanted == found { Ok(()) } else { Err(ExternalError::Refused("its nonce is another one")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling_but_for_its_signature() {
        assert_eq!(signed_part("aA0-_.b.c").expect("signed"), "aA0-_.b");
        assert_eq!(signed_part("aA0-_.b.d").expect("signed"), "aA0-_.b");
        for other in
            ["", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", " a.b.c", "a.b=.c", "a.b.c ", "a.b.c\n"]
        {
            assert!(signed_part(other).is_err(), "{other:?}");
        }
    }
}
