//! Logging in with a password, and with a second factor.

use axum::extract::State;
use garde::Validate;
use matome_store::Id;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::answers::{LoginAnswer, TokensView};
use super::{origin, problem, quota, rule};
use crate::auth::AuthError;
use crate::auth::accounts::{LogIn, Proof};
use crate::auth::one_time_token::OneTimeToken;
use crate::context::App;
use crate::guard::{Trace, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, Ok200, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule("/auth/login", "logIn", "Log in with e-mail address and password")
                .describes(
                    "Answers with tokens, or, where the account has a second factor, with `mfaToken` for `/v1/auth/mfa`. \
                     After five wrong passwords in a row the account takes none for a minute, after each further one \
                     for twice as long; the answer is the same as for a wrong one.",
                )
                .evenly(),
            log_in,
        ),
        Route::new(
            rule("/auth/mfa", "logInWithSecondFactor", "Complete a log-in with the second factor").evenly(),
            complete,
        ),
    ]
}

/// E-mail address and password.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "email": "aiko@example.com", "password": "correct horse battery" }))]
struct Login {
    /// E-mail address, in whatever case.
    #[garde(length(chars, min = 1, max = 254))]
    email: String,
    /// Password.
    #[garde(length(chars, min = 1, max = 1024))]
    password: SecretText,
    /// What an app calls the device it runs on, the same each time.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default)]
    device: Option<String>,
}

async fn log_in(
    State(app): State<App>,
    trace: Trace,
    trail: Trail,
    Json(body): Json<Login>,
) -> Result<Ok200<LoginAnswer>, Problem> {
    quota::take(&app, &body.email).await?;
    let begins = async |account| trail.begins_in_account(account).await;
    match app.accounts.log_in(&body.email, &body.password.0, &origin(&trace, body.device), begins).await {
        Ok(login) => Ok(done(&app, &trail, login)),
        Err(error) => {
            // Whoever has the account sees that somebody tried.
            if let Some(account) = app.tenants.platform().account_by_email(&body.email).await? {
                trail.account(account.id.into());
            }
            Err(problem(error))
        }
    }
}

/// A log-in that went well, or half.
pub(super) fn done(app: &App, trail: &Trail, login: LogIn) -> Ok200<LoginAnswer> {
    let account = match &login {
        LogIn::Done(tokens) => Some(tokens.account),
        LogIn::SecondFactor { challenge, .. } => whose(&SecretText(challenge.clone())),
    };
    if let Some(account) = account {
        trail.account(account.into());
    }
    if let LogIn::Done(tokens) = &login {
        trail.target("loginSession", tokens.session);
    }
    Ok200(LoginAnswer::of(app, login))
}

fn whose(token: &SecretText) -> Option<Id> {
    Some(OneTimeToken::parse(token.expose())?.subject())
}

/// The second factor.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "mfaToken": "mot_671f0a2b9d3c4e5f6071829d_secret", "code": "123456" }))]
struct SecondFactor {
    /// From the log-in.
    #[garde(length(chars, min = 1, max = 200))]
    mfa_token: SecretText,
    /// Six digits of the app; or
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    code: Option<SecretText>,
    /// one of the recovery codes.
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    recovery_code: Option<SecretText>,
    /// As at the log-in.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default)]
    device: Option<String>,
}

/// One of the two, and not both.
pub(in crate::routes) fn proof(
    code: Option<SecretText>,
    recovery_code: Option<SecretText>,
) -> Result<Proof, Problem> {
    match (code, recovery_code) {
        (Some(code), None) => Ok(Proof::Totp(code.0)),
        (None, Some(code)) => Ok(Proof::Recovery(code.0)),
        (None, None) => Err(Problem::field("code", "is needed, or recoveryCode")),
        (Some(_), Some(_)) => Err(Problem::field("recoveryCode", "cannot be given besides code")),
    }
}

async fn complete(
    State(app): State<App>,
    trace: Trace,
    trail: Trail,
    Json(body): Json<SecondFactor>,
) -> Result<Ok200<TokensView>, Problem> {
    let proof = proof(body.code, body.recovery_code)?;
    let origin = origin(&trace, body.device);
    let begins = async |account| trail.begins_in_account(account).await;
    match app.accounts.complete(body.mfa_token.expose(), &proof, &origin, begins).await {
        Ok(tokens) => {
            trail.account(tokens.account.into());
            trail.target("loginSession", tokens.session);
            Ok(Ok200(TokensView::of(&app, tokens)))
        }
        Err(error) => {
            // The token was a good one: what it says of the account is true.
            if let (AuthError::BadCode | AuthError::Closed, Some(account)) = (&error, whose(&body.mfa_token))
            {
                trail.account(account.into());
            }
            Err(problem(error))
        }
    }
}
