//! The committed OpenAPI file.

use std::collections::BTreeSet;

use jsonschema::Validator;
use matome_api::http::problem;
use matome_api::openapi;
use serde_json::Value;

/// Made anew by `cargo xtask openapi`.
#[test]
fn the_committed_file_is_what_the_routes_say() {
    assert!(
        openapi::generate() == openapi::COMMITTED,
        "functions/api/openapi.json is not what the routes say: run cargo xtask openapi"
    );
}

fn file() -> Value {
    openapi::whole(&openapi::generate())
}

/// Calls `look` with every operation's path and what is said of it.
fn each_operation(file: &Value, mut look: impl FnMut(&str, &Value)) {
    for (path, item) in file["paths"].as_object().unwrap() {
        item.as_object().unwrap().values().for_each(|operation| look(path, operation));
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_a_group_a_line_and_its_path_in_full() {
    let file = file();
    let tags: BTreeSet<&str> =
        file["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    each_operation(&file, |path, operation| {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id} says nothing");
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(!tag.is_empty() && tags.contains(tag), "{id} is in no group");
        let parameters = operation["parameters"].as_array().unwrap();
        let declared: Vec<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(declared, named.collect::<Vec<_>>(), "{id}");
        let all: BTreeSet<_> =
            parameters.iter().map(|p| (p["in"].to_string(), p["name"].to_string())).collect();
        assert_eq!(all.len(), parameters.len(), "{id} has a parameter twice");
        for parameter in parameters {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{id}: {} is not described", parameter["name"]);
        }
        assert!(ids.insert(id.clone()), "two operations are called {id}");
    });
    assert!(ids.len() > 5, "there are operations");
}

/// Objects of a schema with named fields that take others as well.
fn loose(
    file: &Value,
    schema: &Value,
    name: &str,
    seen: &mut BTreeSet<String>,
    found: &mut BTreeSet<String>,
) {
    match schema {
        Value::Object(fields) => {
            if let Some(other) =
                schema["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/schemas/"))
            {
                if seen.insert(other.to_owned()) {
                    loose(file, &file["components"]["schemas"][other], other, seen, found);
                }
                return;
            }
            if fields.contains_key("properties") && schema["additionalProperties"] != false {
                found.insert(name.to_owned());
            }
            fields.values().for_each(|part| loose(file, part, name, seen, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| loose(file, part, name, seen, found)),
        _ => {}
    }
}

#[test]
fn what_is_unknown_is_refused_in_every_object_of_every_body() {
    let file = file();
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    each_operation(&file, |_, operation| {
        let id = operation["operationId"].as_str().unwrap();
        for media in operation["requestBody"]["content"].as_object().into_iter().flat_map(|all| all.values())
        {
            loose(&file, &media["schema"], id, &mut seen, &mut found);
        }
    });
    assert!(seen.len() > 30, "bodies have schemas");
    assert_eq!(found, BTreeSet::new());
}

/// A schema that may refer to the components of the file.
fn validator(file: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = file["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a JSON Schema")
}

#[test]
fn every_body_and_every_answer_has_an_example_that_is_what_its_schema_says() {
    let file = file();
    let (mut checked, mut wrong) = (0, Vec::new());
    each_operation(&file, |_, operation| {
        let id = operation["operationId"].as_str().unwrap();
        let answers = operation["responses"].as_object().unwrap().iter();
        let bodies = answers.map(|(status, answer)| (status.as_str(), &answer["content"]));
        for (what, content) in bodies.chain([("body", &operation["requestBody"]["content"])]) {
            for (media_type, media) in content.as_object().into_iter().flatten() {
                if !media_type.ends_with("json") {
                    continue;
                }
                checked += 1;
                let Some(example) = media.get("example") else {
                    wrong.push(format!("{id}, {what}: there is no example"));
                    continue;
                };
                let validator = validator(&file, &media["schema"]);
                let errors = validator.iter_errors(example);
                wrong.extend(errors.map(|error| format!("{id}, {what}: {} {error}", error.instance_path())));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 20, "there are bodies");
}

#[test]
fn an_example_that_is_not_what_its_schema_says_is_found() {
    let file = file();
    let problem = serde_json::json!({ "$ref": "#/components/schemas/Problem" });
    let validator = validator(&file, &problem);
    assert!(validator.iter_errors(&serde_json::json!({ "status": "none" })).count() > 0);
}

/// Or the file is as large as what it repeats: two megabytes once.
#[test]
fn every_refusal_is_described_once_with_an_example_of_its_own() {
    let made = openapi::generate();
    let file: Value = serde_json::from_str(&made).unwrap();
    let mut used = BTreeSet::new();
    each_operation(&file, |path, operation| {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let name = answer["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/responses/"));
            assert_eq!(name.is_some(), status.starts_with(['4', '5']), "{path}: {status}");
            if let Some(name) = name {
                let example =
                    &file["components"]["responses"][name]["content"][problem::MEDIA_TYPE]["example"];
                assert_eq!(example["code"], name);
                assert_eq!(example["status"].to_string(), *status);
                used.insert(name.to_owned());
            }
        }
    });
    let described: BTreeSet<String> =
        file["components"]["responses"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, used, "what is described is used");
    assert!(made.len() < 1_200_000, "it has {} bytes: what repeats itself?", made.len());
}
