//! What the types of a handler say of themselves in the OpenAPI file: an argument [`Takes`] something of the
//! request, a result [`Gives`] an answer.
//!
//! Schemas are schemars'; the few structures of OpenAPI around them are written as JSON here. (aide, which
//! does the same, is bound to schemars 0.9 in its stable line.)

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// What is collected of one operation.
#[derive(Debug, Default)]
pub struct Operation {
    /// Parameters, as OpenAPI has them.
    pub parameters: Vec<Value>,
    /// The body.
    pub body: Option<Value>,
    /// Answers by status.
    pub responses: BTreeMap<u16, Value>,
}

/// An argument of a handler.
pub trait Takes {
    /// Adds what it takes.
    fn document(_: &mut SchemaGenerator, _: &mut Operation) {}
}

/// A result of a handler.
pub trait Gives {
    /// Adds what it answers.
    fn document(_: &mut SchemaGenerator, _: &mut Operation) {}
}

impl<T> Takes for axum::extract::State<T> {}
impl Takes for http::Uri {}
impl Takes for http::HeaderMap {}

impl<T: Gives, E: Gives> Gives for Result<T, E> {
    fn document(schemas: &mut SchemaGenerator, operation: &mut Operation) {
        T::document(schemas, operation);
        E::document(schemas, operation);
    }
}

/// A handler: an `async fn` of up to nine documented arguments.
pub trait Handles<Arguments, Output> {
    /// Adds what its arguments take and its result gives.
    fn document(_: &mut SchemaGenerator, _: &mut Operation);
}

macro_rules! handles {
    ($($argument:ident)*) => {
        impl<F, Fut, O, $($argument,)*> Handles<($($argument,)*), O> for F
        where
            F: Fn($($argument,)*) -> Fut,
            Fut: Future<Output = O>,
            O: Gives,
            $($argument: Takes,)*
        {
            fn document(schemas: &mut SchemaGenerator, operation: &mut Operation) {
                $($argument::document(schemas, operation);)*
                O::document(schemas, operation);
            }
        }
    };
}

handles!();
handles!(A);
handles!(A B);
handles!(A B C);
handles!(A B C D);
handles!(A B C D E);
handles!(A B C D E G);
handles!(A B C D E G H);
handles!(A B C D E G H I);
handles!(A B C D E G H I J);

/// A parameter; `place` is `path`, `query` or `header`.
#[must_use]
pub fn parameter(place: &str, name: &str, text: &str, required: bool, schema: &Value) -> Value {
    json!({ "in": place, "name": name, "description": text, "required": required, "schema": schema })
}

/// An optional header of a request.
#[must_use]
pub fn header_parameter(name: &str, text: &str) -> Value {
    parameter("header", name, text, false, &json!({ "type": "string", "minLength": 1, "maxLength": 255 }))
}

/// The properties of `T` as query parameters.
pub fn query_parameters<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Vec<Value> {
    let schema = T::json_schema(schemas).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let text = description.as_ref().and_then(Value::as_str).unwrap_or_default();
        parameter("query", &name, text, required.iter().any(|r| *r == name), &schema)
    };
    properties.into_iter().map(parameter).collect()
}

/// A body of `T`.
pub fn content<T: JsonSchema>(schemas: &mut SchemaGenerator, media_type: &str) -> Value {
    let mut content = Map::new();
    content.insert(media_type.to_owned(), json!({ "schema": schemas.subschema_for::<T>() }));
    Value::Object(content)
}

/// Headers of an answer, with what they say.
#[must_use]
pub fn headers(headers: &[(&str, &str)]) -> Value {
    let header = |&(name, text): &(&str, &str)| {
        (name.to_owned(), json!({ "description": text, "schema": { "type": "string" } }))
    };
    Value::Object(headers.iter().map(header).collect())
}
