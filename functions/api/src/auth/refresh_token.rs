//! Refresh tokens: `mrt_<login session id>_<secret>`. Each use gives the next one; who presents one that
//! was used already is not who it was given to, or was not heard by us: the session ends
//! (RFC 9700, 4.14.2).

use std::time::Duration;

use matome_domain::clock::Timestamp;
use matome_runtime::random::Random;
use matome_store::Id;
use secrecy::{ExposeSecret, SecretString};

use super::mac::{MacKey, Purpose, Tag};
use super::secret_text;

/// What every refresh token begins with.
pub const SCHEME: &str = "mrt_";

/// For this long after a rotation the token before it is taken for a repeat (two tabs, an answer that got
/// lost) and not for a theft. It gives no token in that time either.
pub const GRACE: Duration = Duration::from_secs(10);

/// A refresh token as it was presented or made.
pub struct RefreshToken {
    session: Id,
    text: SecretString,
}

impl RefreshToken {
    /// A new one of a session.
    #[must_use]
    pub fn generate(random: &dyn Random, session: Id) -> Self {
        let text = format!("{SCHEME}{session}_{}", *secret_text::generate(random));
        Self { session, text: SecretString::from(text) }
    }

    /// One that was presented; `None` when it has not the form of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.strip_prefix(SCHEME)?.split_once('_')?;
        let id: Id = session.parse().ok()?;
        // One spelling of an id, so that a token has one spelling.
        let fits = secret_text::is_one(secret) && id.to_hex() == session;
        fits.then(|| Self { session: id, text: SecretString::from(text) })
    }

    /// The login session that it says it belongs to.
    #[must_use]
    pub fn session(&self) -> Id {
        self.session
    }

    /// The whole token.
    #[must_use]
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// What is stored of it.
    #[must_use]
    pub fn tag(&self, key: &MacKey) -> Tag {
        key.tag(Purpose::RefreshToken, self.text.expose_secret())
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefreshToken({SCHEME}{}_..)", self.session)
    }
}

/// What a session knows of its refresh tokens.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Tag of the token in force.
    pub current: &'a str,
    /// Tag of the one before it.
    pub previous: Option<&'a str>,
    /// When the one in force replaced it.
    pub rotated_at: Timestamp,
}

/// What to do about a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is in force: give the next one.
    Rotate,
    /// It was in force until a moment ago: 409, the other request got the next one.
    Repeated,
    /// It was used before: end the session.
    Reused,
}

/// Decides about a token that names this session. A token that the session has never had counts as
/// reused as well: it may be older than the previous one, and nobody guesses 256 bits.
#[must_use]
pub fn decide(presented: &Tag, known: Known<'_>, now: Timestamp) -> Rotation {
    if presented.is(known.current) {
        return Rotation::Rotate;
    }
    let just_before = known.previous.is_some_and(|previous| presented.is(previous));
    if just_before && now < known.rotated_at.plus(GRACE) { Rotation::Repeated } else { Rotation::Reused }
}

#[cfg(test)]
mod tests {
    use matome_runtime::random::SystemRandom;

    use super::*;

    fn session() -> Id {
        "0123456789abcdef01234567".parse().unwrap()
    }

    fn token() -> RefreshToken {
        RefreshToken::generate(&SystemRandom, session())
    }

    #[test]
    fn a_made_token_parses_to_itself() {
        let (key, made) = (MacKey::new(&[1; 32]), token());
        let parsed = RefreshToken::parse(made.text().expose_secret()).unwrap();
        assert_eq!(parsed.session(), session());
        assert_eq!(parsed.tag(&key), made.tag(&key));
        assert_ne!(parsed.tag(&key), token().tag(&key));
        assert_eq!(format!("{made:?}"), "RefreshToken(mrt_0123456789abcdef01234567_..)");
    }

    #[test]
    fn what_is_no_refresh_token_is_refused() {
        let made = token();
        let text = made.text().expose_secret();
        let upper = text.replacen("abcdef", "ABCDEF", 1);
        let short = text.replacen("0123456789abcdef01234567", "0123456789abcdef0123456", 1);
        for bad in ["", "mrt_", "mtm_a_b", &text[1..], &text[..text.len() - 1], &upper, &short] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_decision_follows_what_is_in_force_and_what_was_until_a_moment_ago() {
        let key = MacKey::new(&[1; 32]);
        let tags: Vec<_> = (0..3).map(|_| token().tag(&key)).collect();
        let at = Timestamp(1_000_000);
        let known = Known { current: tags[2].as_str(), previous: Some(tags[1].as_str()), rotated_at: at };
        let moment = at.plus(GRACE).minus(Duration::from_millis(1));
        assert_eq!(decide(&tags[2], known, at), Rotation::Rotate);
        assert_eq!(decide(&tags[2], known, at.plus(GRACE * 1_000)), Rotation::Rotate);
        assert_eq!(decide(&tags[1], known, moment), Rotation::Repeated);
        assert_eq!(decide(&tags[1], known, at.plus(GRACE)), Rotation::Reused);
        assert_eq!(decide(&tags[0], known, at), Rotation::Reused);
        assert_eq!(decide(&tags[1], Known { previous: None, ..known }, at), Rotation::Reused);
    }
}
