//! Connecting LINE channels.

use std::time::Duration;

use bson::doc;
use matome_line_simulator::{Endpoint, Fault};
use matome_provisioner::operations::steps;
use matome_runtime::directory::KEEP_HIT;
use matome_store::entities::{ChannelQuota, ChannelStatus, OperationKind, OperationState, TokenState};
use matome_store::time::date;
use matome_tenancy::operations::{AskError, retry};
use matome_testing::crash::{Boundaries, once_at};

use crate::stage::{Stage, Webhook, new_tenant, of_line};

#[tokio::test]
async fn a_channel_is_connected_and_line_has_proved_it() {
    let stage = Stage::open().await;
    let channel = stage.new_channel();
    let done = stage.connect(&channel).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert_eq!(done.detail("test").unwrap(), &doc! { "tests": 1, "reason": "OK", "statusCode": 200 });

    let at_line = stage.line.channel(channel.as_str()).unwrap();
    let url = format!("{}/line/{channel}", stage.world.webhook_base_url);
    assert_eq!(at_line.webhook_url.as_ref(), Some(&url));
    let document = stage.document(&channel).await.unwrap();
    assert_eq!(
        (document.tenant_id.as_str(), document.status),
        (stage.tenant.as_str(), ChannelStatus::Active)
    );
    assert_eq!(document.name, at_line.name);
    assert_eq!(document.health.token_state, TokenState::Valid);
    assert_eq!(document.health.last_error, None);
    let line = of_line(&document);
    assert_eq!((&line.bot_user_id, line.basic_id.as_ref()), (&at_line.bot_user_id, Some(&at_line.basic_id)));
    assert_eq!((line.webhook_url.as_str(), line.webhook_verified), (url.as_str(), true));
    assert_eq!(line.verified_at, Some(date(stage.now())));
    assert!(line.channel_secret.as_ref().unwrap().starts_with("v1.1."), "sealed");
    assert!(stage.is_heard(&channel).await);
}

#[tokio::test]
async fn a_connected_channel_says_what_it_may_send_if_line_does() {
    let stage = Stage::open().await;
    let quota = async |limit: Option<u64>, is_told: bool| {
        let channel = stage.new_channel();
        stage.line.update_channel(channel.as_str(), |c| (c.quota, c.quota_used) = (limit, 12)).unwrap();
        if !is_told {
            stage.line.fail_next(Endpoint::QuotaConsumption, Fault::Status(500), 1);
        }
        assert_eq!(stage.connect(&channel).await.state, OperationState::Done);
        stage.document(&channel).await.unwrap().health.quota
    };
    let as_of = date(stage.now());
    let told = |limit| ChannelQuota { limit, used: 12, as_of };
    assert_eq!(quota(Some(200), true).await.map(|q| ChannelQuota { as_of, ..q }), Some(told(Some(200))));
    assert_eq!(quota(None, true).await.map(|q| ChannelQuota { as_of, ..q }), Some(told(None)));
    assert_eq!(quota(Some(200), false).await, None);
}

#[tokio::test]
async fn a_channel_is_connected_once_wherever_the_provisioner_dies() {
    let watched = Stage::open().await;
    let boundaries = Boundaries::default();
    let channel = watched.new_channel();
    let job = watched.world.ask(&watched.tenant, &watched.connection(&watched.tenant, &channel).await).await;
    watched.world.drive_with(&job, boundaries.watch()).await;
    assert!(boundaries.all().len() > steps(OperationKind::ConnectChannel).len(), "within steps, too");
    for (boundary, time) in boundaries.all() {
        let stage = &watched;
        let tenant = new_tenant(&stage.world).await;
        let channel = stage.new_channel();
        let job = stage.world.ask(&tenant, &stage.connection(&tenant, &channel).await).await;
        let done = stage.world.drive_with(&job, once_at(boundary, time)).await;
        assert_eq!(done.state, OperationState::Done, "{boundary} {time}: {done:?}");
        let document = stage.document(&channel).await.unwrap();
        assert_eq!((document.tenant_id, document.status), (tenant.to_string(), ChannelStatus::Active));
        assert!(Webhook::new(&stage.world).takes(&channel, &stage.secret(&channel)).await, "{boundary}");
    }
}

#[tokio::test]
async fn a_wrong_secret_ends_it_at_once_and_is_named() {
    let stage = Stage::open().await;
    let channel = stage.new_channel();
    let mut request = stage.connection(&stage.tenant, &channel).await;
    request.secret = stage.seal(&stage.tenant, &channel, "not LINE's").await;
    let job = stage.world.ask(&stage.tenant, &request).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    assert_eq!((failed.steps[0].name.as_str(), failed.steps[0].attempts), ("credentials", 1));
    assert!(failed.steps[0].error.as_ref().unwrap().starts_with("secret: "), "{failed:?}");
    assert_eq!(stage.document(&channel).await, None);

    // Sealed for another channel, it does not even open.
    let mut request = stage.connection(&stage.tenant, &channel).await;
    request.secret = stage.seal(&stage.tenant, &stage.new_channel(), &stage.secret(&channel)).await;
    let job = stage.world.ask(&stage.tenant, &request).await;
    let failed = stage.world.drive(&job).await;
    assert!(failed.steps[0].error.as_ref().unwrap().starts_with("secret: does not open"), "{failed:?}");
}

#[tokio::test]
async fn a_channel_of_another_tenant_stays_theirs() {
    let stage = Stage::open().await;
    let channel = stage.connected().await;
    let before = stage.document(&channel).await;
    let other = new_tenant(&stage.world).await;
    let job = stage.world.ask(&other, &stage.connection(&other, &channel).await).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let error = failed.steps[0].error.as_ref().unwrap();
    assert_eq!(error, "channelId: is connected to another tenant");
    // Who does not have its secret is not told that anybody has it.
    let third = new_tenant(&stage.world).await;
    let mut request = stage.connection(&third, &channel).await;
    request.secret = stage.seal(&third, &channel, "not LINE's").await;
    let job = stage.world.ask(&third, &request).await;
    let failed = stage.world.drive(&job).await;
    assert!(failed.steps[0].error.as_ref().unwrap().starts_with("secret: "), "{failed:?}");
    assert_eq!(stage.document(&channel).await, before);
    assert!(stage.is_heard(&channel).await);
}

#[tokio::test]
async fn a_setting_that_line_would_not_take_is_named_before_line_is_called() {
    let mut stage = Stage::open().await;
    stage.world.webhook_base_url = "http://hooks.example.com".to_owned();
    let failed = stage.connect(&stage.new_channel()).await;
    assert_eq!(failed.state, OperationState::Failed);
    let error = failed.steps[0].error.as_ref().unwrap();
    assert_eq!(error, "WEBHOOK_BASE_URL: must begin with https://");
    assert_eq!(stage.line.inspect(|w| w.calls.len()), 0);
}

#[tokio::test]
async fn a_test_that_fails_at_first_is_made_again() {
    let stage = Stage::open().await;
    let channel = stage.new_channel();
    // The webhook was asked for the channel before it was listed, and believes that there is none.
    assert!(!stage.webhook.takes(&channel, "x").await);
    stage.line.fail_next(Endpoint::TestWebhook, Fault::RateLimited(Some(40)), 1);
    let begun = stage.now();
    let done = stage.connect(&channel).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert_eq!(done.detail("test").unwrap().get_i32("tests").unwrap(), 2);
    assert!(stage.now().since(begun) >= Duration::from_secs(40));
}

#[tokio::test]
async fn a_test_that_keeps_failing_leaves_nothing_of_a_new_channel() {
    let mut stage = Stage::open().await;
    let channel = stage.new_channel();
    let theirs = format!("{}/line/theirs", stage.world.webhook_base_url);
    stage.line.set_webhook(channel.as_str(), &theirs, None).unwrap();
    // Nothing listens there.
    stage.world.webhook_base_url = "http://127.0.0.1:9".to_owned();
    let failed = stage.connect(&channel).await;
    assert_eq!(failed.state, OperationState::Failed, "{failed:?}");
    let test = failed.steps.iter().find(|s| s.name == "test").unwrap();
    assert_eq!(test.detail.get_str("reason").unwrap(), "COULD_NOT_CONNECT");
    assert!(test.error.as_ref().unwrap().starts_with("webhook: LINE's test of it failed: COULD_NOT_CONNECT"));
    assert!(stage.line.inspect(|w| w.call_count(Endpoint::TestWebhook)) <= 10);
    assert_eq!(stage.document(&channel).await, None);
    assert!(!Webhook::new(&stage.world).takes(&channel, &stage.secret(&channel)).await);
    assert_eq!(stage.line.channel(channel.as_str()).unwrap().webhook_url, Some(theirs), "given back");
}

#[tokio::test]
async fn what_took_itself_back_begins_anew_when_it_is_tried_again() {
    let mut stage = Stage::open().await;
    let channel = stage.new_channel();
    let works = std::mem::replace(&mut stage.world.webhook_base_url, "http://127.0.0.1:9".to_owned());
    let request = stage.connection(&stage.tenant, &channel).await;
    let job = stage.world.ask(&stage.tenant, &request).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!((failed.state, failed.taken_back), (OperationState::Failed, true));

    stage.world.webhook_base_url = works;
    let (store, queues) = (&stage.world.system.store, &stage.world.queues);
    retry(store, queues, &stage.tenant, failed.id, stage.now()).await.unwrap();
    let done = stage.world.drive(&job).await;
    assert_eq!((done.state, done.taken_back), (OperationState::Done, false), "{done:?}");
    assert!(Webhook::new(&stage.world).takes(&channel, &stage.secret(&channel)).await);
    assert!(matches!(
        retry(store, queues, &stage.tenant, failed.id, stage.now()).await,
        Err(AskError::NoSuchOperation("failed"))
    ));
}

#[tokio::test]
async fn a_new_channel_is_taken_back_wherever_the_provisioner_dies() {
    let boundaries = Boundaries::default();
    let mut stage = Stage::open().await;
    stage.world.webhook_base_url = "http://127.0.0.1:9".to_owned();
    let channel = stage.new_channel();
    let job = stage.world.ask(&stage.tenant, &stage.connection(&stage.tenant, &channel).await).await;
    stage.world.drive_with(&job, boundaries.watch()).await;
    let back = boundaries.all().into_iter().filter(|(name, _)| {
        name.ends_with("_back") || name.ends_with(".unlisted") || name.ends_with(".removed")
    });
    let back: Vec<_> = back.collect();
    assert_eq!(back.len(), 5, "{back:?}");
    for (boundary, time) in back {
        let channel = stage.new_channel();
        let job = stage.world.ask(&stage.tenant, &stage.connection(&stage.tenant, &channel).await).await;
        let failed = stage.world.drive_with(&job, once_at(boundary, time)).await;
        assert_eq!(failed.state, OperationState::Failed, "{boundary}");
        assert_eq!(stage.document(&channel).await, None, "{boundary}");
        assert!(!Webhook::new(&stage.world).takes(&channel, &stage.secret(&channel)).await, "{boundary}");
    }
}

#[tokio::test]
async fn connecting_again_repairs_a_channel_and_keeps_what_it_gathered() {
    let stage = Stage::open().await;
    let channel = stage.connected().await;
    let channels = stage.world.system.store.platform().collection::<bson::Document>("channels");
    let broken = doc! { "$set": {
        "botUserId": "Uwrong", "statistics.totalUsers": 7_i64, "description": "ours", "status": "inactive",
        "health.received": 9_i64,
    } };
    channels.update_one(doc! { "channelId": channel.as_str() }, broken).await.unwrap();
    stage.world.system.directory().remove_channel(&channel).await.unwrap();
    stage.world.system.clock.advance(KEEP_HIT);
    assert!(!stage.is_heard(&channel).await);

    let old = stage.secret(&channel);
    stage.issue_secret(&channel, "another-secret");
    let done = stage.connect(&channel).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert!(stage.is_heard(&channel).await);
    assert!(!stage.webhook.takes(&channel, &old).await, "the directory did not know it any more");
    let document = stage.document(&channel).await.unwrap();
    assert_eq!(of_line(&document).bot_user_id, stage.line.channel(channel.as_str()).unwrap().bot_user_id);
    assert_eq!((document.statistics.total_users, document.health.received), (7, 9));
    assert_eq!((document.description.as_deref(), document.status), (Some("ours"), ChannelStatus::Active));
}

#[tokio::test]
async fn a_connected_channel_outlives_an_attempt_to_connect_it_again() {
    let mut stage = Stage::open().await;
    let channel = stage.connected().await;
    let url = stage.line.channel(channel.as_str()).unwrap().webhook_url;
    stage.world.webhook_base_url = "http://127.0.0.1:9".to_owned();
    let failed = stage.connect(&channel).await;
    assert_eq!(failed.state, OperationState::Failed);
    assert!(stage.document(&channel).await.is_some());
    assert_eq!(stage.line.channel(channel.as_str()).unwrap().webhook_url, url);
    assert!(stage.is_heard(&channel).await);
}
