//! A second factor.

use super::*;

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_is_taken_once() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (factor, _) = world.factor(account).await;
    assert!(world.account(account).await.two_factor_enabled);
    let challenge = world.challenged().await;
    let complete = async |challenge: &str, code: SecretString| {
        world.accounts.complete(challenge, &Proof::Totp(code), &Origin::default(), unrecorded).await
    };
    refused!(complete(&challenge, secret("000000")).await, AuthError::BadCode);
    let code = world.code(&factor);
    let tokens = complete(&challenge, code.clone()).await.unwrap();
    assert_eq!(world.session(&tokens).await.amr, ["pwd", "otp"]);
    refused!(complete(&challenge, code.clone()).await, AuthError::BadToken);
    let challenge = world.challenged().await;
    refused!(complete(&challenge, code).await, AuthError::BadCode);
    world.system.clock.advance(Duration::from_secs(5 * 60));
    let code = world.code(&factor);
    refused!(complete(&challenge, code).await, AuthError::BadToken);
}

#[tokio::test]
async fn codes_are_guessed_no_more_than_passwords() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (factor, _) = world.factor(account).await;
    // The right password in between does not begin the count anew.
    for _ in 0..5 {
        let challenge = world.challenged().await;
        let guess = Proof::Totp(secret("000000"));
        refused!(
            world.accounts.complete(&challenge, &guess, &Origin::default(), unrecorded).await,
            AuthError::BadCode
        );
    }
    refused!(world.log_in(PASSWORD).await, AuthError::BadCredentials);
    world.system.clock.advance(Duration::from_secs(60));
    let challenge = world.challenged().await;
    let proof = Proof::Totp(world.code(&factor));
    world.accounts.complete(&challenge, &proof, &Origin::default(), unrecorded).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_factor_once() {
    let world = World::new().await;
    let account = world.somebody().await;
    let (factor, codes) = world.factor(account).await;
    assert_eq!(codes.len(), 10);
    let recover = async |code: &SecretString| {
        let (challenge, proof) = (world.challenged().await, Proof::Recovery(code.clone()));
        world.accounts.complete(&challenge, &proof, &Origin::default(), unrecorded).await
    };
    recover(&codes[0]).await.unwrap();
    refused!(recover(&codes[0]).await, AuthError::BadCode);
    let proof = Proof::Totp(world.code(&factor));
    let new = world.accounts.new_recovery_codes(account, &proof).await.unwrap();
    refused!(recover(&codes[1]).await, AuthError::BadCode);
    recover(&new.0[0]).await.unwrap();
    let proof = Proof::Recovery(new.0[1].clone());
    world.accounts.disable_totp(account, None, Some(&secret(PASSWORD)), &proof).await.unwrap();
    world.tokens().await;
    refused!(
        world.accounts.disable_totp(account, None, Some(&secret(PASSWORD)), &proof).await,
        AuthError::NoFactor
    );
}

#[tokio::test]
async fn a_factor_is_in_force_only_after_a_code_of_it() {
    let world = World::new().await;
    let account = world.somebody().await;
    let tokens = world.tokens().await;
    refused!(world.accounts.confirm_totp(account, None, &secret("000000")).await, AuthError::NoFactor);
    let made = world.accounts.begin_totp(account, Some(&secret(PASSWORD))).await.unwrap();
    refused!(world.accounts.confirm_totp(account, None, &secret("000000")).await, AuthError::BadCode);
    world.tokens().await;
    world.accounts.confirm_totp(account, None, &world.code(&made.secret)).await.unwrap();
    assert_eq!(world.session(&tokens).await.revoked_because, Some(RevokedBecause::FactorChanged));
    refused!(world.accounts.begin_totp(account, Some(&secret(PASSWORD))).await, AuthError::FactorExists);
}

#[tokio::test]
async fn what_proves_no_factor_forgets_no_wrong_code() {
    let other_password = "a new long password";
    for detour in 0..2 {
        let world = World::new().await;
        let account = world.somebody().await;
        let (factor, _) = world.factor(account).await;
        let try_code =
            async |code: SecretString| world.accounts.new_recovery_codes(account, &Proof::Totp(code)).await;
        for _ in 0..4 {
            refused!(try_code(secret("000000")).await, AuthError::BadCode);
        }
        if detour == 0 {
            let nothing_begun = world.accounts.confirm_totp(account, None, &secret("000000")).await;
            refused!(nothing_begun, AuthError::NoFactor);
        } else {
            let (old, new) = (secret(PASSWORD), secret(other_password));
            world.accounts.change_password(account, None, &old, &new).await.unwrap();
        }
        refused!(try_code(secret("000000")).await, AuthError::BadCode);
        // That was the fifth: the right one is not looked at.
        refused!(try_code(world.code(&factor)).await, AuthError::BadCode);
    }
}
