//! What API Gateway's HTTP API sends (payload format 2.0), as far as it is needed.
//! Not `aws_lambda_events`' type: that refuses an event with an odd header as a whole, which would
//! be a failed invocation where a 401 is due; and it would read forty fields to use five.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matome_domain::ids::ChannelId;
use serde::Deserialize;

use crate::response::Problem;

/// The largest body taken, in bytes: what fits into a message of SQS. LINE's own bodies are far
/// smaller (texts end at 5,000 characters, and a request holds a few events).
pub const MAX_BODY: usize = 1_048_576;

/// LINE writes it so; gateways may change the case.
const SIGNATURE_HEADER: &str = "x-line-signature";

/// One HTTP request.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// `{"channelId": …}` for the route `POST /line/{channelId}`.
    pub path_parameters: Option<HashMap<String, String>>,
    /// The path as it was asked for.
    pub raw_path: Option<String>,
    /// Headers; HTTP API sends the names in lower case and joins repeated ones with commas.
    pub headers: Option<HashMap<String, String>>,
    /// The body, as text or as base64.
    pub body: Option<String>,
    /// Which of the two.
    pub is_base64_encoded: bool,
}

impl Request {
    /// The channel that the path names; `None` when it names none that could exist.
    #[must_use]
    pub fn channel_id(&self) -> Option<ChannelId> {
        let parameter = self.path_parameters.as_ref().and_then(|p| p.get("channelId")).map(String::as_str);
        let from_path = || {
            let mut parts = self.raw_path.as_deref()?.trim_end_matches('/').rsplit('/');
            let id = parts.next()?;
            // The stage may stand before it.
            (parts.next()? == "line").then_some(id)
        };
        ChannelId::new(parameter.or_else(from_path)?).ok()
    }

    /// The signature header, whatever its case.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        let mut headers = self.headers.iter().flatten();
        headers.find(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE_HEADER)).map(|(_, value)| value.as_str())
    }

    /// The body's bytes as LINE sent them.
    ///
    /// # Errors
    /// [`Problem::TooLarge`] over [`MAX_BODY`], [`Problem::NotBase64`].
    pub fn raw_body(&self) -> Result<Cow<'_, [u8]>, Problem> {
        let body = self.body.as_deref().unwrap_or_default();
        let bytes = if self.is_base64_encoded {
            // Four characters carry three bytes; refused before it is unpacked.
            if body.len() / 4 * 3 > MAX_BODY + 3 {
                return Err(Problem::TooLarge);
            }
            Cow::Owned(STANDARD.decode(body).map_err(|_| Problem::NotBase64)?)
        } else {
            Cow::Borrowed(body.as_bytes())
        };
        if bytes.len() > MAX_BODY { Err(Problem::TooLarge) } else { Ok(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(parameter: Option<&str>, path: Option<&str>) -> Option<String> {
        let path_parameters = parameter.map(|p| HashMap::from([("channelId".to_owned(), p.to_owned())]));
        let request =
            Request { path_parameters, raw_path: path.map(ToOwned::to_owned), ..Request::default() };
        request.channel_id().map(|id| id.to_string())
    }

    #[test]
    fn the_channel_comes_from_the_parameter_or_the_path() {
        assert_eq!(at(Some("165"), None).as_deref(), Some("165"));
        assert_eq!(at(None, Some("/line/165")).as_deref(), Some("165"));
        assert_eq!(at(None, Some("/prod/line/165/")).as_deref(), Some("165"));
        for (parameter, path) in [
            (None, None),
            (None, Some("/165")),
            (None, Some("/line/")),
            (Some("a/../b"), None),
            (Some(""), None),
        ] {
            assert_eq!(at(parameter, path), None, "{parameter:?} {path:?}");
        }
    }

    #[test]
    fn the_limit_is_on_the_bytes_not_on_their_encoding() {
        let request = |bytes: usize, is_base64_encoded: bool| {
            let body = vec![b'x'; bytes];
            let text =
                if is_base64_encoded { STANDARD.encode(&body) } else { String::from_utf8(body).unwrap() };
            Request { body: Some(text), is_base64_encoded, ..Request::default() }
        };
        for encoded in [false, true] {
            assert_eq!(request(MAX_BODY, encoded).raw_body().unwrap().len(), MAX_BODY);
            assert_eq!(request(MAX_BODY + 1, encoded).raw_body().unwrap_err(), Problem::TooLarge);
            assert_eq!(request(MAX_BODY * 2, encoded).raw_body().unwrap_err(), Problem::TooLarge);
        }
    }

    #[test]
    fn odd_headers_do_not_hinder_reading() {
        let event = r#"{"headers":{"X-Odd":"\u0000é","bad name":"x","X-LINE-Signature":"s"},"body":null}"#;
        let request: Request = serde_json::from_str(event).unwrap();
        assert_eq!(request.signature(), Some("s"));
        assert!(request.raw_body().unwrap().is_empty());
    }
}
