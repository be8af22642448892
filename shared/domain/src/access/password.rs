//! Which passwords are taken: long, not to be guessed from who they are of, and not everybody's (NIST SP
//! 800-63B-4, 3.1.1). No demand for digits or signs, which makes passwords worse.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Fewer characters are refused.
pub const SHORTEST: usize = 12;
/// More are refused: argon2 has to go over all of them.
pub const LONGEST: usize = 128;

/// The most common ones that are long enough, in lower case; the file says where they come from.
static COMMON: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Why a password is refused. Never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too short.
    #[error("password: must have at least {SHORTEST} characters")]
    TooShort,
    /// Too long.
    #[error("password: must have at most {LONGEST} characters")]
    TooLong,
    /// One character again and again.
    #[error("password: must not be one character repeated")]
    Repeated,
    /// To be guessed from the e-mail address.
    #[error("password: must not contain the name in the e-mail address")]
    ContainsEmail,
    /// Everybody's.
    #[error("password: is one that many people use")]
    Common,
}

impl PasswordProblem {
    /// For machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "tooShort",
            Self::TooLong => "tooLong",
            Self::Repeated => "repeated",
            Self::ContainsEmail => "containsEmail",
            Self::Common => "common",
        }
    }
}

/// A local part shorter than this is in many a good password by accident.
const TELLING: usize = 3;

/// Checks the password that somebody with this e-mail address chooses. Characters are Unicode's.
///
/// # Errors
/// The first [`PasswordProblem`].
pub fn check(password: &str, email: &str) -> Result<(), PasswordProblem> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(PasswordProblem::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordProblem::TooLong);
    }
    let password = password.to_lowercase();
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|c| Some(c) == first) {
        return Err(PasswordProblem::Repeated);
    }
    let email = email.to_lowercase();
    let local = email.rsplit_once('@').map_or(email.as_str(), |(local, _)| local);
    // What comes after `+` only sorts mail.
    let name = local.split('+').next().unwrap_or(local);
    if name.chars().count() >= TELLING && password.contains(name) {
        return Err(PasswordProblem::ContainsEmail);
    }
    let without_spaces: String = password.chars().filter(|c| !c.is_whitespace()).collect();
    if COMMON.contains(password.as_str()) || COMMON.contains(without_spaces.as_str()) {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_refused_for_one_reason_each() {
        use PasswordProblem::{Common, ContainsEmail, Repeated, TooLong, TooShort};
        let long = "pass phrase ".repeat(20);
        let (most, too_many): (String, String) =
            (long.chars().take(128).collect(), long.chars().take(129).collect());
        let table: [(&str, Result<(), PasswordProblem>); 16] = [
            ("", Err(TooShort)),
            ("elevenchars", Err(TooShort)),
            ("twelve chars", Ok(())),
            // Eleven characters, 33 bytes.
            ("まとめまとめまとめまと", Err(TooShort)),
            ("すもももももももものうち", Ok(())),
            (&most, Ok(())),
            (&too_many, Err(TooLong)),
            ("aaaaaaaaaaaaaaa", Err(Repeated)),
            ("aAaAaAaAaAaAaAa", Err(Repeated)),
            ("abababababababab", Ok(())),
            ("Someone Else 12", Err(ContainsEmail)),
            ("i am SOMEONE, really", Err(ContainsEmail)),
            ("example.com rocks", Ok(())),
            ("qwertyuiop123", Err(Common)),
            ("1Qaz2wsX3edC", Err(Common)),
            ("correct horse battery staple", Err(Common)),
        ];
        for (password, expected) in table {
            assert_eq!(check(password, "someone+work@example.com"), expected, "{password}");
        }
        assert_eq!(check("a jo is a small dog", "jo@example.com"), Ok(()));
        assert_eq!(check("no address at all", ""), Ok(()));
    }

    #[test]
    fn the_list_has_hundreds_and_nothing_that_would_be_refused_anyway() {
        assert!(COMMON.len() > 300, "{}", COMMON.len());
        for password in COMMON.iter() {
            assert_eq!(
                check(password, "nobody.at.all@example.com"),
                Err(PasswordProblem::Common),
                "{password}"
            );
            assert_eq!(*password, password.to_lowercase());
        }
    }
}
