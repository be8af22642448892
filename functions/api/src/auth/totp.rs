//! The second factor: one-time passwords by time (RFC 6238), six digits, 30 s, SHA-1: what every
//! authenticator app can do. A step before and after is taken, and no step twice.

use matome_domain::clock::Timestamp;
use matome_runtime::random::Random;
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Algorithm, Builder, Secret, Totp, TotpError};
use zeroize::Zeroizing;

/// What apps show beside the account.
pub const ISSUER: &str = "Matome";
/// 160 bits, as RFC 4226 (4) recommends.
const SECRET_LEN: usize = 20;

/// Why no second factor can be made or checked.
#[derive(Debug, thiserror::Error)]
pub enum TotpFailure {
    /// The stored secret is not base32 or too short.
    #[error("the stored secret of a second factor is unusable")]
    Secret,
    /// The account's name cannot stand in an `otpauth` URI.
    #[error("no otpauth URI can be made of the account's name")]
    Name(#[source] TotpError),
}

/// What an app needs to know, shown once.
pub struct Enrolment {
    /// Base32, for typing in; this is what is sealed and stored.
    pub secret: SecretString,
    /// `otpauth://totp/…`, for a QR code.
    pub uri: SecretString,
}

/// A new secret for the account that is called `name` in apps (its e-mail address).
///
/// # Errors
/// [`TotpFailure::Name`].
pub fn begin(random: &dyn Random, name: &str) -> Result<Enrolment, TotpFailure> {
    let mut bytes = Zeroizing::new([0; SECRET_LEN]);
    random.fill(&mut *bytes);
    let secret = Secret::from(*bytes);
    let text = SecretString::from(secret.to_base32());
    // A colon parts issuer and name.
    let name = name.replace(':', " ");
    let totp = of(secret).with_account_name(name).with_issuer(Some(ISSUER)).build();
    let uri = totp.and_then(|t| t.to_url()).map_err(TotpFailure::Name)?;
    Ok(Enrolment { secret: text, uri: SecretString::from(uri) })
}

/// The step whose code this is, to be stored as the last used one; `None` when it is the code of no step
/// that may be used: only those after `last_used` may.
///
/// # Errors
/// [`TotpFailure::Secret`].
pub fn verify(
    secret: &SecretString,
    code: &str,
    now: Timestamp,
    last_used: Option<i64>,
) -> Result<Option<i64>, TotpFailure> {
    let totp = stored(secret)?;
    let digits = code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
    let seconds = u64::try_from(now.0.div_euclid(1000)).unwrap_or(0);
    let step = digits.then(|| totp.check(code, seconds)).flatten().and_then(|s| i64::try_from(s).ok());
    Ok(step.filter(|step| last_used.is_none_or(|last| *step > last)))
}

/// The code of the moment: for tests and for the demo login.
///
/// # Errors
/// [`TotpFailure::Secret`].
pub fn code(secret: &SecretString, now: Timestamp) -> Result<String, TotpFailure> {
    let seconds = u64::try_from(now.0.div_euclid(1000)).unwrap_or(0);
    Ok(stored(secret)?.generate(seconds).to_string())
}

fn of(secret: Secret) -> Builder {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6);
    builder.with_skew(1).with_step_duration(30).with_secret(secret)
}

fn stored(secret: &SecretString) -> Result<Totp, TotpFailure> {
    let secret = Secret::try_from_base32(secret.expose_secret()).map_err(|_| TotpFailure::Secret)?;
    of(secret).with_account_name("account").build().map_err(|_| TotpFailure::Secret)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use matome_runtime::random::SystemRandom;

    use super::*;

    /// RFC 6238, appendix B: the secret `12345678901234567890` in base32.
    fn rfc() -> SecretString {
        SecretString::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    }

    #[test]
    fn the_codes_of_the_rfc_are_taken() {
        // Its codes have eight digits; six are the last ones of them.
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let step = verify(&rfc(), code, Timestamp(seconds * 1000), None).unwrap();
            assert_eq!(step, Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_step_before_and_after_is_taken_and_no_more() {
        let at = Timestamp(1_795_165_200_000);
        let written = code(&rfc(), at).unwrap();
        let step = Some(at.0 / 30_000);
        let (one, two) = (Duration::from_secs(30), Duration::from_secs(60));
        for (now, expected) in [
            (at, step),
            (at.plus(one), step),
            (at.minus(one), step),
            (at.plus(two), None),
            (at.minus(two), None),
        ] {
            assert_eq!(verify(&rfc(), &written, now, None).unwrap(), expected);
        }
    }

    #[test]
    fn no_step_is_used_twice_nor_after_a_later_one() {
        let at = Timestamp(1_795_165_200_000);
        let written = code(&rfc(), at).unwrap();
        let step = verify(&rfc(), &written, at, None).unwrap().unwrap();
        assert_eq!(verify(&rfc(), &written, at, Some(step)).unwrap(), None);
        assert_eq!(verify(&rfc(), &written, at, Some(step + 1)).unwrap(), None);
        assert_eq!(verify(&rfc(), &written, at, Some(step - 1)).unwrap(), Some(step));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for bad in ["", "28708", "2870822", "28708a", " 87082", "２８７０８２", "-87082"] {
            assert_eq!(verify(&rfc(), bad, Timestamp(59_000), None).unwrap(), None, "{bad}");
        }
        assert!(verify(&SecretString::from("!"), "287082", Timestamp(0), None).is_err());
    }

    #[test]
    fn a_new_secret_is_in_its_uri_and_gives_codes() {
        let made = begin(&SystemRandom, "a:b@example.com").unwrap();
        let uri = made.uri.expose_secret();
        assert!(uri.starts_with("otpauth://totp/Matome:a%20b%40example.com?"), "{uri}");
        assert!(uri.contains(made.secret.expose_secret()) && uri.contains("issuer=Matome"), "{uri}");
        let written = code(&made.secret, Timestamp(59_000)).unwrap();
        assert_eq!(verify(&made.secret, &written, Timestamp(59_000), None).unwrap(), Some(1));
        let other = begin(&SystemRandom, "a@example.com").unwrap();
        assert_ne!(other.secret.expose_secret(), made.secret.expose_secret());
    }
}
