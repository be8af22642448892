//! Tokens that are used once: those of mails (verification, reset, invitation) and of an MFA challenge.
//! `mot_<id>_<secret>`: the id (an account's or an invitation's) finds where the tag is kept, so that no
//! index over secrets is needed.

use matome_runtime::random::Random;
use matome_store::Id;
use secrecy::{ExposeSecret, SecretString};

use super::mac::{MacKey, Purpose, Tag};
use super::secret_text;

/// What every such token begins with.
pub const SCHEME: &str = "mot_";

/// A one-time token as it was presented or made.
pub struct OneTimeToken {
    subject: Id,
    text: SecretString,
}

impl OneTimeToken {
    /// A new one about `subject`.
    #[must_use]
    pub fn generate(random: &dyn Random, subject: Id) -> Self {
        let text = format!("{SCHEME}{subject}_{}", *secret_text::generate(random));
        Self { subject, text: SecretString::from(text) }
    }

    /// One that was presented; `None` when it has not the form of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (subject, secret) = text.strip_prefix(SCHEME)?.split_once('_')?;
        let id: Id = subject.parse().ok()?;
        let fits = secret_text::is_one(secret) && id.to_hex() == subject;
        fits.then(|| Self { subject: id, text: SecretString::from(text) })
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Id {
        self.subject
    }

    /// The whole token.
    #[must_use]
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// What is stored of it for one purpose; it fits no other.
    #[must_use]
    pub fn tag(&self, key: &MacKey, purpose: Purpose) -> Tag {
        key.tag(purpose, self.text.expose_secret())
    }
}

impl std::fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OneTimeToken({SCHEME}{}_..)", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use matome_runtime::random::SystemRandom;

    use super::*;

    #[test]
    fn a_made_token_parses_to_itself_and_serves_one_purpose() {
        let (key, subject) = (MacKey::new(&[1; 32]), "0123456789abcdef01234567".parse().unwrap());
        let made = OneTimeToken::generate(&SystemRandom, subject);
        let parsed = OneTimeToken::parse(made.text().expose_secret()).unwrap();
        assert_eq!(parsed.subject(), subject);
        let stored = String::from(made.tag(&key, Purpose::VerifyEmail));
        assert!(parsed.tag(&key, Purpose::VerifyEmail).is(&stored));
        assert!(!parsed.tag(&key, Purpose::ResetPassword).is(&stored));
        assert_eq!(format!("{made:?}"), "OneTimeToken(mot_0123456789abcdef01234567_..)");
    }

    #[test]
    fn what_is_none_is_refused() {
        let subject = "0123456789abcdef01234567".parse().unwrap();
        let made = OneTimeToken::generate(&SystemRandom, subject);
        let text = made.text().expose_secret();
        for bad in ["", "mot_", "mot_x_y", &text[1..], &text[..text.len() - 1], &text.to_uppercase()] {
            assert!(OneTimeToken::parse(bad).is_none(), "{bad}");
        }
    }
}
