//! LINE Login: channels that staff sign in with, and the ID tokens people get there.
//!
//! LINE's documents: "Get profile information from ID tokens" and the LINE Login v2.1 reference. A web login is
//! signed with the channel's secret (HS256), one of an app or of LIFF with a key of LINE's (ES256). Signing and
//! checking are apart from Matome's own on purpose, as signatures of webhooks are.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use matome_domain::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::id;
use crate::simulator::{LineSimulator, SimulatorError};

/// Who issues ID tokens.
pub const ISSUER: &str = "https://access.line.me";
/// How long an ID token is good for; LINE names no number, its tokens have an hour.
pub const VALID: Duration = Duration::from_secs(60 * 60);

/// A LINE Login channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginChannel {
    /// The `aud` of its ID tokens, and `client_id` where they are verified.
    pub channel_id: String,
    /// Signs the ID tokens of web logins.
    pub channel_secret: String,
}

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdTokenAlgorithm {
    /// Web login.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// LINE's SDKs and LIFF.
    #[serde(rename = "ES256")]
    Es256,
}

/// A person signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Login {
    /// The LINE Login channel.
    pub channel_id: String,
    /// Who.
    pub user_id: String,
    /// What the one who asked for the login made up for it.
    pub nonce: Option<String>,
    /// The person's address; without the `email` scope there is none.
    pub email: Option<String>,
    /// How the token is signed.
    pub algorithm: IdTokenAlgorithm,
}

/// LINE's own key pair, made anew for each simulator.
pub(crate) struct LoginKey {
    pair: EcdsaKeyPair,
    kid: String,
}

impl fmt::Debug for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl LoginKey {
    pub(crate) fn generate() -> Result<Self, SimulatorError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Ok(Self { pair: pair.map_err(|_| SimulatorError::Key)?, kid: id::token() })
    }

    /// As a JWK set (RFC 7517), which `/oauth2/v2.1/certs` answers with.
    pub(crate) fn jwks(&self) -> Value {
        // An uncompressed point: 4, then both coordinates.
        let point = self.pair.public_key().as_ref();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        json!({ "keys": [{
            "kty": "EC", "alg": "ES256", "use": "sig", "crv": "P-256", "kid": self.kid,
            "x": coordinate(1), "y": coordinate(33),
        }] })
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, SimulatorError> {
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes());
        Ok(signature.map_err(|_| SimulatorError::Key)?.as_ref().to_vec())
    }

    fn has_signed(&self, kid: Option<&str>, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref());
        kid == Some(&self.kid) && key.verify(text.as_bytes(), signature).is_ok()
    }
}

impl LineSimulator {
    /// Adds a LINE Login channel; without an id it gets one.
    pub fn add_login_channel(&self, channel_id: Option<&str>) -> LoginChannel {
        let channel = LoginChannel {
            channel_id: channel_id.map_or_else(id::channel, str::to_owned),
            channel_secret: id::token(),
        };
        self.change(|w| w.login_channels.insert(channel.channel_id.clone(), channel.clone()));
        channel
    }

    /// The ID token that a login gives: good from now for an hour of the simulator's clock.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownChannel`], [`SimulatorError::UnknownUser`].
    pub fn id_token(&self, login: &Login) -> Result<String, SimulatorError> {
        let person = self.inspect(|w| w.people.get(&login.user_id).cloned());
        let person = person.ok_or_else(|| SimulatorError::UnknownUser(login.user_id.clone()))?;
        let now = self.now();
        let mut claims = json!({
            "iss": ISSUER, "sub": login.user_id, "aud": login.channel_id,
            "exp": seconds(now.plus(VALID)), "iat": seconds(now), "amr": ["linesso"],
            "name": person.display_name,
        });
        let optional = [("nonce", &login.nonce), ("picture", &person.picture_url), ("email", &login.email)];
        for (name, value) in optional {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        self.sign_id_token(&login.channel_id, login.algorithm, &claims)
    }

    /// Any claims, signed as LINE signs: for tokens that must be refused for what they say.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownChannel`].
    pub fn sign_id_token(
        &self,
        channel_id: &str,
        algorithm: IdTokenAlgorithm,
        claims: &Value,
    ) -> Result<String, SimulatorError> {
        let channel = self.inspect(|w| w.login_channels.get(channel_id).cloned());
        let channel = channel.ok_or_else(|| SimulatorError::UnknownChannel(channel_id.to_owned()))?;
        let header = match algorithm {
            IdTokenAlgorithm::Hs256 => json!({ "typ": "JWT", "alg": "HS256" }),
            IdTokenAlgorithm::Es256 => json!({ "typ": "JWT", "alg": "ES256", "kid": self.login_key().kid }),
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = match algorithm {
            IdTokenAlgorithm::Hs256 => hs256(&channel).sign(&text),
            IdTokenAlgorithm::Es256 => self.login_key().sign(&text)?,
        };
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that LINE has signed for one of its channels; `None` for any other text.
    pub(crate) fn open_id_token(&self, token: &str) -> Option<Value> {
        let (text, signature) = token.rsplit_once('.')?;
        let (header, claims) = text.split_once('.')?;
        let part = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let json = |text: &str| serde_json::from_slice::<Value>(&part(text)?).ok();
        let (header, claims, signature) = (json(header)?, json(claims)?, part(signature)?);
        let is_good = match header["alg"].as_str()? {
            "HS256" => {
                let channel = self.inspect(|w| w.login_channels.get(claims["aud"].as_str()?).cloned())?;
                hs256(&channel).has_signed(text, &signature)
            }
            "ES256" => self.login_key().has_signed(header["kid"].as_str(), text, &signature),
            _ => false,
        };
        is_good.then_some(claims)
    }
}

struct Hs256(hmac::Key);

fn hs256(channel: &LoginChannel) -> Hs256 {
    Hs256(hmac::Key::new(hmac::HMAC_SHA256, channel.channel_secret.as_bytes()))
}

impl Hs256 {
    fn sign(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.0, text.as_bytes()).as_ref().to_vec()
    }

    fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        hmac::verify(&self.0, text.as_bytes(), signature).is_ok()
    }
}

/// Seconds since 1970, as JWTs count.
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}
