//! Access tokens: JWTs signed with ES256 (RFC 9068), ten minutes long. They say who somebody is and by
//! which login session; what they may do is looked up on every request.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header, Validation};
use matome_domain::clock::Timestamp;
use matome_runtime::random::Random;
use matome_store::Id;
use serde::{Deserialize, Serialize};

use super::signing_key::SigningKeys;

/// For how long a token is valid.
pub const LIFETIME: Duration = matome_domain::access::session::ACCESS;
/// How much later than ours another machine's clock may be: for `nbf` and `iat`, never for `exp`.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// The `typ` that keeps other JWTs of ours or of others from being taken for one (RFC 9068, 2.1).
const TYP: &str = "at+jwt";
/// Ours have about 700 bytes.
const MAX_LEN: usize = 2_048;

/// How somebody proved who they are (`amr`, RFC 8176 where it has a word).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amr {
    /// Password.
    Pwd,
    /// One-time password of the second factor, or a recovery code.
    Otp,
    /// LINE Login.
    Line,
    /// Another OpenID Connect issuer.
    Oidc,
}

impl Amr {
    /// As it is stored and written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
            Self::Otp => "otp",
            Self::Line => "line",
            Self::Oidc => "oidc",
        }
    }

    /// Back from what is stored; `None` for what nobody writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Pwd, Self::Otp, Self::Line, Self::Oidc].into_iter().find(|amr| amr.as_str() == text)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The account.
    pub sub: Id,
    /// The login session.
    pub sid: Id,
    /// Its own id.
    pub jti: String,
    /// Issued, seconds since the epoch.
    pub iat: u64,
    /// Not valid before.
    pub nbf: u64,
    /// Expires.
    pub exp: u64,
    /// How the session was opened.
    pub amr: Vec<Amr>,
    /// When.
    pub auth_time: u64,
}

/// Whom a token is for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The account.
    pub account: Id,
    /// Its login session.
    pub session: Id,
    /// How it was opened.
    pub amr: Vec<Amr>,
    /// When somebody last proved who they are.
    pub authenticated_at: Timestamp,
}

/// A token for a caller.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The JWT.
    pub text: secrecy::SecretString,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// No token could be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No key was made for this period.
    #[error("there is no signing key for this moment")]
    NoKey,
    /// The key does not sign.
    #[error("an access token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// Why a token was refused; for logs and tests. The caller learns 401 and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Longer than any of ours.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts, or a header that is none of ours: another algorithm or type, further parameters
    /// (`crit`, `jku`, `jwk` …), or one twice.
    #[error("the token's header is not one of ours")]
    Header,
    /// No such key, or a retired one.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token's signature does not fit")]
    Signature,
    /// A claim is missing, twice, or of another type.
    #[error("the token's claims are not what they must be")]
    Claims,
    /// Somebody else issued it.
    #[error("the token is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It was valid.
    #[error("the token has expired")]
    Expired,
    /// It will be valid.
    #[error("the token is not valid yet")]
    NotYet,
}

/// The header, with all that it may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OurHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// Issues and verifies the tokens of one deployment.
#[derive(Debug, Clone)]
pub struct AccessTokens {
    issuer: String,
    audience: String,
    validation: Validation,
}

impl AccessTokens {
    /// `issuer` is the API's own URL; `audience` names who the tokens are for.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (issuer, audience) = (issuer.into(), audience.into());
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library reads the system's clock; times are checked here.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        Self { issuer, audience, validation }
    }

    /// A token for `subject`.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(
        &self,
        keys: &SigningKeys,
        random: &dyn Random,
        subject: Subject,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        let key = keys.current(now).ok_or(IssueError::NoKey)?;
        let iat = seconds(now);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.account,
            sid: subject.session,
            jti: random.uuid().to_string(),
            iat,
            nbf: iat,
            exp: iat.saturating_add(LIFETIME.as_secs()),
            amr: subject.amr,
            auth_time: seconds(subject.authenticated_at),
        };
        let mut header = Header::new(Algorithm::ES256);
        (header.typ, header.kid) = (Some(TYP.to_owned()), Some(key.kid().to_owned()));
        let text = jsonwebtoken::encode(&header, &claims, &key.private).map_err(IssueError::Sign)?;
        let expires_at = Timestamp(i64::try_from(claims.exp.saturating_mul(1000)).unwrap_or(i64::MAX));
        Ok(Issued { text: text.into(), expires_at })
    }

    /// What a token says, if it is one of ours and in force. Whether its session still is, is for the
    /// caller to look up.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn verify(&self, keys: &SigningKeys, token: &str, now: Timestamp) -> Result<Claims, BadToken> {
        use jsonwebtoken::errors::ErrorKind;
        if token.len() > MAX_LEN {
            return Err(BadToken::TooLong);
        }
        let (header, _) = token.split_once('.').ok_or(BadToken::Header)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| BadToken::Header)?;
        let header: OurHeader = serde_json::from_slice(&header).map_err(|_| BadToken::Header)?;
        if header.alg != "ES256" || header.typ != TYP {
            return Err(BadToken::Header);
        }
        let key = keys.find(&header.kid, now).ok_or(BadToken::UnknownKey)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.verifying, &self.validation);
        let claims = decoded.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature | ErrorKind::InvalidToken => BadToken::Signature,
            ErrorKind::InvalidIssuer => BadToken::Issuer,
            ErrorKind::InvalidAudience => BadToken::Audience,
            _ => BadToken::Claims,
        })?;
        in_force(&claims.claims, now).map(|()| claims.claims)
    }
}

fn in_force(claims: &Claims, now: Timestamp) -> Result<(), BadToken> {
    let (at, latest) = (seconds(now), seconds(now.plus(LEEWAY)));
    if at >= claims.exp {
        return Err(BadToken::Expired);
    }
    if claims.nbf > latest || claims.iat > latest {
        return Err(BadToken::NotYet);
    }
    // None of ours lives longer, whatever it says.
    if claims.exp > claims.iat.saturating_add(LIFETIME.as_secs()) { Err(BadToken::Claims) } else { Ok(()) }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.0.div_euclid(1000)).unwrap_or(0)
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
