//! Who somebody is elsewhere, as an issuer that we believe says it.

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

/// A nonce that was asked for must be there, and one that is there must have been asked for.
pub(super) fn check_nonce(wanted: Option<&str>, found: Option<&str>) -> Result<(), ExternalError> {
    if wanted == found { Ok(()) } else { Err(ExternalError::Refused("its nonce is another one")) }
}
