//! Giving a tenant a new data key, while webhooks go on.

use bson::{Bson, Document, doc};
use matome_domain::fault::Faults;
use matome_domain::ids::ChannelId;
use matome_domain::queue::TenantJob;
use matome_provisioner::{ProvisionError, run};
use matome_runtime::directory::{KEEP_HIT, secret_field};
use matome_runtime::keys::Sealed;
use matome_store::entities::{Operation, OperationState};
use matome_store::time::timestamp;
use matome_tenancy::Tenants;
use matome_tenancy::operations::{ConnectChannel, RotateDataKey};
use matome_testing::crash::{Boundaries, once_at};
use secrecy::ExposeSecret;

use crate::stage::{Stage, Webhook, new_tenant, of_line};

/// A tenant with two channels, one of which has a secret before.
struct Shop {
    channels: [ChannelId; 2],
    old_secret: String,
    /// Somebody who has read of the tenant before, and believes it for a minute.
    consumer: Tenants,
}

impl Shop {
    async fn open(stage: &mut Stage) -> Self {
        stage.tenant = new_tenant(&stage.world).await;
        let channels = [stage.connected().await, stage.connected().await];
        let old_secret = stage.secret(&channels[0]);
        stage.issue_secret(&channels[0], "another-secret");
        let job = stage.world.ask(&stage.tenant, &stage.rotation(&channels[0]).await).await;
        assert_eq!(stage.world.drive(&job).await.state, OperationState::Done);
        Self { channels, old_secret, consumer: stage.world.system.tenants() }
    }

    /// Everything that is sealed opens, for who has just begun to read and for who has read before.
    async fn assert_readable(&self, stage: &Stage, webhooks: &[&Webhook], where_: &str) {
        for webhook in webhooks {
            for channel in &self.channels {
                assert!(webhook.takes(channel, &stage.secret(channel)).await, "{where_}");
            }
            assert!(webhook.takes(&self.channels[0], &self.old_secret).await, "{where_}");
        }
        let keys = stage.world.system.keys();
        for tenants in [&self.consumer, &stage.world.system.tenants()] {
            for channel in &self.channels {
                let stored = of_line(&stage.document(channel).await.unwrap()).channel_secret.clone();
                let (field, sealed) = (secret_field(channel), Sealed::from(stored.unwrap()));
                let secret = tenants.open(&keys, &stage.tenant, &field, &sealed).await.unwrap();
                assert_eq!(secret.expose_secret(), stage.secret(channel), "{where_}");
            }
        }
    }

    /// Nothing is left under the old key: not in the database, not in the directory.
    async fn assert_all_under(&self, stage: &Stage, version: u32) {
        let record = stage.world.system.directory().tenant(&stage.tenant).await.unwrap().unwrap();
        assert_eq!((record.key.key_version, record.previous_key.as_ref()), (version, None));
        for channel in &self.channels {
            let record = stage.world.system.directory().channel(channel).await.unwrap().unwrap();
            assert_eq!(record.key.key_version, version);
            let previous = record.previous_secret.as_ref().map(|p| &p.secret);
            for sealed in previous.into_iter().chain([&record.secret]) {
                assert_eq!(sealed.key_version().unwrap(), version);
            }
        }
        let sealed = sealed_of(stage).await;
        assert_eq!(sealed.len(), 2 + 3, "two channels, three operations: {sealed:?}");
        assert!(sealed.iter().all(|s| s.starts_with(&Sealed::prefix(version))), "{sealed:?}");
    }
}

/// Every sealed text in the tenant's documents of the platform's database, wherever it is.
async fn sealed_of(stage: &Stage) -> Vec<String> {
    let platform = stage.world.system.store.platform();
    let mut found = Vec::new();
    for name in platform.list_collection_names().await.unwrap() {
        let filter = doc! { "tenantId": stage.tenant.as_str() };
        let mut all = platform.collection::<Document>(&name).find(filter).await.unwrap();
        while all.advance().await.unwrap() {
            texts(&Bson::Document(all.deserialize_current().unwrap()), &mut found);
        }
    }
    found.retain(|text| Sealed::from(text.clone()).key_version().is_ok());
    found
}

fn texts(value: &Bson, found: &mut Vec<String>) {
    match value {
        Bson::String(text) => found.push(text.clone()),
        Bson::Array(values) => values.iter().for_each(|v| texts(v, found)),
        Bson::Document(fields) => fields.values().for_each(|v| texts(v, found)),
        _ => {}
    }
}

/// Drives an operation and reads at every death, every wait and the end.
async fn drive_reading(stage: &Stage, shop: &Shop, job: &TenantJob, faults: Faults, at: &str) -> Operation {
    let world = &stage.world;
    let mut context = world.context(faults);
    for _ in 0..100 {
        let outcome = run::run(&context, job).await;
        shop.assert_readable(stage, &[&stage.webhook, &Webhook::new(world)], at).await;
        let operation = world.operation(job).await;
        match outcome {
            Ok(OperationState::Waiting) => {
                let now = stage.now();
                world.system.clock.set(timestamp(operation.not_before.unwrap()).max(now));
            }
            Ok(_) => return operation,
            Err(ProvisionError::Fault(_)) => context = world.context(Faults::none()),
            Err(error) => panic!("{at}: {error}"),
        }
        shop.assert_readable(stage, &[&stage.webhook, &Webhook::new(world)], at).await;
    }
    panic!("{at}: it does not end");
}

#[tokio::test]
async fn everything_opens_at_every_moment_and_is_under_the_new_key_at_the_end() {
    let mut stage = Stage::open().await;
    let shop = Shop::open(&mut stage).await;
    let boundaries = Boundaries::default();
    let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    let done = drive_reading(&stage, &shop, &job, boundaries.watch(), "watched").await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    shop.assert_all_under(&stage, 2).await;
    let boundaries = boundaries.all();
    let within = |name: &str| boundaries.iter().filter(|(b, _)| *b == name).count();
    assert_eq!(within("rotate_data_key.item"), 4, "two passes over two channels");
    assert_eq!(within("rotate_data_key.operation"), 3);
    for ((boundary, time), version) in boundaries.into_iter().zip(3..) {
        let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
        let at = format!("{boundary} {time}");
        let done = drive_reading(&stage, &shop, &job, once_at(boundary, time), &at).await;
        assert_eq!(done.state, OperationState::Done, "{at}: {done:?}");
        shop.assert_all_under(&stage, version).await;
    }
}

#[tokio::test]
async fn a_rotation_that_failed_is_finished_by_the_next() {
    let mut stage = Stage::open().await;
    let shop = Shop::open(&mut stage).await;
    let channels = stage.world.system.store.platform().collection::<Document>("channels");
    let one = doc! { "channelId": shop.channels[1].as_str() };
    let whole = channels.find_one(one.clone()).await.unwrap().unwrap();
    let broken = doc! { "$set": { "channelSecret": "v1.1.AAAA" } };
    channels.update_one(one.clone(), broken).await.unwrap();
    let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let error = failed.steps.iter().find_map(|s| s.error.as_ref()).unwrap();
    assert!(error.starts_with(&format!("channelId: {}", shop.channels[1])), "{error}");
    let record = stage.world.system.directory().tenant(&stage.tenant).await.unwrap().unwrap();
    assert_eq!(record.previous_key.as_ref().map(|k| k.key_version), Some(1), "the old key is still needed");

    channels.replace_one(one, whole).await.unwrap();
    let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    assert_eq!(stage.world.drive(&job).await.state, OperationState::Done);
    shop.assert_all_under(&stage, 2).await;
}

#[tokio::test]
async fn what_is_sealed_by_somebody_who_has_not_heard_of_the_new_key_is_found() {
    let mut stage = Stage::open().await;
    let shop = Shop::open(&mut stage).await;
    let late = stage.world.system.tenants();
    let keys = stage.world.system.keys();
    // It knows the tenant from now on, and for a minute.
    late.directory().tenant(&stage.tenant).await.unwrap();
    let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    let waiting = stage.world.drive_until(&job, Faults::none(), |_| true).await;
    assert!(waiting.steps.iter().any(|s| s.name == "reseal" && s.done), "{waiting:?}");
    let channel = &shop.channels[1];
    let secret = stage.secret(channel);
    let sealed = late.seal(&keys, &stage.tenant, &secret_field(channel), &secret).await.unwrap();
    assert_eq!(sealed.key_version().unwrap(), 1);
    let channels = stage.world.system.store.platform().collection::<Document>("channels");
    let set = doc! { "$set": { "channelSecret": sealed.as_str() } };
    channels.update_one(doc! { "channelId": channel.as_str() }, set).await.unwrap();
    assert_eq!(stage.world.drive(&job).await.state, OperationState::Done);
    shop.assert_all_under(&stage, 2).await;
    assert!(stage.now().since(timestamp(waiting.created_at)) >= KEEP_HIT);
}

#[tokio::test]
async fn a_secret_of_an_ended_operation_that_opens_for_nobody_holds_up_nothing() {
    let stage = Stage::open().await;
    let channel = stage.new_channel();
    let garbage =
        ConnectChannel { channel_id: channel.clone(), secret: Sealed::from("v1.1.AAAA".to_owned()) };
    let job = stage.world.ask(&stage.tenant, &garbage).await;
    let failed = stage.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let rotation = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
    assert_eq!(stage.world.drive(&rotation).await.state, OperationState::Done);
    assert!(!stage.world.operation(&job).await.input.contains_key("secret"));
}

#[tokio::test]
async fn keys_are_replaced_again_and_again() {
    let mut stage = Stage::open().await;
    let shop = Shop::open(&mut stage).await;
    for version in 2..5 {
        let job = stage.world.ask(&stage.tenant, &RotateDataKey {}).await;
        let done = stage.world.drive(&job).await;
        assert_eq!(done.state, OperationState::Done, "{done:?}");
        shop.assert_all_under(&stage, version).await;
    }
    assert!(stage.is_heard(&shop.channels[0]).await);
}
