//! What is kept of a token instead of the token: its HMAC-SHA-256 under the platform's key, so that who
//! reads the database can neither use nor guess one. What a tag is for is part of what is hashed: a tag of
//! one kind never fits another kind.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Length of the platform's HMAC key in bytes.
pub const KEY_LEN: usize = 32;

/// What a tag is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Purpose {
    /// A refresh token of a login session.
    RefreshToken,
    /// An API key.
    ApiKey,
    /// Shows that a mail arrived at an address.
    VerifyEmail,
    /// Allows a new password without the old one.
    ResetPassword,
    /// Invites somebody into an organization.
    Invitation,
    /// A password was right, and the second factor is awaited.
    MfaChallenge,
    /// A recovery code of one account.
    RecoveryCode,
    /// A device, by what it says of itself.
    Device,
    /// An e-mail address whose attempts are counted.
    EmailQuota,
    /// An ID token that was taken.
    IdToken,
}

/// A stored tag: base64url, 43 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the stored one; takes the same time wherever the first difference is.
    #[must_use]
    pub fn is(&self, stored: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), stored.as_bytes()).is_ok()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// The platform's HMAC key; see [`super::vault`].
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Of the key's bytes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_LEN]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The tag of `value`, for one purpose.
    #[must_use]
    pub fn tag(&self, purpose: Purpose, value: &str) -> Tag {
        Tag(URL_SAFE_NO_PAD.encode(self.digest(purpose, value)))
    }

    /// The same as bytes.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, value: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        let purpose: &'static str = purpose.into();
        for part in [purpose, value] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn a_tag_fits_its_own_key_purpose_and_value_only() {
        let key = MacKey::new(&[1; KEY_LEN]);
        let stored = String::from(key.tag(Purpose::ApiKey, "value"));
        assert_eq!(stored.len(), 43);
        for purpose in Purpose::iter() {
            assert_eq!(key.tag(purpose, "value").is(&stored), purpose == Purpose::ApiKey, "{purpose:?}");
        }
        assert!(!key.tag(Purpose::ApiKey, "valuf").is(&stored));
        assert!(!key.tag(Purpose::ApiKey, "").is(&stored));
        assert!(!key.tag(Purpose::ApiKey, "value").is(&stored[..42]));
        assert!(!key.tag(Purpose::ApiKey, "value").is(""));
        assert!(!MacKey::new(&[2; KEY_LEN]).tag(Purpose::ApiKey, "value").is(&stored));
    }

    #[test]
    fn neither_key_nor_tag_shows() {
        let key = MacKey::new(&[1; KEY_LEN]);
        assert_eq!(format!("{key:?} {:?}", key.tag(Purpose::ApiKey, "v")), "MacKey(..) Tag(..)");
    }
}
