//! Text in a request that is nobody else's business: passwords, codes, tokens. It is wiped from memory when
//! it is dropped, and neither logs nor errors show it.

use std::borrow::Cow;

use garde::rules::length::chars::Chars;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// See the module.
#[derive(Debug, Clone)]
pub struct SecretText(pub SecretString);

impl SecretText {
    /// The text, for who has to compare it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Chars for SecretText {
    fn validate_num_chars(&self, min: usize, max: usize) -> Result<(), garde::Error> {
        self.expose().validate_num_chars(min, max)
    }
}

impl JsonSchema for SecretText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password" })
    }
}
