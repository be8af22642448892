//! JSON in: read strictly, and every refusal names the field.

use axum::extract::{FromRequest, Request};
use garde::Validate;
use http::header::CONTENT_TYPE;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::http::documented::{Operation, Takes, content};
use crate::http::problem::{Code, FieldProblem, Problem};

/// A body of the type `T`, read and validated.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !media_type.is_some_and(is_json) {
            return Err(Problem::new(Code::UnsupportedMediaType, "Content-Type must be application/json"));
        }
        let body = axum::body::Bytes::from_request(request, state).await;
        let body =
            body.map_err(|error| Problem { cause: Some(error.into()), ..Code::MalformedRequest.into() })?;
        read(&body).map(Self)
    }
}

/// `application/json`, and what is JSON by its suffix, such as `application/merge-patch+json`.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads and validates a body.
///
/// # Errors
/// 400 when it is not JSON; 422 with the fields when it is, but not a `T`.
pub fn read<T: DeserializeOwned + Validate<Context = ()>>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return Problem::new(Code::MalformedRequest, format!("The body is not JSON: {}", place(&inner)));
        }
        let reason = reason(&inner);
        // "unknown field" is told of the object it is in.
        let named = inner.to_string().split('`').nth(1).map(str::to_owned);
        let is_about_a_name = reason.starts_with("unknown field") || reason.starts_with("missing field");
        let field = match named {
            Some(named) if is_about_a_name && (path == "." || path.is_empty()) => named,
            Some(named) if is_about_a_name && !path.ends_with(&named) => format!("{path}.{named}"),
            _ => path,
        };
        Problem::field(field, reason)
    })?;
    deserializer.end().map_err(|error| {
        Problem::new(Code::MalformedRequest, format!("There is more than one JSON value: {}", place(&error)))
    })?;
    value.validate().map_err(|report| {
        let wrong = |(path, error): &(garde::Path, garde::Error)| FieldProblem {
            field: camel_case(&path.to_string()),
            reason: error.message().to_owned(),
        };
        Problem::fields(report.iter().map(wrong).collect())
    })?;
    Ok(value)
}

/// garde names fields as Rust does; the client knows them as serde writes them.
fn camel_case(path: &str) -> String {
    let mut parts = path.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        let mut letters = part.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name + letters.as_str()
    })
}

fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// What serde says, without the place and without the value that was sent: "invalid type: string "x",
/// expected u64" says too much.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    // The last one: what was sent may have such words as well, what we expect has not.
    if let Some((kind, expected)) = text.rsplit_once(", expected ") {
        let kind = kind.split(':').next().unwrap_or_default();
        if kind.starts_with("unknown field") {
            return "unknown field".to_owned();
        }
        if kind.starts_with("unknown variant") {
            return format!("must be {expected}");
        }
        return format!("{kind}, expected {expected}");
    }
    if text.starts_with("missing field") {
        return "missing field".to_owned();
    }
    if text.starts_with("unknown field") {
        return "unknown field".to_owned();
    }
    text.to_owned()
}

impl<T: JsonSchema> Takes for Json<T> {
    fn document(schemas: &mut SchemaGenerator, operation: &mut Operation) {
        let content = content::<T>(schemas, "application/json");
        operation.body = Some(json!({ "required": true, "content": content }));
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Body {
        #[garde(length(min = 1, max = 5))]
        name: String,
        #[garde(dive)]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[garde(range(max = 10))]
        count: u8,
    }

    fn refused(body: &str) -> (Code, Vec<(String, String)>) {
        let problem = read::<Body>(body.as_bytes()).expect_err(body);
        (problem.code, problem.errors.into_iter().map(|e| (e.field, e.reason)).collect())
    }

    #[test]
    fn the_field_is_named_and_the_value_is_not_repeated() {
        for (body, field) in [
            (r#"{"name":"secret-value"}"#, "name"),
            (r#"{"name":5}"#, "name"),
            (r#"{}"#, "name"),
            (r#"{"name":"x","other":1}"#, "other"),
            (r#"{"name":"x","inner":{"count":11}}"#, "inner.count"),
            (r#"{"name":"x","inner":{"count":"secret-value"}}"#, "inner.count"),
            (r#"{"name":"x","inner":{"count":"x, expected secret-value"}}"#, "inner.count"),
            (r#"{"name":"x","inner":{"count":"secret-value at line 1 column 1"}}"#, "inner.count"),
            (r#"{"name":"x","inner":{"count":1,"z":2}}"#, "inner.z"),
        ] {
            let (code, errors) = refused(body);
            assert_eq!(code, Code::InvalidField, "{body}");
            assert_eq!(errors.iter().map(|e| e.0.as_str()).collect::<Vec<_>>(), [field], "{body}");
            assert!(!errors[0].1.contains("secret-value"), "{errors:?}");
        }
    }

    #[test]
    fn what_is_not_json_is_another_matter() {
        for body in ["", "{", "{\"name\":\"x\"} x", "\u{0}"] {
            assert_eq!(refused(body).0, Code::MalformedRequest, "{body}");
        }
    }

    #[test]
    fn json_is_known_by_its_media_type() {
        for yes in ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"] {
            assert!(is_json(yes), "{yes}");
        }
        for no in ["text/plain", "application/x-www-form-urlencoded", "", "json"] {
            assert!(!is_json(no), "{no}");
        }
    }
}
