//! Disconnecting LINE channels.

use bson::doc;
use matome_domain::ids::ChannelId;
use matome_store::entities::{Channel, ChannelStatus, Operation, OperationState, TokenState};
use matome_tenancy::operations::{DisconnectChannel, Resume, RotateDataKey, Suspend};
use matome_testing::crash::{Boundaries, once_at};

use crate::stage::{Stage, Webhook, new_tenant, of_line};

fn disconnection(channel: &ChannelId) -> DisconnectChannel {
    DisconnectChannel { channel_id: channel.clone() }
}

async fn disconnect(stage: &Stage, channel: &ChannelId) -> Operation {
    let job = stage.world.ask(&stage.tenant, &disconnection(channel)).await;
    stage.world.drive(&job).await
}

/// The operations that hold a channel's secret.
async fn secrets(stage: &Stage, channel: &ChannelId) -> u64 {
    let operations = stage.world.system.store.platform_collection::<Operation>();
    let holding = doc! { "input.channelId": channel.as_str(), "input.secret": { "$exists": true } };
    operations.count_documents(holding).await.unwrap()
}

#[tokio::test]
async fn a_disconnected_channel_is_heard_no_more_and_can_be_connected_again() {
    let stage = Stage::open().await;
    let (channel, other) = (stage.connected().await, stage.connected().await);
    let channels = stage.world.system.store.platform_collection::<Channel>();
    let gathered = doc! { "$set": { "statistics.totalUsers": 7_i64, "description": "ours" } };
    channels.update_one(doc! { "channelId": channel.as_str() }, gathered).await.unwrap();
    assert!(stage.is_heard(&channel).await, "the webhook has it in its cache now");
    assert_eq!(secrets(&stage, &channel).await, 1);
    let url = stage.line.channel(channel.as_str()).unwrap().webhook_url;

    let done = disconnect(&stage, &channel).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert!(!stage.is_heard(&channel).await, "nobody holds it any more when it is done");
    assert!(stage.is_heard(&other).await);
    let left = stage.document(&channel).await.unwrap();
    assert_eq!((left.status, left.health.token_state), (ChannelStatus::Inactive, TokenState::Unknown));
    assert_eq!((left.statistics.total_users, left.description.as_deref()), (7, Some("ours")));
    assert_eq!((&of_line(&left).channel_secret, of_line(&left).webhook_verified), (&None, false));
    assert_eq!((secrets(&stage, &channel).await, secrets(&stage, &other).await), (0, 1));
    assert_eq!(stage.line.channel(channel.as_str()).unwrap().webhook_url, url, "LINE's API removes none");

    assert_eq!(disconnect(&stage, &channel).await.state, OperationState::Done, "once more is fine");
    let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    assert_eq!(stage.world.drive(&job).await.state, OperationState::Done, "there is nothing to seal anew");

    let again = stage.connect(&channel).await;
    assert_eq!(again.state, OperationState::Done, "{again:?}");
    assert!(stage.is_heard(&channel).await);
    let document = stage.document(&channel).await.unwrap();
    assert_eq!((document.status, document.statistics.total_users), (ChannelStatus::Active, 7));
}

#[tokio::test]
async fn a_channel_that_is_disconnected_while_suspended_does_not_come_back_when_the_tenant_does() {
    let stage = Stage::open().await;
    let (channel, other) = (stage.connected().await, stage.connected().await);
    let carry_out = async |job| assert_eq!(stage.world.drive(&job).await.state, OperationState::Done);
    carry_out(stage.world.ask(&stage.tenant, &Suspend { reason: "unpaid".to_owned() }).await).await;
    assert!(stage.is_heard(&channel).await, "what customers write is kept");
    assert_eq!(disconnect(&stage, &channel).await.state, OperationState::Done);
    carry_out(stage.world.ask(&stage.tenant, &Resume {}).await).await;
    assert!(!stage.is_heard(&channel).await && stage.is_heard(&other).await);
    assert_eq!(stage.document(&channel).await.unwrap().status, ChannelStatus::Inactive);
}

#[tokio::test]
async fn a_channel_is_disconnected_wherever_the_provisioner_dies() {
    let stage = Stage::open().await;
    let boundaries = Boundaries::default();
    let channel = stage.connected().await;
    let job = stage.world.ask(&stage.tenant, &disconnection(&channel)).await;
    stage.world.drive_with(&job, boundaries.watch()).await;
    assert!(boundaries.all().len() > 3, "within steps, too");
    for (boundary, time) in boundaries.all() {
        let channel = stage.connected().await;
        let job = stage.world.ask(&stage.tenant, &disconnection(&channel)).await;
        let done = stage.world.drive_with(&job, once_at(boundary, time)).await;
        assert_eq!(done.state, OperationState::Done, "{boundary} {time}: {done:?}");
        assert!(!Webhook::new(&stage.world).takes(&channel, &stage.secret(&channel)).await, "{boundary}");
        assert_eq!(stage.document(&channel).await.unwrap().status, ChannelStatus::Inactive, "{boundary}");
        assert_eq!(secrets(&stage, &channel).await, 0, "{boundary}");
    }
}

#[tokio::test]
async fn only_its_own_tenant_disconnects_a_channel_and_who_has_its_secret_connects_it_then() {
    let stage = Stage::open().await;
    let channel = stage.connected().await;
    let other = new_tenant(&stage.world).await;
    let job = stage.world.ask(&other, &disconnection(&channel)).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    assert!(stage.is_heard(&channel).await);
    let unknown = disconnect(&stage, &stage.new_channel()).await;
    let error = unknown.steps[0].error.as_ref().unwrap();
    assert_eq!(error, "channelId: is not a channel of this tenant");

    assert_eq!(disconnect(&stage, &channel).await.state, OperationState::Done);
    let job = stage.world.ask(&other, &stage.connection(&other, &channel).await).await;
    let done = stage.world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert_eq!(stage.document(&channel).await.unwrap().tenant_id, other.as_str());
    assert!(stage.is_heard(&channel).await);
    assert_eq!(disconnect(&stage, &channel).await.state, OperationState::Failed, "it is theirs now");
}

#[tokio::test]
async fn an_attempt_to_connect_again_that_fails_leaves_it_disconnected() {
    let mut stage = Stage::open().await;
    let channel = stage.connected().await;
    assert_eq!(disconnect(&stage, &channel).await.state, OperationState::Done);
    stage.world.webhook_base_url = "http://127.0.0.1:9".to_owned();
    let failed = stage.connect(&channel).await;
    assert_eq!((failed.state, failed.taken_back), (OperationState::Failed, true), "{failed:?}");
    let left = stage.document(&channel).await.unwrap();
    assert_eq!((left.status, &of_line(&left).channel_secret), (ChannelStatus::Inactive, &None));
    assert!(!Webhook::new(&stage.world).takes(&channel, &stage.secret(&channel)).await);
}
