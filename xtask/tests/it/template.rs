//! `template.yaml` as data. CloudFormation's short forms become the long ones: `!Ref A` is `{"Ref": "A"}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

pub(crate) struct Template {
    resources: BTreeMap<String, Value>,
}

impl Template {
    pub(crate) fn load() -> Self {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
        let whole = plain(serde_yaml_ng::from_str(&text).unwrap());
        let resources = serde_json::from_value(whole["Resources"].clone()).unwrap();
        Self { resources }
    }

    /// All resources of a type, by logical id, as their `Properties`.
    pub(crate) fn all(&self, kind: &str) -> BTreeMap<&str, &Value> {
        let found: BTreeMap<_, _> = self
            .resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect();
        assert!(!found.is_empty(), "the template has no {kind}: this test would prove nothing");
        found
    }
}

/// `{"Fn::GetAtt": ["id", "attribute"]}`.
pub(crate) fn attribute(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

pub(crate) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => serde_json::to_value(number).unwrap(),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(pairs) => {
            let named = |key: Yaml| key.as_str().map(ToOwned::to_owned).unwrap();
            Value::Object(pairs.into_iter().map(|(key, value)| (named(key), plain(value))).collect())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let short = tag.trim_start_matches('!');
            let argument = match (short, plain(tagged.value)) {
                ("GetAtt", Value::String(path)) => {
                    let (id, attribute) = path.split_once('.').unwrap();
                    json!([id, attribute])
                }
                (_, other) => other,
            };
            let long = if short == "Ref" { "Ref".to_owned() } else { format!("Fn::{short}") };
            Value::Object(Map::from_iter([(long, argument)]))
        }
    }
}
