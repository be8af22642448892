//! Which provider writes, from the settings `AI_PROVIDER`, `AI_MODEL`, `AI_BASE_URL` and `AI_API_KEY`.
//! The caller reads the environment; an error names the setting.

use std::fmt;
use std::time::Duration;

use genai::adapter::AdapterKind;

use crate::prices::PriceTable;

/// Gemini's model when only a key is given: the cheapest of its current generation.
pub const DEFAULT_MODEL: &str = "gemini-3.1-flash-lite";

/// A credential: never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The settings of a summarizer. An empty string counts as unset.
#[derive(Debug, Clone)]
pub struct AiConfig {
    /// `AI_PROVIDER`: `builtin`, or a provider's name in lower case as `genai` knows it (`gemini`,
    /// `openai`, `anthropic`, `ollama`, …). Unset: Gemini with a key, OpenAI's protocol with a base URL.
    pub provider: Option<String>,
    /// `AI_MODEL`: the model's name; only Gemini has a default, [`DEFAULT_MODEL`].
    pub model: Option<String>,
    /// `AI_BASE_URL`: where the provider answers, such as `https://host/v1/`.
    pub base_url: Option<String>,
    /// `AI_API_KEY`.
    pub api_key: Option<Secret>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long a summary with one request may take in all, repeats included. A talk in parts gets it once
    /// for each round of parts that are asked for together and once for joining them.
    pub total_timeout: Duration,
    /// How long any summary may take at most; keep it below the function's own time limit (300 s in
    /// `template.yaml`), so that the built-in summarizer still gets its turn.
    pub longest_timeout: Duration,
    /// Attempts after the first on 429, 5xx and time-outs.
    pub max_retries: u32,
    /// Estimated tokens of one request's messages; a longer talk is summarized in parts.
    pub chunk_tokens: u64,
    /// Whether the model can see pictures; unset: known providers can, a base URL's cannot.
    pub vision: Option<bool>,
    /// What tokens cost.
    pub prices: PriceTable,
}

impl Default for AiConfig {
    fn default() -> Self {
        Self {
            provider: None,
            model: None,
            base_url: None,
            api_key: None,
            timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(90),
            longest_timeout: Duration::from_secs(240),
            max_retries: 3,
            chunk_tokens: 24_000,
            vision: None,
            prices: PriceTable::default(),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct ConfigError {
    /// The setting's name, such as `AI_MODEL`; the field's, such as `chunk_tokens`, where the environment
    /// has no setting for it.
    pub setting: &'static str,
    /// What is wrong with it; never repeats a secret.
    pub reason: &'static str,
}

/// A provider that can be called.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) adapter: AdapterKind,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) vision: bool,
}

impl AiConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.target().map(drop)
    }

    /// Whom to call; `None` for the built-in summarizer.
    pub(crate) fn target(&self) -> Result<Option<Target>, ConfigError> {
        let refuse = |setting, reason| Err(ConfigError { setting, reason });
        let provider = set(self.provider.as_deref()).map(str::to_ascii_lowercase);
        let base_url = set(self.base_url.as_deref());
        let key = self.api_key.clone().filter(|k| !k.expose().trim().is_empty());
        if [self.timeout, self.total_timeout, self.longest_timeout].iter().any(Duration::is_zero) {
            return refuse("timeout", "every one must be longer than zero");
        }
        if self.chunk_tokens < 500 {
            return refuse("chunk_tokens", "must be at least 500");
        }
        if key.as_ref().is_some_and(|k| k.expose().chars().any(|c| c.is_whitespace() || c.is_control())) {
            return refuse("AI_API_KEY", "must not contain white space");
        }
        if base_url.is_some_and(|url| !is_http_url(url)) {
            return refuse("AI_BASE_URL", "must be an http or https address such as https://host/v1/");
        }
        let adapter = match provider.as_deref() {
            Some("builtin") => return Ok(None),
            Some(name) => match AdapterKind::from_lower_str(name) {
                Some(adapter) => adapter,
                None => {
                    return refuse(
                        "AI_PROVIDER",
                        "is not a known provider; use builtin, gemini, openai, anthropic, ollama or another name that genai knows",
                    );
                }
            },
            None if base_url.is_some() => AdapterKind::OpenAI,
            None => AdapterKind::Gemini,
        };
        if key.is_none() && base_url.is_none() && adapter != AdapterKind::Ollama {
            return Ok(None);
        }
        let model = match (set(self.model.as_deref()), adapter) {
            (Some(model), _) => model.to_owned(),
            (None, AdapterKind::Gemini) => DEFAULT_MODEL.to_owned(),
            (None, _) => return refuse("AI_MODEL", "is needed with this AI_PROVIDER or AI_BASE_URL"),
        };
        let sees = matches!(
            adapter,
            AdapterKind::Gemini | AdapterKind::OpenAI | AdapterKind::OpenAIResp | AdapterKind::Anthropic
        );
        Ok(Some(Target {
            adapter,
            provider: adapter.as_lower_str().to_owned(),
            model,
            // The adapters append `chat/completions` and the like to it.
            base_url: base_url.map(|url| if url.ends_with('/') { url.to_owned() } else { format!("{url}/") }),
            vision: self.vision.unwrap_or(sees && base_url.is_none()),
            api_key: key,
        }))
    }
}

fn set(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|v| !v.is_empty())
}

fn is_http_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|host| {
        host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && !url.contains(|c: char| c.is_whitespace() || c == '?' || c == '#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(provider: &str, model: &str, base_url: &str, key: &str) -> AiConfig {
        AiConfig {
            provider: Some(provider.to_owned()),
            model: Some(model.to_owned()),
            base_url: Some(base_url.to_owned()),
            api_key: Some(Secret::new(key)),
            ..AiConfig::default()
        }
    }

    #[test]
    fn without_a_key_the_built_in_one_writes() {
        for (provider, key) in [("", ""), ("gemini", ""), ("builtin", "k"), ("anthropic", " ")] {
            assert!(config(provider, "", "", key).target().unwrap().is_none(), "{provider}");
        }
    }

    #[test]
    fn a_key_alone_means_gemini() {
        let target = config("", "", "", "k").target().unwrap().unwrap();
        assert_eq!(
            (target.provider.as_str(), target.model.as_str(), target.vision),
            ("gemini", DEFAULT_MODEL, true)
        );
    }

    #[test]
    fn a_base_url_alone_means_the_protocol_of_openai() {
        let target = config("", "llama", "http://127.0.0.1:1234/v1", "").target().unwrap().unwrap();
        assert_eq!(target.provider, "openai");
        assert_eq!(target.base_url.as_deref(), Some("http://127.0.0.1:1234/v1/"));
        assert!(!target.vision);
    }

    #[test]
    fn errors_name_the_setting_and_keep_the_secret() {
        for (config, setting) in [
            (config("geminy", "", "", "k"), "AI_PROVIDER"),
            (config("openai", "", "", "k"), "AI_MODEL"),
            (config("", "m", "ftp://x", "k"), "AI_BASE_URL"),
            (config("", "m", "https://", "k"), "AI_BASE_URL"),
            (config("", "", "", "k ey"), "AI_API_KEY"),
        ] {
            let error = config.validate().unwrap_err();
            assert_eq!(error.setting, setting);
            assert!(error.to_string().starts_with(setting));
            assert!(!error.to_string().contains("k ey"));
        }
        assert!(!format!("{:?}", config("", "", "", "hunter2")).contains("hunter2"));
    }
}
