//! An answer as it is kept: a line of JSON with status and headers, then the body as it is, so that
//! JSON in it is not escaped and grows no further.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What an HTTP request was answered with.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that are worth repeating (`content-type`, `location`, `etag`), not those of one
    /// connection or moment.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// Neither bodies nor headers are for logs.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// Whether the body is in base64, because it is no text.
    base64: bool,
}

impl Answer {
    /// Bytes of head and body together that are kept. An item of DynamoDB has 400 KB; sealing makes four of
    /// three, and some is for the rest of the item.
    pub const LARGEST: usize = 300_000;

    /// Whether the same request would be answered so again: not after a failure of ours (5xx), nor when the
    /// moment was wrong (408, 409, 429).
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.status < 500 && ![408, 409, 429].contains(&self.status)
    }

    /// `None` when it is too large.
    pub(super) fn to_text(&self) -> Option<Zeroizing<String>> {
        if self.body.len() > Self::LARGEST {
            return None;
        }
        let plain = std::str::from_utf8(&self.body).ok();
        let head = Head { status: self.status, headers: self.headers.clone(), base64: plain.is_none() };
        let mut text = serde_json::to_string(&head).expect("numbers and strings are always JSON");
        text.push('\n');
        match plain {
            Some(body) => text.push_str(body),
            None => STANDARD.encode_string(&self.body, &mut text),
        }
        let text = Zeroizing::new(text);
        (text.len() <= Self::LARGEST).then_some(text)
    }

    /// `None` when it is not what [`Answer::to_text`] makes.
    pub(super) fn from_text(text: &SecretString) -> Option<Self> {
        let (head, body) = text.expose_secret().split_once('\n')?;
        let Head { status, headers, base64 } = serde_json::from_str(head).ok()?;
        let body = if base64 { STANDARD.decode(body).ok()? } else { body.as_bytes().to_vec() };
        Some(Self { status, headers, body: body.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_back_whatever_its_body_is() {
        for body in ["", "{\"a\":\"日本\\n\"}", "two\nlines\n"]
            .map(Bytes::from)
            .into_iter()
            .chain([Bytes::from_static(&[0xff, 0, b'\n'])])
        {
            let headers = vec![("location".to_owned(), "/v1/a\nb".to_owned())];
            let answer = Answer { status: 201, headers, body };
            let text = answer.to_text().unwrap();
            assert_eq!(Answer::from_text(&SecretString::from(text.as_str())), Some(answer));
        }
        assert_eq!(Answer::from_text(&SecretString::from("{}")), None);
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let of = |size| Answer { status: 200, headers: Vec::new(), body: Bytes::from(vec![b'x'; size]) };
        assert!(of(Answer::LARGEST - 100).to_text().is_some());
        assert!(of(Answer::LARGEST).to_text().is_none());
        assert!(of(Answer::LARGEST + 1).to_text().is_none());
        let binary = Answer { body: Bytes::from(vec![0xff; Answer::LARGEST - 100]), ..of(0) };
        assert!(binary.to_text().is_none());
    }

    #[test]
    fn answers_that_may_change_are_not_final() {
        let is_final = |status| Answer { status, headers: Vec::new(), body: Bytes::new() }.is_final();
        assert_eq!([200, 201, 204, 303, 400, 404, 412, 422].map(is_final), [true; 8],);
        assert_eq!([408, 409, 429, 500, 502, 503, 504].map(is_final), [false; 7]);
    }
}
