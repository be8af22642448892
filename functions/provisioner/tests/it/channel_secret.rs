//! Taking a channel's new secret into use.

use std::time::Duration;

use matome_runtime::directory::KEEP_HIT;
use matome_store::entities::OperationState;
use matome_testing::crash::{Boundaries, once_at};

use crate::stage::{Stage, Webhook, of_line};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn the_new_secret_is_taken_and_the_old_one_for_an_hour() {
    let stage = Stage::open().await;
    let channel = stage.connected().await;
    let (old, new) = (stage.secret(&channel), "another-secret");
    let sealed = of_line(&stage.document(&channel).await.unwrap()).channel_secret.clone();
    stage.issue_secret(&channel, new);
    let asked_at = stage.now();
    let job = stage.world.ask(&stage.tenant, &stage.rotation(&channel).await).await;
    let done = stage.world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    // The webhook had the old secret in its cache: LINE's test is made until it has not.
    assert!(done.detail("test").unwrap().get_i32("tests").unwrap() > 1, "{done:?}");
    assert!(stage.now().since(asked_at) <= KEEP_HIT * 2);
    assert!(stage.is_heard(&channel).await);
    assert_ne!(of_line(&stage.document(&channel).await.unwrap()).channel_secret, sealed);

    let webhook = Webhook::new(&stage.world);
    assert!(webhook.takes(&channel, new).await && webhook.takes(&channel, &old).await);
    // An hour from when the directory had it, which is a moment after it was asked for.
    stage.world.system.clock.set(asked_at.plus(HOUR));
    assert!(webhook.takes(&channel, &old).await);
    stage.world.system.clock.set(asked_at.plus(HOUR + KEEP_HIT));
    assert!(webhook.takes(&channel, new).await && !webhook.takes(&channel, &old).await);
}

#[tokio::test]
async fn both_secrets_are_taken_wherever_the_provisioner_dies() {
    let stage = Stage::open().await;
    let boundaries = Boundaries::default();
    let channel = stage.connected().await;
    let job = stage.world.ask(&stage.tenant, &stage.rotation(&channel).await).await;
    stage.world.drive_with(&job, boundaries.watch()).await;
    for (n, (boundary, time)) in boundaries.all().into_iter().enumerate() {
        let (old, new) = (stage.secret(&channel), format!("secret-{n}"));
        stage.issue_secret(&channel, &new);
        let job = stage.world.ask(&stage.tenant, &stage.rotation(&channel).await).await;
        let done = stage.world.drive_with(&job, once_at(boundary, time)).await;
        assert_eq!(done.state, OperationState::Done, "{boundary} {time}: {done:?}");
        let webhook = Webhook::new(&stage.world);
        assert!(webhook.takes(&channel, &new).await && webhook.takes(&channel, &old).await, "{boundary}");
    }
}

#[tokio::test]
async fn a_secret_that_line_does_not_take_changes_nothing() {
    let stage = Stage::open().await;
    let channel = stage.connected().await;
    let before = stage.document(&channel).await;
    let mut request = stage.rotation(&channel).await;
    request.secret = stage.seal(&stage.tenant, &channel, "not LINE's").await;
    let job = stage.world.ask(&stage.tenant, &request).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let error = failed.steps[0].error.as_ref().unwrap();
    assert_eq!(error, "secret: LINE does not take it for this channel");
    assert_eq!(stage.document(&channel).await, before);
    assert!(stage.is_heard(&channel).await);

    let job = stage.world.ask(&stage.tenant, &stage.rotation(&stage.new_channel()).await).await;
    let failed = stage.world.drive(&job).await;
    let error = failed.steps[0].error.as_ref().unwrap();
    assert_eq!(error, "channelId: is not a channel of this tenant");
}
