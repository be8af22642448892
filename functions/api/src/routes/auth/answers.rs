//! What logging in is answered with.

use matome_store::value::{Id, Time};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::auth::accounts::{LogIn, Tokens};
use crate::context::App;

/// Tokens of a login.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Tokens", example = tokens_example())]
pub(super) struct TokensView {
    /// Sent as `Authorization: Bearer …`.
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String")]
    access_token: SecretString,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is good.
    expires_in: u64,
    /// For the next tokens, once: each refresh gives another one.
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String")]
    refresh_token: SecretString,
    /// When the session is over unless it is refreshed before.
    session_expires_at: Time,
    /// The login session.
    session_id: Id,
    /// Whose.
    account_id: Id,
}

fn tokens_example() -> Value {
    json!({
        "accessToken": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl", "tokenType": "Bearer",
        "expiresIn": 600, "refreshToken": "mrt_671f0a2b9d3c4e5f6071829c_secret",
        "sessionExpiresAt": "2026-12-20T03:00:00.000Z", "sessionId": "671f0a2b9d3c4e5f6071829c",
        "accountId": "671f0a2b9d3c4e5f6071829d",
    })
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl TokensView {
    pub(super) fn of(app: &App, tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access.text,
            token_type: "Bearer",
            expires_in: tokens.access.expires_at.since(app.clock.now()).as_secs(),
            refresh_token: tokens.refresh,
            session_expires_at: tokens.expires_at.into(),
            session_id: tokens.session,
            account_id: tokens.account,
        }
    }
}

/// The second factor is awaited.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = second_factor_example())]
pub(super) struct SecondFactorAwaited {
    /// Always true.
    mfa_required: bool,
    /// Goes to `/v1/auth/mfa`, with a code.
    #[serde(serialize_with = "exposed")]
    #[schemars(with = "String")]
    mfa_token: SecretString,
    /// What may be shown.
    methods: [&'static str; 2],
    /// Until when.
    expires_at: Time,
}

fn second_factor_example() -> Value {
    json!({
        "mfaRequired": true, "mfaToken": "mot_671f0a2b9d3c4e5f6071829d_secret",
        "methods": ["totp", "recoveryCode"], "expiresAt": "2026-11-20T03:05:00.000Z",
    })
}

/// What a log-in gives: tokens, or what is asked for besides.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum LoginAnswer {
    /// Tokens.
    Done(TokensView),
    /// The second factor is awaited.
    SecondFactor(SecondFactorAwaited),
}

impl LoginAnswer {
    pub(super) fn of(app: &App, login: LogIn) -> Self {
        match login {
            LogIn::Done(tokens) => Self::Done(TokensView::of(app, tokens)),
            LogIn::SecondFactor { challenge, expires_at } => Self::SecondFactor(SecondFactorAwaited {
                mfa_required: true,
                mfa_token: challenge,
                methods: ["totp", "recoveryCode"],
                expires_at: expires_at.into(),
            }),
        }
    }
}

/// A mail may be on its way; whether it is, is not said.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({ "message": MESSAGE }))]
pub(super) struct MailSent {
    /// For people.
    message: &'static str,
}

const MESSAGE: &str = "If the address can be used for this, a mail is on its way to it.";

impl MailSent {
    pub(super) fn new() -> Self {
        Self { message: MESSAGE }
    }
}
