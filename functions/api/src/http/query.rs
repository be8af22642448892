//! Query parameters: read strictly, so that a misspelt filter is an error and not a longer list.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use garde::Validate;
use http::request::Parts;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::documented::{Operation, Takes, query_parameters};
use crate::http::problem::{Code, Problem};

/// The query parameters as a `T`; the struct denies unknown fields.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

/// The parameters by name.
///
/// # Errors
/// 400 when one is there twice.
pub fn pairs(parts: &Parts) -> Result<BTreeMap<String, String>, Problem> {
    let mut pairs = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        if value.contains('\0') || value.contains('\u{fffd}') {
            return Err(Problem::parameter(name, "is not UTF-8 text without NUL"));
        }
        if pairs.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(Problem::parameter(name, "is there more than once"));
        }
    }
    Ok(pairs)
}

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + JsonSchema + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let schema = schemars::schema_for!(T);
        let mut object = serde_json::Map::new();
        for (name, value) in pairs(parts)? {
            let value = typed(&schema, &name, value);
            object.insert(name, value);
        }
        let object = serde_json::to_vec(&object).map_err(Problem::internal)?;
        crate::http::json::read(&object)
            .map(Self)
            .map_err(|problem| Problem { code: Code::InvalidParameter, ..problem })
    }
}

/// As the schema wants it: everything in a query is text.
fn typed(schema: &schemars::Schema, name: &str, value: String) -> Value {
    let property = schema.pointer(&format!("/properties/{}", name.replace('~', "~0").replace('/', "~1")));
    let kinds = property.and_then(|property| property.get("type"));
    let wants = |kind: &str| match kinds {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    };
    if wants("integer") || wants("number") {
        // Not through f64: an integer stays one.
        if let Ok(number @ Value::Number(_)) = serde_json::from_str(&value) {
            return number;
        }
    }
    match value.as_str() {
        "true" if wants("boolean") => Value::Bool(true),
        "false" if wants("boolean") => Value::Bool(false),
        _ => Value::String(value),
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn document(schemas: &mut SchemaGenerator, operation: &mut Operation) {
        operation.parameters.extend(query_parameters::<T>(schemas));
    }
}
