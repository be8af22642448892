//! How an account proves who it is. Nothing of this is ever shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date, number, string};
use crate::value::{Id, Time};

/// The secrets of one account; `_id` is the account's. Apart from [`super::Account`] so that no view of
/// that can show them by mistake. What is here is a hash, a tag (HMAC) or sealed, never a secret itself.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The account's id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Argon2id in PHC form; absent for who logs in elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Chosen when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_changed_at: Option<Time>,
    /// Wrong passwords and codes in a row (the seed's `failed_login_attempts`).
    #[serde(default)]
    pub failed_attempts: i64,
    /// The last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Time>,
    /// Nothing is tried before (see [`matome_domain::access::lockout`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Time>,
    /// The second factor in force (the seed's `two_factor_secret`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp: Option<Totp>,
    /// One that is being set up; in force when a code of it was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_totp: Option<Totp>,
    /// Tags of the recovery codes that are left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_codes: Vec<String>,
    /// Registrations of the address that nobody has answered to yet, the newest last: of several the one comes
    /// into force whose link is opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<PendingRegistration>,
    /// Sent to verify the e-mail address when another link was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verification: Option<SentToken>,
    /// Sent to choose a new password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_reset: Option<SentToken>,
    /// Given after the right password; the second factor is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_challenge: Option<SentToken>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// A TOTP secret (RFC 6238).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totp {
    /// Sealed.
    pub secret: String,
    /// The last time step whose code was taken: none is taken twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_step: Option<i64>,
    /// Since when.
    pub created_at: Time,
}

/// A token that was given out once and is taken once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentToken {
    /// Its tag.
    pub tag: String,
    /// What it was about: the address that it verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// By which means somebody had shown who they are already, such as `pwd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Not taken afterwards.
    pub expires_at: Time,
}

/// What somebody registered with. Nothing of it counts before they have opened its link and said its password:
/// of whoever registers an address, only who answers there is to come in, and with nobody else's password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRegistration {
    /// Tag of the link's token.
    pub tag: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// Full name.
    pub name: String,
    /// To be addressed in.
    pub language: String,
    /// Its link is not taken afterwards.
    pub expires_at: Time,
}

impl Credentials {
    /// An account's first ones, without any means to log in.
    #[must_use]
    pub fn new(account: Id, now: Time) -> Self {
        Self {
            id: account,
            password_hash: None,
            password_changed_at: None,
            failed_attempts: 0,
            last_failed_at: None,
            locked_until: None,
            totp: None,
            pending_totp: None,
            recovery_codes: Vec::new(),
            registrations: Vec::new(),
            email_verification: None,
            password_reset: None,
            mfa_challenge: None,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }
}

macro_rules! hidden {
    ($($name:ident),*) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($name), "(..)"))
                }
            }
        )*
    };
}

hidden!(Credentials, Totp, SentToken, PendingRegistration);

impl Entity for Credentials {
    const COLLECTION: &'static str = "credentials";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        Vec::new()
    }

    fn shape() -> Shape {
        Shape::new()
            .optional("passwordHash", string())
            .required("failedAttempts", number())
            .optional("lockedUntil", date())
            .required("createdAt", date())
    }
}
