//! `X-Line-Signature` as LINE makes it: base64(HMAC-SHA256(channel secret, raw body)). Matome's own
//! check is `matome_runtime::line_signature`; this one is apart from it on purpose, so that a mistake
//! there is not made here as well.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The header that carries the signature.
pub const HEADER: &str = "x-line-signature";

/// The signature of `body` under the channel's `secret`, as LINE puts it into the header.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_base64_of_hmac_sha256() {
        // RFC 4231, test case 2, in base64.
        let expected = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert_eq!(sign(b"Jefe", b"what do ya want for nothing?"), expected);
    }
}
