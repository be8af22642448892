//! Examples: those that entities and types declare, and those that follow from them.

use std::collections::BTreeSet;

use matome_store::entities::{ExposedVisitor, visit_exposed_entities};
use matome_store::exposed::{Examples, Exposed};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::crud::Sparse;

/// Puts what entities declare into the schemas of what is shown, made and changed of them.
pub(super) fn declared(definitions: &mut Map<String, Value>) {
    struct Declared<'d>(&'d mut Map<String, Value>);

    impl ExposedVisitor for Declared<'_> {
        fn visit<E: Exposed>(&mut self) {
            of_entity::<E>(self.0);
        }
    }

    visit_exposed_entities(&mut Declared(definitions));
}

fn of_entity<E: Exposed>(definitions: &mut Map<String, Value>) {
    let Examples { view, create, patch } = E::examples();
    let mut put = |name: &str, example: serde_json::Result<Value>| {
        if let (Some(definition), Ok(example)) = (definitions.get_mut(name), example) {
            definition["examples"] = json!([example]);
        }
    };
    put(&Sparse::<E::View>::schema_name(), serde_json::to_value(&view));
    put(&E::View::schema_name(), serde_json::to_value(view));
    if let Some(create) = create {
        put(&E::Create::schema_name(), serde_json::to_value(create));
    }
    if let Some(patch) = patch {
        put(&E::Patch::schema_name(), serde_json::to_value(patch));
    }
}

/// Puts the example of each schema beside each use of it as a body, so that every operation has one.
pub(super) fn beside_bodies(paths: &mut Map<String, Value>, schemas: &Map<String, Value>) {
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        let answers = operation["responses"].as_object().cloned().unwrap_or_default();
        for content in answers
            .keys()
            .map(|status| format!("/responses/{status}/content"))
            .chain(["/requestBody/content".to_owned()])
        {
            let Some(content) = operation.pointer_mut(&content).and_then(Value::as_object_mut) else {
                continue;
            };
            for media in content.values_mut() {
                if let Some(example) = example(&media["schema"], schemas, 0) {
                    media["example"] = example;
                }
            }
        }
    }
}

/// A schema's own example, or one put together of its parts'.
fn example(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Option<Value> {
    if let Some(example) = schema["examples"].get(0) {
        return Some(example.clone());
    }
    if depth > 8 {
        return None;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/schemas/")) {
        return example(schemas.get(name)?, schemas, depth + 1);
    }
    for of in ["allOf", "anyOf", "oneOf"] {
        if let Some(first) = schema[of].as_array().and_then(|parts| parts.first()) {
            return example(first, schemas, depth + 1);
        }
    }
    if let Some(items) = schema.get("items") {
        return Some(json!([example(items, schemas, depth + 1)?]));
    }
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return simple(schema) };
    let mut object = Map::new();
    for (name, property) in properties {
        match example(property, schemas, depth + 1).or_else(|| simple(property)) {
            Some(value) => {
                object.insert(name.clone(), value);
            }
            None if required.contains(name.as_str()) => return None,
            None => {}
        }
    }
    Some(Value::Object(object))
}

/// What can be said of a scalar without being told.
fn simple(schema: &Value) -> Option<Value> {
    if let Some(only) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return Some(only.clone());
    }
    if let Some(default) = schema.get("default") {
        return Some(default.clone());
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str())?;
    match (kind, schema["format"].as_str()) {
        ("string", Some("date-time")) => Some(json!("2026-11-20T03:00:00.000Z")),
        ("string", None) => match schema["pattern"].as_str() {
            None => Some(json!("example")),
            // An id, in whichever case it is taken.
            Some(pattern) if pattern.ends_with("]{24}$") => Some(json!("65f0c0ffee0000000000beef")),
            Some(_) => None,
        },
        ("integer" | "number", _) => Some(schema["minimum"].as_i64().unwrap_or(1).into()),
        ("boolean", _) => Some(json!(true)),
        _ => None,
    }
}
