//! The templates as data. CloudFormation's short forms become the long ones: `!Ref A` is `{"Ref": "A"}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The condition of what a tenant's stack has, and what the names of those begin with that imply it.
const OF_TENANTS: &str = "IsTenant";

pub(crate) struct Template {
    pub(crate) name: &'static str,
    pub(crate) whole: Value,
    resources: BTreeMap<String, Value>,
}

impl Template {
    /// The platform's stack.
    pub(crate) fn platform() -> Self {
        Self::load("template.yaml")
    }

    /// A dedicated tenant's stack.
    pub(crate) fn tenant() -> Self {
        Self::load("infra/tenant.yaml").decided(true)
    }

    /// A cell's stack: the same template without a tenant.
    pub(crate) fn cell() -> Self {
        Self::load("infra/tenant.yaml").decided(false)
    }

    /// All three, for what holds everywhere.
    pub(crate) fn each() -> [Self; 3] {
        assert_eq!(matome_local_stack::sam::TEMPLATES, ["template.yaml", "infra/tenant.yaml"]);
        [Self::platform(), Self::tenant(), Self::cell()]
    }

    /// Those with data of their own: a cell's are the platform's.
    pub(crate) fn storing() -> [Self; 2] {
        [Self::platform(), Self::tenant()]
    }

    fn load(name: &'static str) -> Self {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name);
        let whole = plain(serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
        Self::of(name, whole)
    }

    fn of(name: &'static str, whole: Value) -> Self {
        let resources = serde_json::from_value(whole["Resources"].clone()).unwrap();
        Self { name, whole, resources }
    }

    /// With the condition that tells a tenant's stack from a cell's decided.
    fn decided(self, is_tenant: bool) -> Self {
        let name = if is_tenant { self.name } else { "infra/tenant.yaml, of a cell" };
        let mut whole = decide(self.whole, is_tenant).unwrap();
        for part in ["Resources", "Outputs"] {
            let things = whole[part].as_object_mut().unwrap();
            let of_tenants =
                |thing: &Value| thing["Condition"].as_str().is_some_and(|c| c.starts_with(OF_TENANTS));
            things.retain(|_, thing| is_tenant || !of_tenants(thing));
        }
        Self::of(name, whole)
    }

    /// All functions, whichever of the two types they are of.
    pub(crate) fn functions(&self) -> BTreeMap<&str, &Value> {
        let kind =
            if self.name == "template.yaml" { "AWS::Serverless::Function" } else { "AWS::Lambda::Function" };
        self.all(kind)
    }

    /// Every function's queue: function, queue and what is said about how the one reads the other.
    pub(crate) fn sources(&self) -> Vec<(String, String, &Value)> {
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        if self.name != "template.yaml" {
            let sources = self.all("AWS::Lambda::EventSourceMapping");
            return sources
                .values()
                .map(|s| (id(&s["FunctionName"]["Ref"]), id(&s["EventSourceArn"]["Fn::GetAtt"][0]), *s))
                .collect();
        }
        let mut found = Vec::new();
        for (function, properties) in self.functions() {
            let Some(events) = properties["Events"].as_object() else { continue };
            for event in events.values().filter(|event| event["Type"] == "SQS") {
                let source = &event["Properties"];
                found.push((function.to_owned(), id(&source["Queue"]["Fn::GetAtt"][0]), source));
            }
        }
        found
    }

    /// Logical id and everything about every resource.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.resources.iter().map(|(id, resource)| (id.as_str(), resource))
    }

    /// All resources of a type, by logical id, as their `Properties`.
    pub(crate) fn all(&self, kind: &str) -> BTreeMap<&str, &Value> {
        let found: BTreeMap<_, _> = self
            .resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect();
        assert!(!found.is_empty(), "{} has no {kind}: this test would prove nothing", self.name);
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

/// What a value is in one of the two kinds of stack; `None` where there is none (`AWS::NoValue`).
fn decide(value: Value, is_tenant: bool) -> Option<Value> {
    match value {
        Value::Object(mut fields) if fields.get("Fn::If").is_some_and(|branch| branch[0] == OF_TENANTS) => {
            let branch = fields.get_mut("Fn::If").unwrap()[if is_tenant { 1 } else { 2 }].take();
            if branch == json!({ "Ref": "AWS::NoValue" }) { None } else { decide(branch, is_tenant) }
        }
        Value::Object(fields) => {
            let decided = |(name, value)| Some((name, decide(value, is_tenant)?));
            Some(Value::Object(fields.into_iter().filter_map(decided).collect()))
        }
        Value::Array(items) => Some(items.into_iter().filter_map(|item| decide(item, is_tenant)).collect()),
        other => Some(other),
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
