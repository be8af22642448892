//! What is answered when all went well: the status says what happened.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::json;

use crate::http::documented::{Gives, Operation, content, headers};
use crate::http::etag;
use crate::http::problem::Problem;

/// 200 with a body.
#[derive(Debug, Clone)]
pub struct Ok200<T>(pub T);

/// 200 with a document and its version.
#[derive(Debug, Clone)]
pub struct Shown<T> {
    /// The document.
    pub document: T,
    /// Its version, for the ETag.
    pub version: i64,
}

/// 201 with what was made, its version and where it is.
#[derive(Debug, Clone)]
pub struct Created<T> {
    /// Where: a path such as `/v1/organizations/…/rooms/…`.
    pub location: String,
    /// The document.
    pub document: T,
    /// Its version, for the ETag.
    pub version: i64,
}

/// 202: it was taken and will be done.
#[derive(Debug, Clone)]
pub struct Accepted<T>(pub T);

/// 204.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let mut response = (status, body).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(error) => Problem::internal(error).into_response(),
    }
}

impl<T: Serialize> IntoResponse for Ok200<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::OK, &self.document);
        response.headers_mut().insert(header::ETAG, etag::of(self.version));
        response
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let Ok(location) = HeaderValue::from_str(&self.location) else {
            return Problem::internal("a path that is no header value").into_response();
        };
        let mut response = json(StatusCode::CREATED, &self.document);
        response.headers_mut().insert(header::ETAG, etag::of(self.version));
        response.headers_mut().insert(header::LOCATION, location);
        response
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        json(StatusCode::ACCEPTED, &self.0)
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

macro_rules! gives {
    ($name:ident, $status:literal, $description:literal, $headers:expr) => {
        impl<T: JsonSchema> Gives for $name<T> {
            fn document(schemas: &mut SchemaGenerator, operation: &mut Operation) {
                let content = content::<T>(schemas, "application/json");
                let response =
                    json!({ "description": $description, "headers": headers($headers), "content": content });
                operation.responses.insert($status, response);
            }
        }
    };
}

const ETAG: (&str, &str) = ("ETag", "The version: send it as `If-Match` with a change.");

gives!(Ok200, 200, "As asked.", &[]);
gives!(Shown, 200, "The document.", &[ETAG]);
gives!(Created, 201, "Made.", &[ETAG, ("Location", "Where it is.")]);
gives!(Accepted, 202, "Taken; it will be done.", &[]);

impl Gives for NoContent {
    fn document(_: &mut SchemaGenerator, operation: &mut Operation) {
        operation.responses.insert(204, json!({ "description": "Done." }));
    }
}
