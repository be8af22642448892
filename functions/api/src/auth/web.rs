//! Asking issuers elsewhere: HTTPS with Mozilla's roots, no redirects, little patience, and no more of an
//! answer than a document of keys has.

use std::time::Duration;

use matome_line::client::tls;
use reqwest::{RequestBuilder, StatusCode};
use url::{Host, Url};

/// Key documents of large issuers have a few kilobytes.
const MAX_ANSWER: usize = 256 * 1024;

/// Why an issuer did not help.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// No answer, or not in time. Without the URL, which may carry what is being verified.
    #[error("the issuer cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that is too long.
    #[error("the issuer's answer is too long")]
    TooLong,
    /// An answer that is not what was asked for.
    #[error("the issuer answered {0}")]
    Status(StatusCode),
    /// Something else than JSON of the expected form.
    #[error("the issuer's answer is not the expected JSON")]
    Form(#[source] serde_json::Error),
}

/// The client of one process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Web(reqwest::Client);

impl Web {
    /// A client; connects to nobody yet.
    ///
    /// # Errors
    /// [`WebError::Setup`].
    pub fn new() -> Result<Self, WebError> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(8))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("matome/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls());
        client.build().map(Self).map_err(WebError::Setup)
    }

    /// `GET`.
    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.0.get(url)
    }

    /// `POST`.
    pub(super) fn post(&self, url: &str) -> RequestBuilder {
        self.0.post(url)
    }
}

/// Sends a request and returns status and body.
pub(super) async fn answer(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), WebError> {
    let unreachable = |error: reqwest::Error| WebError::Unreachable(error.without_url());
    let mut answer = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(WebError::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok((answer.status(), body))
}

/// Whether secrets may be believed that come from there: HTTPS, or this machine itself (for tests and the
/// local stack).
pub(super) fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let safe = |url: &str| is_safe(&url.parse().unwrap());
        for url in ["https://a.example", "http://127.0.0.1:1", "http://[::1]/", "http://localhost:8080/x"] {
            assert!(safe(url), "{url}");
        }
        for url in [
            "http://a.example",
            "http://127.0.0.1.a.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "file:///x",
        ] {
            assert!(!safe(url), "{url}");
        }
    }
}
