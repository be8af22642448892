//! What the client makes of a LINE that fails.

use std::time::Duration;

use matome_line::client::{Credentials, LineClient, LineConfig, LineError, SendOutcome};
use matome_line_simulator::{Endpoint, Fault};
use uuid::Uuid;

use crate::stage::{Stage, text};

#[tokio::test]
async fn server_errors_are_unavailable_and_nothing_is_sent() {
    let s = Stage::new().await;
    s.simulator.fail_next(Endpoint::Push, Fault::Status(503), 1);
    let key = Uuid::new_v4();
    let outcome = s.line.push(&s.yui, &[text("x")], key).await;
    assert_eq!(outcome, SendOutcome::Unavailable { status: Some(503) });
    assert_eq!(s.sent(&s.yui_chat()), 0);
    assert!(matches!(s.line.push(&s.yui, &[text("x")], key).await, SendOutcome::Accepted { .. }));
    s.simulator.fail_next(Endpoint::Profile, Fault::Status(500), 1);
    assert!(matches!(s.line.profile(&s.yui).await, Err(LineError::Unavailable { status: 500 })));
}

#[tokio::test]
async fn rate_limits_and_refusals_keep_their_meaning() {
    let s = Stage::new().await;
    s.simulator.fail_next(Endpoint::Push, Fault::RateLimited(Some(7)), 1);
    let outcome = s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await;
    assert_eq!(outcome, SendOutcome::RateLimited { retry_after: Some(Duration::from_secs(7)) });
    s.simulator.fail_next(Endpoint::Push, Fault::Status(403), 1);
    assert_eq!(s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await, SendOutcome::Forbidden);
    s.simulator.fail_next(Endpoint::Push, Fault::Status(413), 1);
    let outcome = s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await;
    assert!(matches!(outcome, SendOutcome::Rejected { status: 413, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_lost_answer_to_a_push_is_settled_by_its_retry_key() {
    let s = Stage::new().await;
    s.simulator.fail_next(Endpoint::Push, Fault::DropAfter, 1);
    let key = Uuid::new_v4();
    assert_eq!(s.line.push(&s.yui, &[text("x")], key).await, SendOutcome::Unknown);
    let again = s.line.push(&s.yui, &[text("x")], key).await;
    let SendOutcome::AlreadyAccepted { accepted_request_id: Some(_), sent_messages } = again else {
        panic!("{again:?}")
    };
    assert_eq!((sent_messages.len(), s.sent(&s.yui_chat())), (1, 1));
}

#[tokio::test]
async fn a_lost_answer_to_a_reply_stays_unknown_though_it_was_delivered() {
    let s = Stage::new().await;
    s.simulator.fail_next(Endpoint::Reply, Fault::DropAfter, 1);
    let token = s.reply_token();
    assert_eq!(s.line.reply(&token, &[text("x")]).await, SendOutcome::Unknown);
    assert_eq!(s.sent(&s.yui_chat()), 1);
    assert_eq!(s.line.reply(&token, &[text("x")]).await, SendOutcome::InvalidReplyToken);
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_call_is_done_is_unknown_as_well() {
    let s = Stage::new().await;
    s.simulator.fail_next(Endpoint::Reply, Fault::DropBefore, 1);
    let token = s.reply_token();
    assert_eq!(s.line.reply(&token, &[text("x")]).await, SendOutcome::Unknown);
    assert_eq!(s.sent(&s.yui_chat()), 0, "the client cannot tell this from the other");
}

#[tokio::test]
async fn a_call_that_hangs_is_unknown_after_the_timeout() {
    let s = Stage::new().await;
    s.simulator.fail_next(Endpoint::Push, Fault::Hang, 1);
    assert_eq!(s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await, SendOutcome::Unknown);
}

#[tokio::test]
async fn when_no_token_is_to_be_had_nothing_was_sent() {
    let s = Stage::new().await;
    for fault in [Fault::Status(500), Fault::DropAfter] {
        s.simulator.fail_next(Endpoint::Token, fault, 1);
        let outcome = s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await;
        assert_eq!(outcome, SendOutcome::Unavailable { status: None }, "{fault:?}");
    }
    assert_eq!(s.simulator.inspect(|w| w.call_count(Endpoint::Push)), 0);
}

#[tokio::test]
async fn a_line_that_cannot_be_reached_has_seen_nothing() {
    let s = Stage::new().await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let config = LineConfig { api_url: url.clone(), data_api_url: url, ..LineConfig::default() };
    let line =
        LineClient::new(config, s.client_clock.clone()).unwrap().channel(Credentials::Token("t".into()));
    let outcome = line.reply("token", &[text("x")]).await;
    assert_eq!(outcome, SendOutcome::Unavailable { status: None });
    let error = line.bot_info().await.unwrap_err();
    assert!(matches!(error, LineError::Unreachable(_)) && error.is_transient());
}
