//! A request to the API, and what was answered.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::Value;
use tower::ServiceExt;

use crate::world::{Person, World};

/// Where every request comes from unless a test says otherwise (TEST-NET-1).
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// JSON, or null when the body is none.
    pub body: Value,
    /// From the request to the last byte of the answer.
    pub took: Duration,
}

impl Reply {
    /// A problem's code; empty when there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, when all went well.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }
}

/// A request in the making.
#[must_use]
pub struct Call<'a> {
    world: &'a World,
    method: Method,
    path: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    address: IpAddr,
}

impl Call<'_> {
    /// With somebody's access token.
    pub fn by(self, person: &Person) -> Self {
        self.with_token(&person.token)
    }

    /// With an access token or a key.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body as it stands, of no type.
    pub fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// A body of JSON.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self.header("content-type", "application/json")
    }

    /// From another address than [`ADDRESS`].
    pub fn from(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Sends it, as API Gateway would.
    ///
    /// # Panics
    /// When it is no request.
    pub async fn send(self) -> Reply {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body.unwrap_or_default())).expect("a request");
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(self.address.to_string());
        let request = request.with_request_context(RequestContext::ApiGatewayV2(context));
        let router = self.world.router.clone();
        let begin = Instant::now();
        let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let took = begin.elapsed();
        if !parts.status.is_success() {
            let text = format!("{:?} {}", parts.headers, String::from_utf8_lossy(&body));
            self.world.refusals.lock().expect("nobody panicked").push(text);
        }
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, body, took }
    }
}

impl World {
    /// A GET request.
    pub fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A POST request.
    pub fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A PATCH request.
    pub fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    /// A PUT request.
    pub fn put(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    /// A DELETE request.
    pub fn delete(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// Any method, by its name.
    ///
    /// # Panics
    /// When it is none.
    pub fn request(&self, method: &str, path: impl Into<String>) -> Call<'_> {
        self.call(method.parse().expect("a method"), path)
    }

    /// Any method.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        let (token, headers, body) = (None, Vec::new(), None);
        Call { world: self, method, path: path.into(), token, headers, body, address: ADDRESS }
    }
}
