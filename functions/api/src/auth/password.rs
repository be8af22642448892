//! Passwords: argon2id with the parameters that OWASP's Password Storage Cheat Sheet gives first
//! (19 MiB, two passes, one lane), on a thread where blocking harms nobody.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use matome_runtime::random::Random;
use secrecy::{ExposeSecret, SecretString};

/// Memory in KiB.
const MEMORY: u32 = 19_456;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// A hash of nobody's password under the parameters above. Where an e-mail address is not known, the
/// password is compared with this one, and takes as long as anybody's.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bWF0b21lLW5vYm9keS0h$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password could not be hashed or compared. Never repeats it.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFailure {
    /// argon2 refused; a stored hash that is none, for example.
    #[error("argon2 refused to {action} a password")]
    Argon2 {
        /// `hash` or `compare`.
        action: &'static str,
        /// Its error.
        #[source]
        source: argon2::password_hash::Error,
    },
    /// The thread ended before the work was done.
    #[error("the thread that hashes passwords ended")]
    Thread(#[from] tokio::task::JoinError),
}

/// What comparing found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// It is the password.
    Right {
        /// It was hashed with other parameters than today's: hash it again now that it is known.
        needs_rehash: bool,
    },
    /// It is not, or there is none.
    Wrong,
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, LANES, None).expect("OWASP's parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password: a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$…`.
///
/// # Errors
/// [`PasswordFailure`].
pub async fn hash(random: &dyn Random, password: &SecretString) -> Result<String, PasswordFailure> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let password = password.clone();
    tokio::task::spawn_blocking(move || {
        let hashed = argon2().hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
        hashed.map(|hash| hash.to_string()).map_err(refused("hash"))
    })
    .await?
}

/// Compares a password with a stored hash. With `None` (nobody has that address, or logs in without a
/// password) the answer is [`Compared::Wrong`] after the same work.
///
/// # Errors
/// [`PasswordFailure`].
pub async fn compare(stored: Option<&str>, password: &SecretString) -> Result<Compared, PasswordFailure> {
    let somebody = stored.is_some();
    let stored = stored.unwrap_or(NOBODY).to_owned();
    let password = password.clone();
    tokio::task::spawn_blocking(move || {
        let hash = PasswordHash::new(&stored).map_err(|e| refused("compare")(e.into()))?;
        match argon2().verify_password(password.expose_secret().as_bytes(), &hash) {
            Ok(()) if somebody => Ok(Compared::Right { needs_rehash: needs_rehash(&hash) }),
            Ok(()) | Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Compared::Wrong),
            Err(error) => Err(refused("compare")(error)),
        }
    })
    .await?
}

fn refused(action: &'static str) -> impl Fn(argon2::password_hash::Error) -> PasswordFailure {
    move |source| PasswordFailure::Argon2 { action, source }
}

fn needs_rehash(hash: &PasswordHash) -> bool {
    let same = Params::try_from(hash)
        .is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY, PASSES, LANES));
    !(same && hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into()))
}

#[cfg(test)]
mod tests {
    use matome_runtime::random::SystemRandom;

    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let password = secret("正しい馬 battery staple");
        let hashed = hash(&SystemRandom, &password).await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        let right = Compared::Right { needs_rehash: false };
        assert_eq!(compare(Some(&hashed), &password).await.unwrap(), right);
        assert_eq!(compare(Some(&hashed), &secret("other")).await.unwrap(), Compared::Wrong);
        assert_eq!(compare(None, &password).await.unwrap(), Compared::Wrong);
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_to_be_made_again() {
        for (algorithm, memory) in [(Algorithm::Argon2id, 64), (Algorithm::Argon2i, MEMORY)] {
            let params = Params::new(memory, PASSES, LANES, None).unwrap();
            let weak = Argon2::new(algorithm, Version::V0x13, params);
            let hashed = weak.hash_password_with_salt(b"password", b"saltsaltsaltsalt").unwrap().to_string();
            let compared = compare(Some(&hashed), &secret("password")).await.unwrap();
            assert_eq!(compared, Compared::Right { needs_rehash: true });
        }
    }

    #[test]
    fn nobodys_hash_costs_what_somebodys_does() {
        assert!(!needs_rehash(&PasswordHash::new(NOBODY).unwrap()));
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_none_is_an_error_and_not_a_wrong_password() {
        for broken in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$"] {
            assert!(compare(Some(broken), &secret("x")).await.is_err(), "{broken}");
        }
    }
}
