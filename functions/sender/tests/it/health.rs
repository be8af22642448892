//! What the sender notes of a channel: the month's quota, errors, and whether LINE takes its secret.

use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_line_simulator::{Endpoint, Fault};
use matome_store::entities::{Channel, ChannelHealth, OutboxState, TokenState};
use matome_store::time::date;
use matome_testing::{fixtures, sqs};

use crate::stage::Stage;

async fn connect(stage: &Stage) {
    let channels = stage.system.store.platform_collection::<Channel>();
    channels.insert_one(fixtures::channel(&stage.tenant)).await.unwrap();
}

async fn channel(stage: &Stage) -> Channel {
    let channels = stage.system.store.platform_collection::<Channel>();
    let filter = doc! { "channelId": stage.tenant.channel.as_str() };
    channels.find_one(filter).await.unwrap().unwrap()
}

async fn health(stage: &Stage) -> ChannelHealth {
    channel(stage).await.health
}

#[tokio::test]
async fn what_line_took_is_counted_with_the_channel_and_what_it_refused_is_not() {
    let stage = Stage::chat().await;
    connect(&stage).await;
    let sender = stage.sender(Faults::none());
    let before = channel(&stage).await;
    let send = async |token| {
        let entry = stage.queue(stage.the_summary(), token).await;
        let event = sqs::batch(&[fixtures::outbound_job(&stage.tenant, &entry)]);
        matome_sender::handle(event, &sender).await.unwrap();
        // The channel is written once a minute at most.
        stage.system.clock.advance(Duration::from_secs(61));
    };
    send(Some(stage.token())).await;
    assert_eq!(channel(&stage).await.statistics.messages_sent, 1, "a reply");
    send(None).await;
    assert_eq!(channel(&stage).await.statistics.messages_sent, 2, "and a push");
    stage.line.fail_next(Endpoint::Push, Fault::Status(400), 1);
    send(None).await;
    let after = channel(&stage).await;
    assert_eq!((after.statistics.messages_sent, after.version), (2, before.version));
}

#[tokio::test]
async fn a_push_shows_that_tokens_can_be_had_and_what_is_left_of_the_month() {
    let stage = Stage::chat().await;
    connect(&stage).await;
    stage.set_quota(200, 30);
    let entry = stage.queue(stage.the_summary(), None).await;
    assert_eq!(stage.deliver(&entry).await.state, OutboxState::Accepted);
    let health = health(&stage).await;
    assert_eq!((health.token_state, health.last_error), (TokenState::Valid, None));
    assert_eq!(health.token_checked_at, Some(date(stage.now())));
    let quota = health.quota.unwrap();
    assert_eq!((quota.limit, quota.used, quota.as_of), (Some(200), 30, date(stage.now())));
}

#[tokio::test]
async fn a_secret_that_line_refuses_is_noted_at_once_and_that_it_takes_it_again() {
    let stage = Stage::chat().await;
    connect(&stage).await;
    let sender = stage.sender(Faults::none());
    let send = async || {
        let entry = stage.queue(stage.the_summary(), None).await;
        let event = sqs::batch(&[fixtures::outbound_job(&stage.tenant, &entry)]);
        matome_sender::handle(event, &sender).await.unwrap();
    };
    stage.line.fail_next(Endpoint::Token, Fault::Status(400), 1);
    send().await;
    let refused = health(&stage).await;
    assert_eq!(refused.token_state, TokenState::Refused);
    let error = refused.last_error.unwrap();
    assert_eq!((error.code.as_str(), error.at), ("unauthorized", date(stage.now())));
    // In the same minute, and from the same environment.
    send().await;
    let valid = health(&stage).await;
    assert_eq!(valid.token_state, TokenState::Valid);
    assert_eq!(valid.last_error.unwrap().code, "unauthorized", "the last error stays");
}

#[tokio::test]
async fn an_error_is_noted_and_a_record_that_cannot_be_written_holds_up_nothing() {
    let stage = Stage::chat().await;
    connect(&stage).await;
    stage.line.fail_next(Endpoint::Reply, Fault::RateLimited(None), 3);
    let entry = stage.queue(stage.the_summary(), Some(stage.token())).await;
    assert!(stage.deliver_with(&entry, Faults::none()).await, "to be tried again");
    let noted = health(&stage).await;
    assert_eq!(noted.last_error.unwrap().code, "rate_limited");
    assert_eq!(noted.token_state, TokenState::Unknown, "a rate says nothing of it");

    let validator = doc! { "never": { "$exists": true } };
    let command = doc! { "collMod": "channels", "validator": validator, "validationLevel": "strict" };
    stage.system.store.platform().run_command(command).await.unwrap();
    stage.system.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.deliver(&entry).await.state, OutboxState::Accepted);
    assert_eq!(health(&stage).await.token_state, TokenState::Unknown);
}
