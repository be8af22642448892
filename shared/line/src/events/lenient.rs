//! Reading what may be missing or new without failing what stands beside it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `value[name]` as `T`; `None` when absent, null or of another shape.
pub(super) fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
    value.get(name).and_then(|v| T::deserialize(v).ok())
}

/// For an optional decoration: another shape than expected counts as absent.
pub(super) fn option<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(Value::deserialize(d)?).ok())
}

/// For a list of decorations: entries of another shape than expected are left out.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(d)? {
        Value::Array(items) => items.into_iter().filter_map(|v| T::deserialize(v).ok()).collect(),
        _ => Vec::new(),
    })
}
