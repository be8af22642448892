//! Mails by way of SES's own client.

use matome_api::auth::mail::{Letter, Mail, MailError};
use matome_domain::language::Language;
use matome_local_stack::{Mailbox, REGION, shared};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};
use secrecy::SecretString;

/// Mails from `sender`, over the shared MiniStack.
fn mail(endpoint: &str, sender: &str) -> Mail {
    let env = Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL", endpoint),
        ("EMAIL_FROM", sender),
        ("CONSOLE_URL", "https://console.example/"),
    ]);
    Mail::from_env(&env, &Aws::from_env(&env, Patience::CONSUMER).unwrap()).unwrap()
}

#[tokio::test]
async fn a_letter_goes_out_over_ses_and_one_that_ses_refuses_is_an_error() {
    let endpoint = shared::aws_endpoint().await.unwrap();
    let (mailbox, run) = (Mailbox::at(&endpoint), SystemRandom.uuid());
    mailbox.verify_sender("api.matome.example").await.unwrap();
    let to = format!("{run}@customer.example");
    let letter = Letter::ResetPassword(SecretString::from("mot_canary"));
    let sender = mail(&endpoint, "no-reply@api.matome.example");
    sender.send(&to, Language::Ja, &letter).await.unwrap();
    let sent = mailbox.sent_to(&to).await.unwrap();
    assert_eq!((sent.len(), sent[0].subject.as_str()), (1, "パスワードの再設定"));
    assert!(sent[0].text.contains("https://console.example/reset-password#token=mot_canary"));
    let unverified = mail(&endpoint, &format!("no-reply@{run}.example"));
    let refused = unverified.send(&to, Language::Ja, &letter).await.unwrap_err();
    assert!(matches!(refused, MailError::Ses(_)));
    assert!(!format!("{refused} {refused:?}").contains("canary"));
    assert_eq!(mailbox.sent_to(&to).await.unwrap().len(), 1);
}
