//! What the recorder notes of a channel: near the truth, seldom, and never in the way.

use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::Inbound;
use matome_line_simulator::{LineSimulator, NewChannel, SimulatorConfig};
use matome_store::entities::{Channel, ChannelHealth, Message, TokenState};
use matome_store::time::date;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures};
use serde_json::json;

use crate::recorder::{NOWHERE, Recorder, all};

const MINUTE: Duration = Duration::from_secs(60);

async fn connected(system: &TestSystem) -> TestTenant {
    let tenant = system.tenant(Placement::Shared).await;
    let channels = system.store.platform_collection::<Channel>();
    channels.insert_one(fixtures::channel(&tenant)).await.expect("can be stored");
    tenant
}

async fn health(system: &TestSystem, tenant: &TestTenant) -> ChannelHealth {
    let channels = system.store.platform_collection::<Channel>();
    let found = channels.find_one(doc! { "channelId": tenant.channel.as_str() }).await;
    found.expect("MongoDB answers").expect("it is connected").health
}

/// The `n`-th message, so many seconds after the test began.
fn message(tenant: &TestTenant, n: u64) -> Inbound {
    let talk = Talk { tenant, group: None, user: "U1" };
    talk.text(&n.to_string(), BEGIN.plus(Duration::from_secs(n)), "hello")
}

fn changed(inbound: Inbound, fields: serde_json::Value) -> Inbound {
    let Inbound::Event(mut event) = inbound else { panic!("not an event") };
    for (name, value) in fields.as_object().expect("an object") {
        event.event[name] = value.clone();
    }
    Inbound::Event(event)
}

fn redelivered(inbound: Inbound) -> Inbound {
    changed(inbound, json!({ "deliveryContext": { "isRedelivery": true } }))
}

#[tokio::test]
async fn the_record_says_what_came_and_what_came_again() {
    let system = TestSystem::start().await;
    let (tenant, other) = (connected(&system).await, connected(&system).await);
    let recorder = Recorder::start(&system);
    for batch in 0..10_u64 {
        let of = |n| message(&tenant, batch * 10 + n);
        let batch: Vec<Inbound> = (0..10).map(|n| if n == 3 { redelivered(of(n)) } else { of(n) }).collect();
        recorder.record(&batch).await;
        system.clock.advance(MINUTE / 5);
    }
    // Ten batches in less than two minutes, written after the first and the sixth.
    assert_eq!(health(&system, &tenant).await.received, 60);
    // The rest is written with whatever comes next.
    recorder.record(&[message(&other, 1)]).await;
    let health_now = health(&system, &tenant).await;
    assert_eq!((health_now.received, health_now.redelivered), (100, 10));
    assert_eq!(health_now.redelivery_rate(), Some(0.1));
    assert_eq!(health_now.last_webhook_at, Some(date(BEGIN.plus(Duration::from_secs(99)))));
    assert_eq!(health_now.counted_since, Some(date(BEGIN)));
    assert!(!health_now.standby);
    assert_eq!(health(&system, &other).await.received, 1);
}

#[tokio::test]
async fn one_environment_writes_a_channel_once_a_minute() {
    let system = TestSystem::start().await;
    let tenant = connected(&system).await;
    let recorder = Recorder::start(&system);
    recorder.record(&[message(&tenant, 0)]).await;
    let mut writes = 0;
    let mut last = health(&system, &tenant).await;
    for n in 1..=60 {
        system.clock.advance(MINUTE / 20);
        recorder.record(&[message(&tenant, n)]).await;
        let now = health(&system, &tenant).await;
        writes += u32::from(now != last);
        last = now;
    }
    assert_eq!(writes, 3);
}

#[tokio::test]
async fn the_newest_event_says_whether_another_system_has_the_conversation() {
    let system = TestSystem::start().await;
    let tenant = connected(&system).await;
    let standby = |n| changed(message(&tenant, n), json!({ "mode": "standby" }));
    Recorder::start(&system).record(&[standby(5), message(&tenant, 4)]).await;
    assert!(health(&system, &tenant).await.standby);
    // Another environment, with an older event.
    Recorder::start(&system).record(&[message(&tenant, 3)]).await;
    let after = health(&system, &tenant).await;
    assert!(after.standby && after.received == 3, "{after:?}");
    Recorder::start(&system).record(&[message(&tenant, 6)]).await;
    assert!(!health(&system, &tenant).await.standby);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_fails_no_message_and_is_written_later() {
    let system = TestSystem::start().await;
    let tenant = connected(&system).await;
    let refuse = |validator| {
        let command = doc! { "collMod": "channels", "validator": validator, "validationLevel": "strict" };
        let platform = system.store.platform();
        async move { platform.run_command(command).await.expect("the validator can be changed") }
    };
    refuse(doc! { "never": { "$exists": true } }).await;
    let recorder = Recorder::start(&system);
    recorder.record(&[message(&tenant, 1), redelivered(message(&tenant, 2))]).await;
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 2);
    assert_eq!(health(&system, &tenant).await, ChannelHealth::default());

    refuse(doc! {}).await;
    system.clock.advance(MINUTE);
    recorder.record(&[message(&tenant, 3)]).await;
    let after = health(&system, &tenant).await;
    assert_eq!((after.received, after.redelivered), (3, 1));
}

#[tokio::test]
async fn calls_for_profiles_say_whether_line_takes_the_channels_credentials() {
    let system = TestSystem::start().await;
    let tenant = connected(&system).await;
    let line = LineSimulator::start(SimulatorConfig::new(system.clock.clone()))
        .await
        .expect("a loopback port is free");
    line.add_channel(NewChannel {
        channel_id: Some(tenant.channel.to_string()),
        channel_secret: Some(tenant.secret.clone()),
        bot_user_id: Some(tenant.bot_user_id.clone()),
        ..NewChannel::default()
    });
    let recorder = || Recorder::with(&system, Faults::none(), &line.api_url(), NOWHERE);
    // LINE does not know the person, which is no error.
    recorder().record(&[message(&tenant, 1)]).await;
    let after = health(&system, &tenant).await;
    assert_eq!((after.token_state, after.last_error), (TokenState::Valid, None));

    // The secret is another one at LINE now; profiles are asked for once a day.
    line.update_channel(tenant.channel.as_str(), |c| c.channel_secret = "another".to_owned())
        .expect("it is there");
    system.clock.advance(24 * 60 * MINUTE);
    recorder().record(&[message(&tenant, 2)]).await;
    let after = health(&system, &tenant).await;
    assert_eq!(after.token_state, TokenState::Refused);
    assert_eq!(after.last_error.map(|error| error.code).as_deref(), Some("unauthorized"));
    assert_eq!(after.received, 2, "everything is recorded all the same");
}

#[tokio::test]
async fn what_nobody_is_connected_to_is_recorded_all_the_same() {
    let system = TestSystem::start().await;
    let tenant = system.tenant(Placement::Shared).await;
    Recorder::start(&system).record(&[message(&tenant, 1)]).await;
    assert_eq!(all::<Message>(&tenant, "_id").await.len(), 1);
    let channels = system.store.platform_collection::<Channel>();
    assert_eq!(channels.count_documents(doc! { "tenantId": tenant.id.as_str() }).await.unwrap(), 0);
}
