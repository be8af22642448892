//! The answers that refuse, each described once, under `components/responses`; operations refer to them.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use crate::http::problem::{Code, MEDIA_TYPE, ProblemBody};

/// Those that some operation may give, by their codes.
#[derive(Default)]
pub(super) struct Problems(BTreeMap<&'static str, Value>);

impl Problems {
    /// What an operation says of a refusal that it may give.
    pub(super) fn refer_to(&mut self, code: Code, schemas: &mut SchemaGenerator) -> Value {
        self.0.entry(code.as_str()).or_insert_with(|| response(code, schemas));
        json!({ "$ref": format!("#/components/responses/{}", code.as_str()) })
    }

    /// For `components/responses`.
    pub(super) fn responses(&self) -> &BTreeMap<&'static str, Value> {
        &self.0
    }
}

fn response(code: Code, schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<ProblemBody>();
    let content = json!({ MEDIA_TYPE: { "schema": schema, "example": ProblemBody::example(code) } });
    json!({ "description": format!("{}.", code.title()), "content": content })
}
