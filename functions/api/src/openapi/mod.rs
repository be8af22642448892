//! The OpenAPI 3.1 file, made of the routes' rules and types. It is committed (`functions/api/openapi.json`)
//! and served as it was committed; a test makes it anew and wants the same.

mod examples;
mod problems;
mod shared;

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::guard::{Access, Rule};
use crate::http::documented::{Operation, header_parameter, parameter};
use crate::http::problem::Code;
use crate::routes::{self, Route};
use problems::Problems;

/// As committed.
pub const COMMITTED: &str = include_str!("../../openapi.json");

const DESCRIPTION: &str = include_str!("../../openapi.md");

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
    let mut problems = Problems::default();
    let (mut paths, mut tags, mut ids) = (Map::new(), Vec::new(), BTreeSet::new());
    for route in routes {
        let rule = route.rule();
        assert!(ids.insert(rule.id.to_string()), "two operations are called {}", rule.id);
        if !tags.contains(&rule.tag) {
            tags.push(rule.tag.clone());
        }
        let operation = operation(&mut schemas, &mut problems, route);
        let item = paths.entry(format!("/v1{}", rule.path)).or_insert_with(|| json!({}));
        let method = rule.method.as_str().to_ascii_lowercase();
        assert!(item.get(&method).is_none(), "{method} {} is there twice", rule.path);
        item[method] = operation;
    }
    let mut definitions: Map<String, Value> = schemas.take_definitions(true);
    examples::declared(&mut definitions);
    definitions.sort_keys();
    examples::beside_bodies(&mut paths, &definitions);
    let parameters = shared::parameters(&mut paths);
    let headers = shared::headers(&mut paths);
    let api = json!({
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
            "responses": problems.responses(),
            "parameters": parameters,
            "headers": headers,
            "securitySchemes": {
                "accessToken": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The access token of a login",
                },
                "apiKey": { "type": "http", "scheme": "bearer", "description": "An API key of the organization" },
            },
        },
    });
    let mut text = serde_json::to_string_pretty(&api).expect("JSON is text");
    text.push('\n');
    text
}

/// A file as data, with what operations refer to in its place, but for schemas: for whoever walks over
/// operations.
///
/// # Panics
/// When it is no file of [`of`]'s.
#[doc(hidden)]
#[must_use]
pub fn whole(file: &str) -> Value {
    let mut api: Value = serde_json::from_str(file).expect("the file is JSON");
    let components = api["components"].clone();
    shared::put_back(&mut api["paths"], &components);
    api
}

fn operation(schemas: &mut SchemaGenerator, problems: &mut Problems, route: &Route) -> Value {
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
        responses.entry(code.status().as_u16()).or_insert_with(|| problems.refer_to(code, schemas));
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
