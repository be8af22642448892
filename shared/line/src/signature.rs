//! `X-Line-Signature`: base64(HMAC-SHA256(channel secret, raw body)). Verified over the bytes as
//! received, before anything is parsed.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The header that carries the signature; LINE varies its case.
pub const HEADER: &str = "x-line-signature";

/// Whether `header` is the signature of `body` under the channel's `secret`. Compares in constant
/// time; anything that is not base64 of 32 bytes is simply not a signature.
#[must_use]
pub fn verify(secret: &[u8], body: &[u8], header: &str) -> bool {
    let Ok(claimed) = STANDARD.decode(header.as_bytes()) else {
        return false;
    };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), body, &claimed).is_ok()
}

/// The signature of `body` under `secret`, as LINE puts it into the header.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signature_is_base64_of_hmac_sha256() {
        // RFC 4231, test case 2, in base64.
        let expected = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert_eq!(sign(b"Jefe", b"what do ya want for nothing?"), expected);
        assert!(verify(b"Jefe", b"what do ya want for nothing?", expected));
    }

    proptest! {
        #[test]
        fn a_changed_byte_in_body_secret_or_signature_is_refused(
            body in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            let header = sign(b"secret", &body);
            prop_assert!(verify(b"secret", &body, &header));
            let mut other = body.clone();
            other[at.index(body.len())] ^= 1 << bit;
            prop_assert!(!verify(b"secret", &other, &header));
            prop_assert!(!verify(b"Secret", &body, &header));
            let mut raw = STANDARD.decode(&header).unwrap();
            raw[at.index(32)] ^= 1 << bit;
            prop_assert!(!verify(b"secret", &body, &STANDARD.encode(raw)));
        }

        #[test]
        fn garbage_in_the_header_never_panics(header in "\\PC{0,80}") {
            prop_assert!(!verify(b"secret", b"body", &header));
        }
    }
}
