//! The environment, read once at cold start. No other module of any function reads it, so a
//! missing setting fails the cold start with its name instead of failing an invocation later.

use std::collections::BTreeMap;
use std::str::FromStr;

use secrecy::SecretString;

/// Why a setting could not be used. Values are never repeated: they may be secrets.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set, or set to the empty string.
    #[error("{name} is not set")]
    Missing {
        /// The variable.
        name: String,
    },
    /// The variable is not UTF-8.
    #[error("{name} is not valid UTF-8")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// The variable has a value of the wrong form.
    #[error("{name} is not valid: {reason}")]
    Invalid {
        /// The variable.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A function's environment.
pub struct Env(Source);

enum Source {
    Process,
    Map(BTreeMap<String, String>),
}

impl Env {
    /// The process's own environment.
    #[must_use]
    pub fn from_process() -> Self {
        Self(Source::Process)
    }

    /// A made-up environment, for tests and for tools that start functions.
    pub fn from_map<K: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(Source::Map(vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect()))
    }

    /// A setting that may be left out. An empty value counts as missing: that is how an unset
    /// SAM parameter arrives.
    ///
    /// # Errors
    /// [`ConfigError::NotUnicode`].
    pub fn optional(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let value = match &self.0 {
            Source::Process => read(name)?,
            Source::Map(vars) => vars.get(name).cloned(),
        };
        Ok(value.filter(|v| !v.is_empty()))
    }

    /// A setting without which the function cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] with the variable's name, [`ConfigError::NotUnicode`].
    pub fn required(&self, name: &str) -> Result<String, ConfigError> {
        self.optional(name)?.ok_or_else(|| ConfigError::Missing { name: name.to_owned() })
    }

    /// A setting of another type than text. The reason in the error is `T`'s own, so `T` must not
    /// repeat a secret value in it.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the variable's name, [`ConfigError::NotUnicode`].
    pub fn parsed<T>(&self, name: &str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let invalid = |e: T::Err| ConfigError::Invalid { name: name.to_owned(), reason: e.to_string() };
        self.optional(name)?.map(|v| v.parse().map_err(invalid)).transpose()
    }

    /// [`Env::parsed`], with a value for when it is missing.
    ///
    /// # Errors
    /// As [`Env::parsed`].
    pub fn parsed_or<T>(&self, name: &str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        Ok(self.parsed(name)?.unwrap_or(default))
    }

    /// A secret that may be left out; it does not show in `Debug` and is wiped when dropped.
    ///
    /// # Errors
    /// [`ConfigError::NotUnicode`].
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>, ConfigError> {
        Ok(self.optional(name)?.map(SecretString::from))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn read(name: &str) -> Result<Option<String>, ConfigError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(ConfigError::NotUnicode { name: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_setting_is_named() {
        let env = Env::from_map([("INBOUND_QUEUE_URL", "")]);
        for name in ["INBOUND_QUEUE_URL", "DIRECTORY_TABLE"] {
            let err = env.required(name).unwrap_err();
            assert!(matches!(&err, ConfigError::Missing { name: n } if n == name));
            assert_eq!(err.to_string(), format!("{name} is not set"));
        }
        assert_eq!(env.optional("INBOUND_QUEUE_URL").unwrap(), None);
    }

    #[test]
    fn a_setting_of_the_wrong_form_is_named() {
        let env = Env::from_map([("MAX_MESSAGES", "many"), ("MONTHLY_LIMIT", "7")]);
        let err = env.parsed::<u32>("MAX_MESSAGES").unwrap_err();
        assert_eq!(err.to_string(), "MAX_MESSAGES is not valid: invalid digit found in string");
        assert_eq!(env.parsed_or("MONTHLY_LIMIT", 1_u32).unwrap(), 7);
        assert_eq!(env.parsed_or("OTHER", 1_u32).unwrap(), 1);
    }

    #[test]
    fn a_secret_does_not_show() {
        let env = Env::from_map([("AI_API_KEY", "canary")]);
        let secret = env.secret("AI_API_KEY").unwrap().unwrap();
        assert!(!format!("{secret:?}").contains("canary"));
    }

    #[test]
    fn the_process_environment_is_readable() {
        // Cargo sets this for every test; nothing here may write the environment.
        assert!(Env::from_process().required("CARGO_PKG_NAME").is_ok());
        assert!(Env::from_process().required("MATOME_NO_SUCH_VARIABLE").is_err());
    }
}
