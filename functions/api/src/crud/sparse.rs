//! Views with some of their fields.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

/// A view of which some fields may have been left out.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Sparse<V> {
    value: Value,
    #[serde(skip)]
    view: std::marker::PhantomData<fn() -> V>,
}

impl<V: Serialize> Sparse<V> {
    /// The fields named, and `id`; all of them when none is named.
    ///
    /// # Errors
    /// When the view is no JSON object.
    pub fn of(view: &V, fields: &[String]) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::to_value(view)?;
        if let (Value::Object(object), false) = (&mut value, fields.is_empty()) {
            object.retain(|name, _| name == "id" || fields.iter().any(|field| field == name));
        }
        Ok(Self { value, view: std::marker::PhantomData })
    }
}

impl<V: JsonSchema> JsonSchema for Sparse<V> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}InList", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = V::json_schema(generator);
        let object: &mut Map<String, Value> = schema.ensure_object();
        object.insert("required".to_owned(), serde_json::json!(["id"]));
        schema
    }
}
