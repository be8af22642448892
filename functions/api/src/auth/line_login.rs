//! LINE Login: LINE itself verifies the ID token.
//! <https://developers.line.biz/en/reference/line-login/#verify-id-token>

use matome_runtime::config::{ConfigError, Env};
use reqwest::StatusCode;
use serde::Deserialize;

use super::external::{ExternalError, ExternalIdentity, check_nonce, expiry};
use super::web::{Web, WebError, answer};

/// What accounts call it.
pub const PROVIDER: &str = "line";
/// `iss` of LINE's ID tokens.
const ISSUER: &str = "https://access.line.me";

/// The deployment's LINE Login channel.
#[derive(Debug, Clone)]
pub struct LineLogin {
    web: Web,
    url: String,
    channel_id: String,
}

/// What is read of LINE's answer; it may get more fields.
#[derive(Deserialize)]
struct Verified {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    nonce: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    email: Option<String>,
}

impl LineLogin {
    /// From `LINE_LOGIN_CHANNEL_ID` and `LINE_API_URL`; `None` without the first one: nobody logs in with
    /// LINE then.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_env(env: &Env, web: Web) -> Result<Option<Self>, ConfigError> {
        let Some(channel_id) = env.optional("LINE_LOGIN_CHANNEL_ID")? else { return Ok(None) };
        let url = env.optional("LINE_API_URL")?;
        let url = url.unwrap_or_else(|| matome_line::client::DEFAULT_API_URL.to_owned());
        Ok(Some(Self::new(web, &url, channel_id)))
    }

    /// The channel `channel_id` at LINE's API under `api_url`.
    #[must_use]
    pub fn new(web: Web, api_url: &str, channel_id: String) -> Self {
        let url = format!("{}/oauth2/v2.1/verify", api_url.trim_end_matches('/'));
        Self { web, url, channel_id }
    }

    /// Who an ID token is of.
    ///
    /// # Errors
    /// [`ExternalError`].
    pub async fn verify(
        &self,
        id_token: &str,
        nonce: Option<&str>,
    ) -> Result<ExternalIdentity, ExternalError> {
        let mut form = vec![("id_token", id_token), ("client_id", self.channel_id.as_str())];
        form.extend(nonce.map(|nonce| ("nonce", nonce)));
        let (status, body) = answer(self.web.post(&self.url).form(&form)).await?;
        match status {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST => return Err(ExternalError::Refused("LINE refused it")),
            other => return Err(WebError::Status(other).into()),
        }
        let verified: Verified = serde_json::from_slice(&body).map_err(WebError::Form)?;
        if verified.iss != ISSUER {
            return Err(ExternalError::Refused("it is of another issuer"));
        }
        if verified.aud != self.channel_id {
            return Err(ExternalError::Refused("it is for another channel"));
        }
        check_nonce(nonce, verified.nonce.as_deref())?;
        Ok(ExternalIdentity {
            provider: PROVIDER.to_owned(),
            issuer: ISSUER.to_owned(),
            subject: verified.sub,
            name: verified.name,
            picture: verified.picture,
            email: verified.email.map(|email| email.to_lowercase()),
            email_verified: false,
            expires_at: expiry(verified.exp),
        })
    }
}
