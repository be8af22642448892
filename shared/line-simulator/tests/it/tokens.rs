//! Stateless channel access tokens.

use std::time::Duration;

use matome_line::client::{Credentials, LineClient, LineConfig, LineError, SendOutcome};
use matome_line_simulator::Endpoint;
use uuid::Uuid;

use crate::stage::{Stage, client, text};

fn issued(s: &Stage) -> usize {
    s.simulator.inspect(|w| w.call_count(Endpoint::Token))
}

#[tokio::test]
async fn one_token_serves_many_calls_even_at_once() {
    let s = Stage::new().await;
    futures::future::join_all((0..10).map(|_| s.line.bot_info()))
        .await
        .into_iter()
        .for_each(|r| drop(r.unwrap()));
    s.line.quota().await.unwrap();
    assert_eq!(issued(&s), 1);
}

#[tokio::test]
async fn a_token_is_renewed_in_its_last_minute() {
    let s = Stage::new().await;
    s.line.bot_info().await.unwrap();
    s.client_clock.advance(Duration::from_secs(13 * 60));
    s.line.bot_info().await.unwrap();
    assert_eq!(issued(&s), 1);
    s.client_clock.advance(Duration::from_secs(2 * 60));
    s.line.bot_info().await.unwrap();
    assert_eq!(issued(&s), 2);
}

#[tokio::test]
async fn a_token_that_line_refuses_is_replaced_and_the_call_repeated() {
    let s = Stage::new().await;
    s.line.bot_info().await.unwrap();
    // The client's clock stands still: it believes in its token, LINE does not.
    s.clock.advance(Duration::from_secs(15 * 60));
    let outcome = s.line.push(&s.yui, &[text("x")], Uuid::new_v4()).await;
    assert!(matches!(outcome, SendOutcome::Accepted { .. }), "{outcome:?}");
    assert_eq!((issued(&s), s.sent(&s.yui_chat())), (2, 1));
    let statuses = s.simulator.inspect(|w| {
        w.calls.iter().filter(|c| c.endpoint == Endpoint::Push).map(|c| c.status).collect::<Vec<_>>()
    });
    assert_eq!(statuses, [Some(401), Some(200)]);
}

#[tokio::test]
async fn a_wrong_secret_is_unauthorized() {
    let s = Stage::new().await;
    let mut wrong = s.channel.clone();
    wrong.channel_secret = "wrong".into();
    let line = client(&s.simulator.api_url(), &wrong, s.client_clock.clone());
    assert_eq!(line.push(&s.yui, &[text("x")], Uuid::new_v4()).await, SendOutcome::Unauthorized);
    let error = line.bot_info().await.unwrap_err();
    assert!(matches!(error, LineError::Unauthorized));
    assert!(!format!("{error} {error:?} {line:?}").contains("wrong"));
}

#[tokio::test]
async fn a_rotated_secret_does_not_get_the_old_token() {
    let s = Stage::new().await;
    let config = LineConfig {
        api_url: s.simulator.api_url(),
        data_api_url: s.simulator.api_url(),
        ..LineConfig::default()
    };
    let client = LineClient::new(config, s.client_clock.clone()).unwrap();
    let with = |secret: &str| {
        client
            .channel(Credentials::Secret { channel_id: s.id().to_owned(), channel_secret: secret.to_owned() })
    };
    with(&s.channel.channel_secret).bot_info().await.unwrap();
    assert!(matches!(with("new").bot_info().await, Err(LineError::Unauthorized)));
    s.simulator.update_channel(s.id(), |c| c.channel_secret = "new".into()).unwrap();
    with("new").bot_info().await.unwrap();
}

#[tokio::test]
async fn a_long_lived_token_that_is_refused_is_not_repeated() {
    let s = Stage::new().await;
    let config = LineConfig { api_url: s.simulator.api_url(), ..LineConfig::default() };
    let line = LineClient::new(config, s.client_clock.clone())
        .unwrap()
        .channel(Credentials::Token("secret-token".into()));
    let error = line.bot_info().await.unwrap_err();
    assert!(matches!(error, LineError::Unauthorized));
    assert!(!format!("{line:?} {error:?}").contains("secret-token"));
    assert_eq!(s.simulator.inspect(|w| w.call_count(Endpoint::BotInfo)), 1);
}
