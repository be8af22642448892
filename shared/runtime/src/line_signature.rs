//! LINE's webhook signature: `X-Line-Signature` = base64(HMAC-SHA256(channel secret, raw body)).
//! Here and not in `matome-line`, because the webhook function must not carry an HTTP client.
//! <https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/>

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whether `signature` (the header's text) is that of `body` under `channel_secret`. The comparison
/// takes the same time wherever the first difference is.
#[must_use]
pub fn verify(channel_secret: &str, body: &[u8], signature: &str) -> bool {
    let Ok(tag) = STANDARD.decode(signature) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, channel_secret.as_bytes());
    hmac::verify(&key, body, &tag).is_ok()
}

/// The signature of `body`, for tests.
#[cfg(any(test, feature = "test-support"))]
#[must_use]
pub fn sign(channel_secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, channel_secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl dgst -sha256 -hmac`, so that `sign` and `verify` cannot be wrong together.
    const SECRET: &str = "8c570fa6dd201bb328f1c1eac23a96d8";
    const BODY: &[u8] = br#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#;
    const SIGNATURE: &str = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=";

    #[test]
    fn a_known_signature_is_accepted() {
        assert!(verify(SECRET, BODY, SIGNATURE));
        assert_eq!(sign(SECRET, BODY), SIGNATURE);
    }

    #[test]
    fn anything_else_is_refused() {
        for signature in ["", "x", "====", &SIGNATURE[..43], &SIGNATURE.to_lowercase(), "署名"] {
            assert!(!verify(SECRET, BODY, signature), "{signature}");
        }
        assert!(!verify(SECRET, b"", SIGNATURE));
        assert!(!verify("", BODY, SIGNATURE));
        // The first bytes of a right tag are not a right tag.
        let prefix = STANDARD.encode(&STANDARD.decode(SIGNATURE).unwrap()[..16]);
        assert!(!verify(SECRET, BODY, &prefix));
    }
}
