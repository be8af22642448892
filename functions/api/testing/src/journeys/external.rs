//! Who one is elsewhere.

use matome_line_simulator::NewUser;
use matome_line_simulator::login::Login;
use serde_json::{Value, json};

use super::stage::{CLIENT, PROVIDER};
use super::traveller::{Messenger, Traveller};
use crate::sign_in::PASSWORD;

pub(super) async fn identities(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let somebody = on.somebody("external").await?;
    let user_id = on.stage.line.add_user(NewUser::named("Somebody"));
    // An ID token is taken once, and the nonce tells one from the other.
    let of_line = |nonce: &str| -> anyhow::Result<String> {
        let (channel_id, user_id) = (on.stage.login.channel_id.clone(), user_id.clone());
        let login = Login { channel_id, user_id, nonce: Some(nonce.to_owned()), ..Login::default() };
        Ok(on.stage.line.id_token(&login)?)
    };
    let link = json!({ "provider": "line", "idToken": of_line("1")?, "nonce": "1", "password": PASSWORD });
    on.ask(Some(somebody.token()), "linkIdentity", &[], link).await?;
    on.as_nobody("logInWithLine", json!({ "idToken": of_line("2")?, "nonce": "2" })).await?;
    let now = on.stage.world.seconds();
    let claims = json!({
        "iss": on.stage.issuer.url(), "aud": CLIENT, "sub": somebody.account, "nonce": "n", "iat": now,
        "exp": now + 300, "email": somebody.email, "email_verified": true,
    });
    let shown = json!({ "idToken": on.stage.issuer.sign(&claims), "nonce": "n" });
    let tokens = on.ask(None, "logInWithProvider", &[PROVIDER], shown).await?;
    on.ask(tokens["accessToken"].as_str(), "unlinkIdentity", &["line"], Value::Null).await?;
    Ok(())
}
