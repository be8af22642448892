//! Accounts: registering, factors, passwords, devices.

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::traveller::{Messenger, Traveller, id};
use crate::sign_in::PASSWORD;

const OTHER_PASSWORD: &str = "staple of another battery";

pub(super) async fn registering(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let email = on.email("registering");
    let new = json!({ "email": email, "name": "Some Body", "password": PASSWORD, "language": "ja" });
    on.as_nobody("register", new).await?;
    on.as_nobody("resendVerification", json!({ "email": email })).await?;
    let verify = json!({ "token": on.mailed(&email)?, "password": PASSWORD });
    on.as_nobody("verifyEmail", verify).await?;
    let tokens = on.log_in(&email, PASSWORD).await?;
    let tokens = on.as_nobody("refreshTokens", json!({ "refreshToken": tokens["refreshToken"] })).await?;
    let token = tokens["accessToken"].as_str();
    on.ask(token, "updateOwnAccount", &[], json!({ "name": "Any Body", "timezone": "Asia/Tokyo" })).await?;
    on.ask(token, "logOut", &[], Value::Null).await?;
    Ok(())
}

pub(super) async fn second_factor(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let somebody = on.somebody("factor").await?;
    let world = &on.stage.world;
    let token = Some(somebody.token());
    let begun = on.ask(token, "beginSecondFactor", &[], json!({ "password": PASSWORD })).await?;
    let secret = SecretString::from(begun["secret"].as_str().context("a secret")?);
    let confirm = json!({ "code": world.code(&secret) });
    let codes = on.ask(token, "confirmSecondFactor", &[], confirm).await?;
    let renew = json!({ "recoveryCode": codes["recoveryCodes"][0] });
    let codes = on.ask(token, "renewRecoveryCodes", &[], renew).await?;
    // Not by a second code of the same half minute, which is taken once: others' time would pass as well.
    let challenge = on.log_in(&somebody.email, PASSWORD).await?;
    let shown = json!({ "mfaToken": challenge["mfaToken"], "recoveryCode": codes["recoveryCodes"][0] });
    let tokens = on.as_nobody("logInWithSecondFactor", shown).await?;
    let given_up = json!({ "password": PASSWORD, "recoveryCode": codes["recoveryCodes"][1] });
    on.ask(tokens["accessToken"].as_str(), "disableSecondFactor", &[], given_up).await?;
    Ok(())
}

pub(super) async fn passwords(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let somebody = on.somebody("password").await?;
    let change = json!({ "currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD });
    on.ask(Some(somebody.token()), "changePassword", &[], change).await?;
    on.as_nobody("forgotPassword", json!({ "email": somebody.email })).await?;
    let reset = json!({ "token": on.mailed(&somebody.email)?, "password": PASSWORD });
    on.as_nobody("resetPassword", reset).await?;
    on.log_in(&somebody.email, PASSWORD).await?;
    Ok(())
}

pub(super) async fn devices(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let somebody = on.somebody("device").await?;
    let log_in = async |device: &str| {
        let body = json!({ "email": somebody.email, "password": PASSWORD, "device": device });
        on.as_nobody("logIn", body).await
    };
    let (here, tablet, phone) = (log_in("here").await?, log_in("tablet").await?, log_in("phone").await?);
    let token = here["accessToken"].as_str();
    let of = |tokens: &Value| tokens["sessionId"].as_str().unwrap_or_default().to_owned();
    on.ask(token, "endOwnSession", &[&of(&phone)], Value::Null).await?;
    let devices = on.ask(token, "listOwnDevices", &[], Value::Null).await?;
    let sessions = on.ask(token, "listOwnSessions", &[], Value::Null).await?;
    let sessions = sessions["items"].as_array().context("sessions")?;
    let theirs = sessions.iter().find(|session| session["id"] == tablet["sessionId"]);
    let theirs = theirs.and_then(|session| session["deviceId"].as_str());
    let devices = devices["items"].as_array().context("devices")?;
    let device = devices.iter().find(|device| Some(id(device)) == theirs).map_or("", id);
    on.ask(token, "updateOwnDevice", &[device], json!({ "name": "Tablet at the shop" })).await?;
    on.ask(token, "endOwnDevice", &[device], Value::Null).await?;
    on.ask(token, "endOtherSessions", &[], Value::Null).await?;
    Ok(())
}
