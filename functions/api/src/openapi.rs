//! The OpenAPI 3.1 file, made of the routes' rules and types. It is committed (`functions/api/openapi.json`)
//! and served as it was committed; a test makes it anew and wants the same.

use std::collections::BTreeSet;

use matome_store::entities::{
    Account, AccountAuditEntry, ApiKey, AuditEntry, Channel, Device, Invitation, IpRule, LoginSession,
    Member, Message, Operation as TenantOperation, Organization, Owner, Room, RoomMember, SecurityPolicy,
    Session, Summary, User,
};
use matome_store::exposed::{Examples, Exposed};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::crud::Sparse;
use crate::guard::{Access, Rule};
use crate::http::documented::{Operation, header_parameter, parameter};
use crate::http::problem::{Code, MEDIA_TYPE, ProblemBody};
use crate::routes::{self, Route};

/// As committed.
pub const COMMITTED: &str = include_str!("../openapi.json");

const DESCRIPTION: &str = include_str!("../openapi.md");

/// Makes the file from the routes.
///
/// # Panics
/// When two routes have one operation id or one path and method.
#[must_use]
pub fn generate() -> String {
    of(&routes::all())
}

/// The same of other routes than all there are: for the test that shows what an entity's declaration alone
/// gives.
///
/// # Panics
/// As [`generate`].
#[doc(hidden)]
#[must_use]
pub fn of(routes: &[Route]) -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = SchemaGenerator::new(settings);
    let (mut paths, mut tags, mut ids) = (Map::new(), Vec::new(), BTreeSet::new());
    for route in routes {
        let rule = route.rule();
        assert!(ids.insert(rule.id.to_string()), "two operations are called {}", rule.id);
        if !tags.contains(&rule.tag) {
            tags.push(rule.tag);
        }
        let operation = operation(&mut schemas, route);
        let item = paths.entry(format!("/v1{}", rule.path)).or_insert_with(|| json!({}));
        let method = rule.method.as_str().to_ascii_lowercase();
        assert!(item.get(&method).is_none(), "{method} {} is there twice", rule.path);
        item[method] = operation;
    }
    let mut definitions: Map<String, Value> = schemas.take_definitions(true);
    declared_examples(&mut definitions);
    definitions.sort_keys();
    let mut api = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Matome", "version": "1", "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "Where this file comes from" }],
        "tags": tags.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "accessToken": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The access token of a login",
                },
                "apiKey": { "type": "http", "scheme": "bearer", "description": "An API key of the organization" },
            },
        },
    });
    with_examples(&mut api);
    let mut text = serde_json::to_string_pretty(&api).expect("JSON is text");
    text.push('\n');
    text
}

fn operation(schemas: &mut SchemaGenerator, route: &Route) -> Value {
    let rule = route.rule();
    let Operation { parameters: taken, body, mut responses } = route.documented(schemas);
    let mut parameters: Vec<Value> = rule.path_names().map(path_parameter).collect();
    parameters.extend(taken);
    if rule.is_replayed() && rule.access != Access::Public {
        let text = "Any text of 1 to 255 characters. The same key with the same request within 24 hours is answered as \
                    the first one was, and nothing is done twice.";
        parameters.push(header_parameter("Idempotency-Key", text));
    }
    let has_version = parameters.iter().any(|parameter| parameter["name"] == "If-Match");
    for code in refusals(rule, body.is_some(), has_version) {
        responses.entry(code.status().as_u16()).or_insert_with(|| {
            let schema = schemas.subschema_for::<ProblemBody>();
            json!({ "description": format!("{}.", code.title()), "content": { MEDIA_TYPE: { "schema": schema } } })
        });
    }
    let responses: Map<String, Value> =
        responses.into_iter().map(|(status, r)| (status.to_string(), r)).collect();
    let security: Vec<Value> = security(rule.access).iter().map(|scheme| json!({ *scheme: [] })).collect();
    let mut operation = json!({
        "operationId": rule.id, "tags": [rule.tag], "summary": rule.summary, "security": security,
        "parameters": parameters, "responses": responses,
    });
    if let Some(description) = description(rule) {
        operation["description"] = description.into();
    }
    if let Some(body) = body {
        operation["requestBody"] = body;
    }
    operation
}

fn description(rule: &Rule) -> Option<String> {
    let permission = match rule.access {
        Access::Tenant(permission) => format!("Needs the permission `{permission}`."),
        Access::Room(permission) => format!("Needs the permission `{permission}` in the room."),
        Access::Platform(permission) => format!("For who runs the platform (`{permission}`)."),
        Access::Account => "For whoever is signed in; not for API keys.".to_owned(),
        Access::Public => String::new(),
    };
    let text: Vec<&str> =
        [rule.description.as_ref(), &permission].into_iter().filter(|part| !part.is_empty()).collect();
    (!text.is_empty()).then(|| text.join("\n\n"))
}

fn security(access: Access) -> &'static [&'static str] {
    match access {
        Access::Public => &[],
        Access::Account | Access::Platform(_) => &["accessToken"],
        Access::Tenant(_) | Access::Room(_) => &["accessToken", "apiKey"],
    }
}

/// The refusals that the guard and the extractors may give, by what the rule and the operation say.
fn refusals(rule: &Rule, has_body: bool, has_version: bool) -> Vec<Code> {
    let mut codes = vec![
        Code::MalformedRequest,
        Code::NotFound,
        Code::RateLimited,
        Code::Internal,
        Code::Unavailable,
        Code::TimedOut,
    ];
    if rule.access == Access::Public && rule.changes() {
        codes.extend([Code::LoginFailed, Code::PermissionDenied]);
    } else if rule.access != Access::Public {
        codes.extend([Code::Unauthenticated, Code::PermissionDenied]);
    }
    if rule.changes() {
        codes.extend([Code::Conflict, Code::TooLarge, Code::InvalidField]);
    }
    if has_body {
        codes.push(Code::UnsupportedMediaType);
    }
    if has_version {
        codes.push(Code::VersionMismatch);
    }
    codes
}

fn path_parameter(name: &str) -> Value {
    let (text, pattern) = match name {
        "organizationId" => ("The organization: the tenant.".to_owned(), "^[0-9a-f]{24}$"),
        "channelId" => ("The channel, as LINE calls it.".to_owned(), "^[A-Za-z0-9_-]{1,40}$"),
        "provider" => ("A provider of identities, by its configured name.".to_owned(), "^[a-z0-9-]{1,40}$"),
        _ => (format!("The id of the {}.", name.strip_suffix("Id").unwrap_or(name)), "^[0-9a-f]{24}$"),
    };
    parameter("path", name, &text, true, &json!({ "type": "string", "pattern": pattern }))
}

/// The examples that entities declare, for the schemas of what is shown, made and changed of them.
fn declared_examples(definitions: &mut Map<String, Value>) {
    macro_rules! of {
        ($($entity:ident)*) => { $(of_entity::<$entity>(definitions);)* };
    }
    of! {
        Account AccountAuditEntry ApiKey AuditEntry Channel Device Invitation IpRule LoginSession Member Message
        TenantOperation Organization Owner Room RoomMember SecurityPolicy Session Summary User
    }
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
fn with_examples(api: &mut Value) {
    let schemas = api["components"]["schemas"].clone();
    let Some(paths) = api["paths"].as_object_mut() else { return };
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
                if let Some(example) = example(&media["schema"], &schemas, 0) {
                    media["example"] = example;
                }
            }
        }
    }
}

/// A schema's own example, or one put together of its parts'.
fn example(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    if let Some(example) = schema["examples"].get(0) {
        return Some(example.clone());
    }
    if depth > 8 {
        return None;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.strip_prefix("#/components/schemas/")) {
        return example(&schemas[name], schemas, depth + 1);
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
    let mut object = serde_json::Map::new();
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
