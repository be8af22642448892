//! API keys: `mtm_<prefix>_<secret>`. The prefix (12 characters) finds the key and may be shown; the
//! secret (256 bits) is shown once and kept as a tag. `mtm_` lets secret scanners find a leaked one.

use matome_runtime::random::Random;
use secrecy::{ExposeSecret, SecretString};

use super::mac::{MacKey, Purpose, Tag};
use super::secret_text;

/// What every key begins with.
pub const SCHEME: &str = "mtm_";
/// Characters of a prefix.
pub const PREFIX_LEN: usize = 12;
/// 32 characters, so that a random byte's lower five bits choose evenly.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A key as it was presented or made.
pub struct ApiKeyToken {
    prefix: String,
    text: SecretString,
}

impl ApiKeyToken {
    /// A new one.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; PREFIX_LEN];
        random.fill(&mut bytes);
        let prefix: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect();
        let text = format!("{SCHEME}{prefix}_{}", *secret_text::generate(random));
        Self { prefix, text: SecretString::from(text) }
    }

    /// One that was presented; `None` when it has not the form of a key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(SCHEME)?;
        let (prefix, secret) = rest.split_once('_')?;
        let known = |b: u8| ALPHABET.contains(&b);
        let fits = prefix.len() == PREFIX_LEN && prefix.bytes().all(known) && secret_text::is_one(secret);
        fits.then(|| Self { prefix: prefix.to_owned(), text: SecretString::from(text) })
    }

    /// What finds the stored key; no secret.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The whole key, to be shown once.
    #[must_use]
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// What is stored of it.
    #[must_use]
    pub fn tag(&self, key: &MacKey) -> Tag {
        key.tag(Purpose::ApiKey, self.text.expose_secret())
    }

    /// Whether it is the key whose tag is stored; in constant time.
    #[must_use]
    pub fn is(&self, key: &MacKey, stored: &str) -> bool {
        self.tag(key).is(stored)
    }
}

impl std::fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKeyToken({SCHEME}{}_..)", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use matome_runtime::random::SystemRandom;

    use super::*;

    #[test]
    fn a_made_key_parses_to_itself_and_fits_its_tag_only() {
        let key = MacKey::new(&[3; 32]);
        let (made, other) = (ApiKeyToken::generate(&SystemRandom), ApiKeyToken::generate(&SystemRandom));
        let parsed = ApiKeyToken::parse(made.text().expose_secret()).unwrap();
        assert_eq!(parsed.prefix(), made.prefix());
        let stored = String::from(made.tag(&key));
        assert!(parsed.is(&key, &stored));
        assert!(!other.is(&key, &stored));
    }

    #[test]
    fn a_key_with_another_prefix_does_not_fit() {
        let key = MacKey::new(&[3; 32]);
        let made = ApiKeyToken::generate(&SystemRandom);
        let text = made.text().expose_secret().replacen(made.prefix(), "aaaaaaaaaaaa", 1);
        assert!(!ApiKeyToken::parse(&text).unwrap().is(&key, made.tag(&key).as_str()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let made = ApiKeyToken::generate(&SystemRandom);
        let text = made.text().expose_secret();
        let cut = &text[..text.len() - 1];
        let (upper, longer) = (text.replacen("mtm_", "MTM_", 1), format!("{text}A"));
        let capitals = text.replacen(made.prefix(), "AAAAAAAAAAAA", 1);
        for bad in ["", "mtm_", "mtm__", "mrt_x_y", cut, &upper, &longer, &capitals, &format!(" {text}")] {
            assert!(ApiKeyToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_secret_does_not_show() {
        let made = ApiKeyToken::generate(&SystemRandom);
        assert_eq!(format!("{made:?}"), format!("ApiKeyToken(mtm_{}_..)", made.prefix()));
    }
}
