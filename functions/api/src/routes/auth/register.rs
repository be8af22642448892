//! Getting an account.

use axum::extract::State;
use garde::Validate;
use matome_domain::language::Language;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{MailSent, problem, quota, rule};
use crate::auth::AuthError;
use crate::auth::accounts::Registration;
use crate::context::App;
use crate::guard::Trail;
use crate::http::secret::SecretText;
use crate::http::{Accepted, Json, NoContent, Problem};
use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            rule("/auth/register", "register", "Register an e-mail address")
                .describes(
                    "The address gets a mail with a link to verify it. One that has an account already gets a mail that \
                     says so; the answer is the same.",
                )
                .evenly(),
            register,
        ),
        Route::new(
            rule("/auth/verify-email", "verifyEmail", "Verify an e-mail address by the token in the mail").describes(
                "With the password that was registered: of several registrations of an address the one counts whose \
                 link and password these are, with its name. Nobody verifies what somebody else registered.",
            ),
            verify,
        ),
        Route::new(
            rule(
                "/auth/verify-email/resend",
                "resendVerification",
                "Send the mail with the link to verify again",
            )
            .evenly(),
            resend,
        ),
    ]
}

/// Who registers.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({
    "email": "aiko@example.com", "name": "Aiko Example", "password": "correct horse battery", "language": "ja",
}))]
struct NewAccount {
    /// E-mail address.
    #[garde(email, length(chars, max = 254))]
    email: String,
    /// Full name.
    #[garde(length(chars, min = 1, max = 200))]
    name: String,
    /// 12 to 128 characters; not what many use, and not the address's name.
    #[garde(length(chars, min = 1, max = 1024))]
    password: SecretText,
    /// To be addressed in.
    #[garde(skip)]
    #[serde(default)]
    language: Language,
}

async fn register(
    State(app): State<App>,
    trail: Trail,
    Json(body): Json<NewAccount>,
) -> Result<Accepted<MailSent>, Problem> {
    quota::take(&app, &body.email).await?;
    let registration = Registration {
        email: &body.email,
        name: &body.name,
        password: &body.password.0,
        language: body.language,
    };
    let begins = |account| trail.begins_in_account(account);
    app.accounts.register(&registration, begins).await.map_err(problem)?;
    Ok(Accepted(MailSent::new()))
}

/// The token in a mail's link, and the password that was registered.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({
    "token": "mot_671f0a2b9d3c4e5f6071829d_secret", "password": "correct horse battery",
}))]
struct Verification {
    /// What the link has behind `#token=`.
    #[garde(length(chars, min = 1, max = 200))]
    token: SecretText,
    /// As it was registered.
    #[garde(length(chars, min = 1, max = 1024))]
    password: SecretText,
}

async fn verify(
    State(app): State<App>,
    trail: Trail,
    Json(body): Json<Verification>,
) -> Result<NoContent, Problem> {
    let begins = async |account| trail.begins_in_account(account).await;
    let verified = app.accounts.verify_email(body.token.expose(), &body.password.0, begins).await;
    let account = verified.map_err(problem)?;
    trail.account(account.into());
    Ok(NoContent)
}

/// An e-mail address.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "email": "aiko@example.com" }))]
pub(super) struct Address {
    /// E-mail address.
    #[garde(email, length(chars, max = 254))]
    pub(super) email: String,
}

async fn resend(State(app): State<App>, Json(body): Json<Address>) -> Result<Accepted<MailSent>, Problem> {
    quota::take(&app, &body.email).await?;
    unsaid(app.accounts.resend_verification(&body.email).await)
}

/// An answer that says the same whether or not there was somebody to write to: a mail that could not be sent
/// is for the log alone.
pub(super) fn unsaid(done: Result<(), AuthError>) -> Result<Accepted<MailSent>, Problem> {
    match done {
        Ok(()) | Err(AuthError::NoAccount) => {}
        Err(AuthError::Mail(error)) => {
            metrics::counter!("MailsNotSent").increment(1);
            tracing::error!(error = %matome_runtime::lambda::Chain(&error), "a mail was not sent");
        }
        Err(error) => return Err(problem(error)),
    }
    Ok(Accepted(MailSent::new()))
}
