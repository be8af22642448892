//! Keys as clients send them, and what is kept of them: nothing that they could be guessed from.

use aws_lc_rs::{digest, hmac};

use crate::ephemeral::Scope;

/// Characters of a key; Stripe's limit.
const LONGEST: usize = 255;

/// What a client sent as `Idempotency-Key`.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Idempotency-Key: must be 1 to 255 visible ASCII characters, with or without quotation marks")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// A header's value: a string as the draft has it (`"8e03978e-40d5"`, RFC 9651), or bare, as most
    /// clients send it. Both are the same key. Inside of quotation marks, `"` and `\` are refused.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn parse(header: &str) -> Result<Self, InvalidKey> {
        let header = header.trim_matches(' ');
        let key = match header.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').ok_or(InvalidKey)?,
            None => header,
        };
        let is_plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(is_plain) {
            return Err(InvalidKey);
        }
        Ok(Self(key.to_owned()))
    }

    /// `TENANT#{id}#IDEMPOTENCY#{SHA-256 of caller and key}`, `PLATFORM#IDEMPOTENCY#…`.
    pub(super) fn item(&self, scope: &Scope, caller: &str) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        parts(&[caller.as_bytes(), self.0.as_bytes()], |bytes| context.update(bytes));
        format!("{scope}IDEMPOTENCY#{}", hex(context.finish().as_ref()))
    }
}

impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey(..)")
    }
}

/// What a request asks for: equal for requests that are alike to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// An HMAC of method, target (path and query) and body, under the key: a body may hold a password, and
    /// a plain digest of it would be a way to try passwords.
    #[must_use]
    pub fn of(key: &IdempotencyKey, method: &str, target: &str, body: &[u8]) -> Self {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.0.as_bytes()));
        parts(&[method.as_bytes(), target.as_bytes(), body], |bytes| context.update(bytes));
        Self(hex(context.sign().as_ref()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Each behind its length, so that no two lists look the same.
fn parts(parts: &[&[u8]], mut update: impl FnMut(&[u8])) {
    for part in parts {
        update(&(part.len() as u64).to_be_bytes());
        update(part);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use matome_domain::ids::TenantId;

    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::parse(text).unwrap()
    }

    #[test]
    fn a_key_may_be_quoted_and_is_short_and_visible() {
        assert_eq!(key("8e03978e-40d5"), key(" \"8e03978e-40d5\" "));
        assert!(IdempotencyKey::parse(&"k".repeat(LONGEST)).is_ok());
        for bad in ["", "\"", "\"\"", "\"a", "a\"", "a b", "a\\b", "a\nb", "鍵", &"k".repeat(LONGEST + 1)] {
            assert_eq!(IdempotencyKey::parse(bad), Err(InvalidKey), "{bad}");
        }
    }

    #[test]
    fn items_differ_by_scope_caller_and_key_and_tell_neither() {
        let tenant = |id| Scope::Tenant(TenantId::new(id).unwrap());
        let item = key("secret-key").item(&tenant("t"), "caller");
        assert!(item.starts_with("TENANT#t#IDEMPOTENCY#") && !item.contains("secret"), "{item}");
        for other in [
            key("secret-key2").item(&tenant("t"), "caller"),
            key("secret-key").item(&tenant("t1"), "caller"),
            key("secret-key").item(&tenant("t"), "caller2"),
            key("ssecret-key").item(&tenant("t"), "caller"),
            key("2secret-key").item(&tenant("t"), "caller"),
            key("rsecret-key").item(&tenant("t"), "calle"),
            key("secret-key").item(&Scope::Platform, "caller"),
        ] {
            assert_ne!(item, other);
        }
        assert!(key("k").item(&Scope::Platform, "c").starts_with("PLATFORM#IDEMPOTENCY#"));
    }

    #[test]
    fn fingerprints_differ_by_all_that_is_asked_for() {
        let of = |method, target, body: &str| Fingerprint::of(&key("k"), method, target, body.as_bytes());
        let first = of("POST", "/v1/a", "{}");
        assert_eq!(first, of("POST", "/v1/a", "{}"));
        for other in [
            of("PUT", "/v1/a", "{}"),
            of("POST", "/v1/b", "{}"),
            of("POST", "/v1/a{", "}"),
            of("POST", "/v1/a", "{} "),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(first, Fingerprint::of(&key("l"), "POST", "/v1/a", b"{}"));
    }
}
