//! Optimistic locking: a document's version is its ETag, and `If-Match` says which version is meant
//! (RFC 9110, 8.8.3 and 13.1.1).

use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::header::IF_MATCH;
use http::request::Parts;
use schemars::SchemaGenerator;

use crate::http::documented::{Operation, Takes, header_parameter};
use crate::http::problem::{Code, Problem};

/// The version a change is meant for; `None`: whatever is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

/// `"5"`.
#[must_use]
pub fn of(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits in quotes are a header's value")
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        read(value).map(Self)
    }
}

fn read(value: &HeaderValue) -> Result<Option<i64>, Problem> {
    let wrong = || Problem::new(Code::MalformedRequest, "If-Match must be one ETag as it was given, or *");
    let value = value.to_str().map_err(|_| wrong())?.trim();
    if value == "*" {
        return Ok(None);
    }
    let version = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let version = version.filter(|version| !version.contains('"')).ok_or_else(wrong)?;
    // An ETag of something else never fits.
    Ok(Some(version.parse().unwrap_or(-1)))
}

impl Takes for IfMatch {
    fn document(_: &mut SchemaGenerator, operation: &mut Operation) {
        let text = "The `ETag` of the version that is to be changed; 412 if it is another by now.";
        operation.parameters.push(header_parameter("If-Match", text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_read_as_it_was_given() {
        assert_eq!(read(&of(7)).unwrap(), Some(7));
        assert_eq!(read(&HeaderValue::from_static("*")).unwrap(), None);
        assert_eq!(read(&HeaderValue::from_static("\"abc\"")).unwrap(), Some(-1));
        for wrong in ["7", "W/\"7\"", "\"1\", \"2", "\"1\", \"2\"", ""] {
            assert_eq!(
                read(&HeaderValue::from_static(wrong)).unwrap_err().code,
                Code::MalformedRequest,
                "{wrong}"
            );
        }
    }
}
