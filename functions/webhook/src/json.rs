//! Reading JSON that may hold half of a surrogate pair: a client that cuts a text in the middle of
//! an emoji makes `"\ud83d"`, which is JSON by its grammar (RFC 8259, 8.2) but no text. Such a
//! request must not be refused, for then its neighbours would be lost with it.

use std::borrow::Cow;

use serde_json::Value;

/// The body as JSON; a lone surrogate becomes U+FFFD. `None` when it is not JSON.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(value);
    }
    match without_lone_surrogates(body) {
        Cow::Borrowed(_) => None,
        Cow::Owned(body) => serde_json::from_slice(&body).ok(),
    }
}

fn without_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while at < json.len() {
        if json[at] != b'\\' {
            at += 1;
            continue;
        }
        match (unit(json, at), unit(json, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                out.extend_from_slice(&json[copied..at]);
                out.extend_from_slice(b"\\ufffd");
                at += 6;
                copied = at;
            }
            // Another escape, which may be of a backslash.
            _ => at += 2,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(&json[copied..]);
    Cow::Owned(out)
}

/// The UTF-16 unit that `\uXXXX` at this place stands for.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_becomes_a_replacement_character() {
        for (json, text) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00b""#, "\u{fffd}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
        ] {
            assert_eq!(read(json.as_bytes()), Some(Value::from(text)), "{json}");
        }
    }

    #[test]
    fn whole_pairs_stay_and_other_errors_stay_errors() {
        assert_eq!(read(br#""\ud83d\ude00""#), Some(Value::from("😀")));
        for bad in ["", "{", "\"\\ud83", "\"\\u+123\"", "\"\\ud83d", "\"\\"] {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(read(b"\"\xff\""), None);
    }
}
