//! Any OpenID Connect issuer that the deployment names: discovery, keys, and ID tokens checked here
//! (OpenID Connect Core 1.0, 3.1.3.7).

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use matome_domain::clock::{Clock, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::external::{ExternalError, ExternalIdentity, check_nonce, expiry};
use super::web::{Web, WebError, answer, is_safe};

/// For how long an issuer's keys are believed.
const KEEP: Duration = Duration::from_secs(60 * 60);
/// An unknown key makes us look again this often at most.
const AGAIN: Duration = Duration::from_secs(60);
/// How far the issuer's clock may be ahead of ours.
const LEEWAY: Duration = Duration::from_secs(30);
/// Large issuers' ID tokens have less than 4 KB.
const MAX_TOKEN: usize = 16 * 1024;

/// One issuer, as `OIDC_ISSUERS` names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    /// What the deployment calls it, as in the path of the log-in.
    pub name: String,
    /// Its URL, exactly as its tokens' `iss`.
    #[serde(deserialize_with = "url")]
    pub issuer: Url,
    /// What it calls us: the `aud` of its tokens.
    pub client_id: String,
    /// Where its keys are; without it, what its discovery document says.
    #[serde(default, deserialize_with = "some_url")]
    pub jwks_uri: Option<Url>,
}

fn url<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn some_url<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    url(deserializer).map(Some)
}

/// The setting `OIDC_ISSUERS`: a JSON list.
#[derive(Debug, Clone, Default)]
pub struct Issuers(Vec<Issuer>);

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum IssuersError {
    /// Not a list of issuers.
    #[error("not a JSON list of issuers: {0}")]
    Json(#[from] serde_json::Error),
    /// Two have one name, or it is `line` or no plain name.
    #[error("name {0}: must be unique, of lower-case letters, digits and '-', and not \"line\"")]
    Name(String),
    /// Plain HTTP to another machine.
    #[error("{field} of {name}: must be https")]
    Unsafe {
        /// Which issuer.
        name: String,
        /// Which URL.
        field: &'static str,
    },
}

impl FromStr for Issuers {
    type Err = IssuersError;

    fn from_str(text: &str) -> Result<Self, IssuersError> {
        let issuers: Vec<Issuer> = serde_json::from_str(text)?;
        let mut names = std::collections::BTreeSet::new();
        for Issuer { name, issuer, jwks_uri, .. } in &issuers {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let good = !name.is_empty() && name.bytes().all(plain) && name != super::line_login::PROVIDER;
            if !good || !names.insert(name.clone()) {
                return Err(IssuersError::Name(name.clone()));
            }
            for (field, url) in [("issuer", Some(issuer)), ("jwksUri", jwks_uri.as_ref())] {
                if url.is_some_and(|url| !is_safe(url)) {
                    return Err(IssuersError::Unsafe { name: name.clone(), field });
                }
            }
        }
        Ok(Self(issuers))
    }
}

struct Known {
    keys: Vec<Jwk>,
    fetched: Timestamp,
}

struct Entry {
    issuer: Issuer,
    /// As tokens and discovery must spell it.
    iss: String,
    known: tokio::sync::Mutex<Option<Known>>,
}

/// Verifies ID tokens of the deployment's issuers.
pub struct OidcVerifier {
    web: Web,
    clock: Arc<dyn Clock>,
    issuers: HashMap<String, Entry>,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    nonce: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    email: Option<String>,
    email_verified: Option<bool>,
}

impl OidcVerifier {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(issuers: Issuers, web: Web, clock: Arc<dyn Clock>) -> Self {
        let entry = |issuer: Issuer| {
            // `Url` writes a slash after a bare host, which issuers do not.
            let bare = issuer.issuer.path() == "/";
            let text = issuer.issuer.as_str();
            let iss = if bare { text.trim_end_matches('/') } else { text }.to_owned();
            (issuer.name.clone(), Entry { issuer, iss, known: tokio::sync::Mutex::default() })
        };
        Self { web, clock, issuers: issuers.0.into_iter().map(entry).collect() }
    }

    /// Who an ID token of the issuer `name` is of. `nonce` is what the caller gave to the issuer when the
    /// log-in began.
    ///
    /// # Errors
    /// [`ExternalError`].
    pub async fn verify(
        &self,
        name: &str,
        id_token: &str,
        nonce: Option<&str>,
    ) -> Result<ExternalIdentity, ExternalError> {
        let entry = self.issuers.get(name).ok_or(ExternalError::UnknownProvider)?;
        if id_token.len() > MAX_TOKEN {
            return Err(ExternalError::Refused("it is too long"));
        }
        let header = header(id_token)?;
        let key = self.key(entry, &header).await?;
        let claims = signed(id_token, &key, header.alg)?;
        entry.check(&claims, self.clock.now())?;
        if nonce.is_none() {
            // Tokens come to us through the person's browser or app (OpenID Connect Core 1.0, 3.2.2.11).
            return Err(ExternalError::Refused("it has no nonce"));
        }
        check_nonce(nonce, claims.nonce.as_deref())?;
        Ok(ExternalIdentity {
            provider: name.to_owned(),
            issuer: claims.iss,
            subject: claims.sub,
            expires_at: expiry(claims.exp),
            name: claims.name,
            picture: claims.picture,
            email_verified: claims.email.is_some() && claims.email_verified == Some(true),
            email: claims.email.map(|email| email.to_lowercase()),
        })
    }

    /// The key that a header names. One that is not known makes us look again.
    async fn key(&self, entry: &Entry, header: &Header) -> Result<Jwk, ExternalError> {
        let now = self.clock.now();
        let mut known = entry.known.lock().await;
        if let Some(Known { keys, fetched }) = &*known {
            let age = now.since(*fetched);
            match find(keys, header) {
                Some(key) if age < KEEP => return Ok(key.clone()),
                None if age < AGAIN => return Err(ExternalError::Refused("its key is not known")),
                _ => {}
            }
        }
        let keys = self.fetch(entry).await?;
        let found = find(&keys, header).cloned();
        *known = Some(Known { keys, fetched: now });
        found.ok_or(ExternalError::Refused("its key is not known"))
    }

    async fn fetch(&self, entry: &Entry) -> Result<Vec<Jwk>, ExternalError> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            #[serde(deserialize_with = "url")]
            jwks_uri: Url,
        }
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<Value>,
        }
        let uri = match &entry.issuer.jwks_uri {
            Some(uri) => uri.clone(),
            None => {
                let text = format!("{}/.well-known/openid-configuration", entry.iss.trim_end_matches('/'));
                let url = text.parse().map_err(|_| ExternalError::Configuration("its URL"))?;
                let found: Discovery = self.json(url).await?;
                if found.issuer != entry.iss {
                    return Err(ExternalError::Configuration("its discovery document is another issuer's"));
                }
                found.jwks_uri
            }
        };
        if !is_safe(&uri) {
            return Err(ExternalError::Configuration("its keys are not at an https URL"));
        }
        let found: Keys = self.json(uri).await?;
        // Of a kind that we do not know: others of the list may be of use.
        Ok(found.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, url: Url) -> Result<T, ExternalError> {
        let (status, body) = answer(self.web.get(url)).await?;
        if !status.is_success() {
            return Err(WebError::Status(status).into());
        }
        Ok(serde_json::from_slice(&body).map_err(WebError::Form)?)
    }
}

impl std::fmt::Debug for OidcVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OidcVerifier").field(&self.issuers.keys().collect::<Vec<_>>()).finish()
    }
}

impl Entry {
    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), ExternalError> {
        let client = &self.issuer.client_id;
        let seconds = |at: Timestamp| u64::try_from(at.0.div_euclid(1000)).unwrap_or(0);
        let latest = seconds(now.plus(LEEWAY));
        let (for_us, alone) = match &claims.aud {
            Audience::One(aud) => (aud == client, true),
            Audience::Many(all) => (all.contains(client), all.len() == 1),
        };
        let azp = claims.azp.as_ref();
        let refusals = [
            (claims.iss != self.iss, "it is of another issuer"),
            (!for_us, "it is for somebody else"),
            (azp.is_some_and(|azp| azp != client) || (azp.is_none() && !alone), "it was given to another"),
            (seconds(now) >= claims.exp, "it has expired"),
            (claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest), "it is not valid yet"),
            (claims.sub.is_empty() || claims.sub.len() > 255, "it names nobody"),
        ];
        let refusal = refusals.into_iter().find(|(refused, _)| *refused);
        refusal.map_or(Ok(()), |(_, reason)| Err(ExternalError::Refused(reason)))
    }
}

fn header(token: &str) -> Result<Header, ExternalError> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    const REFUSED: ExternalError = ExternalError::Refused("its header is not one that we know");
    let (header, _) = token.split_once('.').ok_or(REFUSED)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| REFUSED)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| REFUSED)?;
    let known = matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA);
    // What a critical parameter means has to be understood, and we understand none (RFC 7515, 4.1.11).
    if known && header.crit.is_none() { Ok(header) } else { Err(REFUSED) }
}

/// The key with the header's name, or the only one that fits when it has none.
fn find<'a>(keys: &'a [Jwk], header: &Header) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| fits(key, header.alg));
    match &header.kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_ref() == Some(kid)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

fn fits(key: &Jwk, alg: Algorithm) -> bool {
    let kind = match (&key.algorithm, alg) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256) => true,
        (AlgorithmParameters::EllipticCurve(p), Algorithm::ES256) => p.curve == EllipticCurve::P256,
        (AlgorithmParameters::OctetKeyPair(p), Algorithm::EdDSA) => p.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let usage = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let named = key.common.key_algorithm.is_none_or(|named| named == alg.into());
    kind && usage && named
}

fn signed(token: &str, key: &Jwk, alg: Algorithm) -> Result<Claims, ExternalError> {
    use jsonwebtoken::errors::ErrorKind;
    let unusable = |_| ExternalError::Configuration("one of its keys");
    let key = DecodingKey::from_jwk(key).map_err(unusable)?;
    let mut validation = Validation::new(alg);
    // What it says is checked by the injected clock and with the reasons told apart.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoded = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    decoded.map(|data| data.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => ExternalError::Refused("its signature does not fit"),
        _ => ExternalError::Refused("its claims are not what they must be"),
    })
}

#[cfg(test)]
#[path = "oidc_tests.rs"]
mod tests;
