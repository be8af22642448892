//! Parameters of requests and headers of answers that say the same wherever they are named: each is described
//! once, under `components`, and operations refer to it. What one operation alone has, and what means something
//! else in another one (`sort`), stays where it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Takes the parameters out of the operations, for `components/parameters`.
pub(super) fn parameters(paths: &mut Map<String, Value>) -> Map<String, Value> {
    take("parameters", paths, |operation| {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        parameters.into_iter().flatten().map(|parameter| (parameter_name(parameter), parameter)).collect()
    })
}

/// A header and a part of the path may be called alike.
fn parameter_name(parameter: &Value) -> String {
    let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
    format!("{}-{}", text("in"), text("name"))
}

/// Takes the headers out of the operations' answers, for `components/headers`.
pub(super) fn headers(paths: &mut Map<String, Value>) -> Map<String, Value> {
    take("headers", paths, |operation| {
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        let headers = answers.into_iter().flat_map(Map::values_mut);
        let headers = headers.filter_map(|answer| answer.get_mut("headers")?.as_object_mut()).flatten();
        headers.map(|(name, header)| (name.clone(), header)).collect()
    })
}

/// Of what `within` finds in an operation: what has one meaning and is there more than once.
fn take(
    kind: &str,
    paths: &mut Map<String, Value>,
    within: impl Fn(&mut Value) -> Vec<(String, &mut Value)>,
) -> Map<String, Value> {
    let mut found = BTreeMap::<String, Vec<&mut Value>>::new();
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        for (name, described) in within(operation) {
            found.entry(name).or_default().push(described);
        }
    }
    let mut components = Map::new();
    for (name, uses) in found.into_iter().filter(|(name, uses)| is_key(name) && is_one(uses)) {
        let reference = json!({ "$ref": format!("#/components/{kind}/{name}") });
        for described in uses {
            components.insert(name.clone(), std::mem::replace(described, reference.clone()));
        }
    }
    components
}

/// Whether it is said more than once, and always alike.
fn is_one(uses: &[&mut Value]) -> bool {
    uses.len() > 1 && uses.windows(2).all(|pair| pair[0] == pair[1])
}

/// What OpenAPI allows for the name of a component.
fn is_key(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
}

/// Puts what is referred to under `components` in place of what refers to it, at any depth; but schemas.
///
/// # Panics
/// When it is not there.
pub(super) fn put_back(value: &mut Value, components: &Value) {
    let kinds = ["responses", "parameters", "headers"];
    let reference = value.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix("#/components/"));
    let part = reference.and_then(|at| at.split_once('/')).filter(|(kind, _)| kinds.contains(kind));
    if let Some((kind, name)) = part {
        let described = components[kind].get(name);
        *value = described.unwrap_or_else(|| panic!("there are no {kind} called {name}")).clone();
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| put_back(value, components)),
        Value::Array(items) => items.iter_mut().for_each(|value| put_back(value, components)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(parameters: [Value; 2]) -> Map<String, Value> {
        let [one, other] = parameters.map(|parameter| json!({ "get": { "parameters": [parameter] } }));
        [("/one".to_owned(), one), ("/other".to_owned(), other)].into_iter().collect()
    }

    fn named(name: &str, text: &str) -> Value {
        json!({ "in": "query", "name": name, "description": text })
    }

    #[test]
    fn what_means_the_same_everywhere_is_described_once() {
        let mut paths = paths([named("cursor", "Where to go on"), named("cursor", "Where to go on")]);
        let components = parameters(&mut paths);
        assert_eq!(components["query-cursor"], named("cursor", "Where to go on"));
        for path in ["/one", "/other"] {
            let reference = &paths[path]["get"]["parameters"][0]["$ref"];
            assert_eq!(reference, "#/components/parameters/query-cursor");
        }
        let mut whole = Value::from(paths);
        put_back(&mut whole, &json!({ "parameters": components }));
        assert_eq!(whole["/other"]["get"]["parameters"][0], named("cursor", "Where to go on"));
    }

    #[test]
    fn what_means_something_else_elsewhere_or_cannot_be_a_key_stays_where_it_is() {
        for [one, other] in [
            [named("sort", "By name"), named("sort", "By time")],
            [named("at[from]", "From"), named("at[from]", "From")],
            [named("one", "Once"), named("other", "Once")],
        ] {
            let mut paths = paths([one.clone(), other]);
            assert!(parameters(&mut paths).is_empty());
            assert_eq!(paths["/one"]["get"]["parameters"][0], one);
        }
    }
}
