//! Mails as the functions send them, with SES's own client.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use aws_sdk_sesv2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use aws_sdk_sesv2::{Client, Config};
use matome_local_stack::{Mailbox, REGION, shared};

fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    Client::from_conf(config.build())
}

/// Sends a mail and returns what SES calls it, or the code of its refusal.
async fn send(ses: &Client, from: &str, to: &str, subject: &str) -> Result<String, String> {
    let content = |text: &str| Content::builder().data(text).charset("UTF-8").build().unwrap();
    let body = Body::builder().text(content("まとめ https://matome.example/?a=1&b=2\n"));
    let message = Message::builder().subject(content(subject)).body(body.html(content("<p>x</p>")).build());
    let sent = ses
        .send_email()
        .from_email_address(from)
        .destination(Destination::builder().to_addresses(to).build())
        .content(EmailContent::builder().simple(message.build()).build())
        .send()
        .await;
    match sent {
        Ok(sent) => Ok(sent.message_id.unwrap()),
        Err(error) => Err(error.into_service_error().code().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn what_ses_was_asked_to_send_can_be_read_by_its_recipient() {
    let endpoint = shared::aws_endpoint().await.unwrap();
    let (ses, mailbox) = (client(&endpoint), Mailbox::at(&endpoint));
    mailbox.verify_sender("reads.matome.example").await.unwrap();
    mailbox.verify_sender("reads.matome.example").await.unwrap();
    let run = std::process::id();
    let (one, other) = (format!("one-{run}@customer.example"), format!("other-{run}@customer.example"));
    let from = "no-reply@reads.matome.example";
    let first = send(&ses, from, &one, "確認").await.unwrap();
    send(&ses, from, &other, "not for one").await.unwrap();
    let second = send(&ses, from, &one, "and again").await.unwrap();
    let mails = mailbox.sent_to(&one).await.unwrap();
    let ids: Vec<_> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
    assert_eq!(ids, [first, second]);
    let mail = &mails[0];
    assert_eq!((mail.from.as_str(), mail.subject.as_str()), (from, "確認"));
    assert_eq!(mail.text, "まとめ https://matome.example/?a=1&b=2\n");
    assert_eq!(mail.html.as_deref(), Some("<p>x</p>"));
}

#[tokio::test]
async fn a_sender_that_nobody_verified_is_refused() {
    let endpoint = shared::aws_endpoint().await.unwrap();
    let to = format!("refused-{}@customer.example", std::process::id());
    let refused = send(&client(&endpoint), "no-reply@unverified.example", &to, "x").await;
    assert_eq!(refused.unwrap_err(), "MessageRejected");
    assert!(Mailbox::at(&endpoint).sent_to(&to).await.unwrap().is_empty());
}
