//! What is told of an [`AuthError`].

use crate::auth::AuthError;
use crate::auth::external::ExternalError;
use crate::http::Problem;
use crate::http::problem::Code;

/// As a problem; a password that is not taken is the field `password`.
pub(in crate::routes) fn problem(error: AuthError) -> Problem {
    field_problem(error, "password")
}

/// The same, with the name that the request has for a new password.
pub(in crate::routes) fn field_problem(error: AuthError, password: &str) -> Problem {
    let told = error.to_string();
    match error {
        AuthError::BadCredentials
        | AuthError::BadCode
        | AuthError::BadToken
        | AuthError::SessionOver
        | AuthError::NotLinked => Problem::new(Code::LoginFailed, told),
        // Whoever has a stolen token is not told that it is known.
        AuthError::RefreshReused(_) => {
            let cause = Some(told.into());
            Problem { cause, ..Problem::new(Code::LoginFailed, AuthError::SessionOver.to_string()) }
        }
        AuthError::NotVerified => Code::EmailNotVerified.into(),
        AuthError::Closed => Code::AccountClosed.into(),
        AuthError::WeakPassword(why) => {
            let why = why.to_string();
            Problem::field(password, why.split_once(": ").map_or(why.as_str(), |(_, reason)| reason))
        }
        AuthError::RefreshRepeated
        | AuthError::LinkedElsewhere
        | AuthError::NoFactor
        | AuthError::FactorExists
        | AuthError::LastWayIn => Problem::new(Code::Conflict, told),
        AuthError::NoAccount => Problem::not_found(),
        AuthError::AccountNeeded => {
            Problem::field("name", "is needed with a password: the address has no account yet")
        }
        AuthError::AgentsLimit => Code::LimitReached.into(),
        AuthError::OtherAddress => Problem::new(Code::PermissionDenied, told),
        AuthError::External(error) => external(error),
        AuthError::Store(error) => error.into(),
        AuthError::Audit(error) => Problem::unavailable(error),
        AuthError::Mail(error) => Problem::unavailable(error),
        AuthError::Vault(error) => Problem::unavailable(error),
        AuthError::Password(error) => Problem::internal(error),
        AuthError::Totp(error) => Problem::internal(error),
        AuthError::Issue(error) => Problem::unavailable(error),
    }
}

fn external(error: ExternalError) -> Problem {
    match error {
        ExternalError::UnknownProvider => Problem::not_found(),
        ExternalError::Refused(_) => Problem {
            cause: Some(error.into()),
            ..Problem::new(Code::LoginFailed, "The ID token is not valid")
        },
        ExternalError::Provider(_) | ExternalError::Configuration(_) => Problem::unavailable(error),
    }
}
