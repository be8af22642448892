//! One's own second factor.

use axum::extract::State;
use garde::Validate;
use http::Method;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::trying;
use crate::auth::accounts::RecoveryCodes;
use crate::context::App;
use crate::guard::{SignedIn, Trail};
use crate::http::secret::SecretText;
use crate::http::{Json, NoContent, Ok200, Problem};
use crate::routes::Route;
use crate::routes::auth::{problem, proof};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            trying(&Method::POST, "/account/totp", "beginSecondFactor", "Begin to set up a second factor")
                .describes(
                    "Against the password, where there is one. The secret is shown once, for an authenticator app (TOTP, \
                     RFC 6238: SHA-1, 6 digits, 30 seconds). In force when a code of it was confirmed.",
                ),
            begin,
        ),
        Route::new(
            trying(
                &Method::POST,
                "/account/totp/confirm",
                "confirmSecondFactor",
                "Put the second factor in force by a code of it",
            )
            .describes(
                "Answers with ten recovery codes, shown once. Ends every other session; this one counts as logged in \
                 with the second factor.",
            ),
            confirm,
        ),
        Route::new(
            trying(&Method::DELETE, "/account/totp", "disableSecondFactor", "Give the second factor up")
                .describes("Against the password, where there is one, and a code. Ends every other session."),
            disable,
        ),
        Route::new(
            trying(
                &Method::POST,
                "/account/recovery-codes",
                "renewRecoveryCodes",
                "Get ten new recovery codes in place of those that are left",
            ),
            renew,
        ),
    ]
}

/// The password, shown once more.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "password": "correct horse battery" }))]
struct Begin {
    /// The password, of an account that has one.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Option<SecretText>,
}

/// A second factor that is being set up.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({
    "secret": "JBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/Matome:aiko%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Matome",
}))]
struct SecondFactorBegun {
    /// Base32, for typing in.
    secret: String,
    /// For a QR code.
    uri: String,
}

async fn begin(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    Json(body): Json<Begin>,
) -> Result<Ok200<SecondFactorBegun>, Problem> {
    trail.target("account", signed_in.account.id);
    let password = body.password.as_ref().map(|password| &password.0);
    let made = app.accounts.begin_totp(signed_in.account.id, password).await.map_err(problem)?;
    let (secret, uri) = (made.secret.expose_secret().to_owned(), made.uri.expose_secret().to_owned());
    Ok(Ok200(SecondFactorBegun { secret, uri }))
}

/// A code of the app.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "code": "123456" }))]
struct Code {
    /// Six digits.
    #[garde(length(chars, min = 1, max = 40))]
    code: SecretText,
}

/// Recovery codes, each good once in place of a code.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RecoveryCodes", example = json!({ "recoveryCodes": ["7kq2m-w9x4c-3f8np"] }))]
struct RecoveryCodesView {
    /// Shown once.
    recovery_codes: Vec<String>,
}

impl From<RecoveryCodes> for RecoveryCodesView {
    fn from(codes: RecoveryCodes) -> Self {
        Self { recovery_codes: codes.0.iter().map(|code| code.expose_secret().to_owned()).collect() }
    }
}

async fn confirm(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    Json(body): Json<Code>,
) -> Result<Ok200<RecoveryCodesView>, Problem> {
    let (account, session) = (signed_in.account.id, Some(signed_in.session.id));
    trail.target("account", account);
    let codes = app.accounts.confirm_totp(account, session, &body.code.0).await.map_err(problem)?;
    Ok(Ok200(codes.into()))
}

/// Password and second factor, shown once more.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "password": "correct horse battery", "code": "123456" }))]
struct GiveUp {
    /// The password, of an account that has one.
    #[garde(length(chars, min = 1, max = 1024))]
    #[serde(default)]
    password: Option<SecretText>,
    /// Six digits of the app; or
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    code: Option<SecretText>,
    /// one of the recovery codes.
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    recovery_code: Option<SecretText>,
}

async fn disable(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    Json(body): Json<GiveUp>,
) -> Result<NoContent, Problem> {
    let (account, session) = (signed_in.account.id, Some(signed_in.session.id));
    trail.target("account", account);
    let proof = proof(body.code, body.recovery_code)?;
    let password = body.password.as_ref().map(|password| &password.0);
    app.accounts.disable_totp(account, session, password, &proof).await.map_err(problem)?;
    Ok(NoContent)
}

/// The second factor, shown once more.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "code": "123456" }))]
struct Renew {
    /// Six digits of the app; or
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    code: Option<SecretText>,
    /// one of the recovery codes.
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    recovery_code: Option<SecretText>,
}

async fn renew(
    State(app): State<App>,
    signed_in: SignedIn,
    trail: Trail,
    Json(body): Json<Renew>,
) -> Result<Ok200<RecoveryCodesView>, Problem> {
    trail.target("account", signed_in.account.id);
    let proof = proof(body.code, body.recovery_code)?;
    let codes = app.accounts.new_recovery_codes(signed_in.account.id, &proof).await.map_err(problem)?;
    Ok(Ok200(codes.into()))
}
