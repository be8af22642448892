//! Tenants that come to a stack of their own, and leave it.

use std::collections::BTreeSet;

use bson::{Document, doc};
use bytes::Bytes;
use matome_domain::fault::Faults;
use matome_domain::ids::DocumentId;
use matome_domain::placement::Placement;
use matome_domain::tier::Tier;
use matome_runtime::blobs::{BlobKey, Blobs, MediaPart};
use matome_runtime::directory::{ChannelRecord, TenantRecord, secret_field};
use matome_runtime::keys::Sealed;
use matome_stacks::Resources;
use matome_store::entities::{Operation, OperationState};
use matome_tenancy::operations::ChangeTier;
use matome_testing::crash::once_at;
use secrecy::ExposeSecret;

use crate::bucket::Bucket;
use crate::mover::Mover;
use crate::stacks::TemplateOfStacks;

/// A tenant with messages and media, in a deployment that makes stacks.
struct Customer {
    mover: Mover,
    platform: Bucket,
    messages: Vec<DocumentId>,
}

impl Customer {
    async fn open() -> Self {
        let mut mover = Mover::start(Placement::Shared).await;
        let platform = Bucket::make().await;
        mover.world.stacks = Some(TemplateOfStacks::put(&platform).await);
        mover.world.blobs = Some(platform.blobs.clone());
        mover.record(0, 10).await;
        // The document of a connected channel has a sealed secret as well.
        let directory = mover.world.system.directory();
        let listed = directory.newest_channel(&mover.tenant.channel).await.unwrap().unwrap();
        let set = doc! {
            "botUserId": &listed.bot_user_id, "channelSecret": listed.secret.as_str(),
            "webhookUrl": "https://hooks.example.com", "updatedAt": bson::DateTime::from_millis(0),
        };
        let channels = mover.world.system.store.platform().collection::<Document>("channels");
        let own = doc! { "tenantId": mover.tenant.id.as_str() };
        channels.update_one(own, doc! { "$set": set }).await.unwrap();
        let messages = mover.documents(Placement::Shared).await;
        let messages = messages["messages"]
            .iter()
            .map(|message| DocumentId::new(message.get_object_id("_id").unwrap().to_hex()).unwrap());
        Self { messages: messages.collect(), mover, platform }
    }

    fn key(&self, message: usize) -> BlobKey {
        BlobKey::media(&self.mover.tenant.id, &self.messages[message], MediaPart::Original)
    }

    async fn store(&self, bucket: &Blobs, message: usize) {
        bucket.put(&self.key(message), "image/png", Bytes::from_static(b"picture")).await.unwrap();
    }

    /// The customer unsends a message, whose media were erased where the tenant lives.
    async fn unsend(&self, placement: Placement, message: usize) {
        let platform = self.mover.world.system.store.platform();
        let prefix = platform.name().strip_suffix("_platform").unwrap();
        let database = platform.client().database(&placement.database(prefix, &self.mover.tenant.id));
        let id = bson::oid::ObjectId::parse_str(self.messages[message].as_str()).unwrap();
        let set = doc! { "$set": { "media": { "status": "erased", "attempts": 0_i64 } } };
        let changed = database.collection::<Document>("messages").update_one(doc! { "_id": id }, set).await;
        assert_eq!(changed.unwrap().modified_count, 1);
    }

    /// Every version there is in a bucket of the tenant.
    async fn has(&self, bucket: &Blobs) -> BTreeSet<String> {
        let bucket =
            Bucket { s3: self.platform.s3.clone(), name: bucket.bucket().to_owned(), blobs: bucket.clone() };
        bucket.versions().await.into_iter().filter(|key| key.starts_with("tenants/")).collect()
    }

    fn keys(&self, messages: &[usize]) -> BTreeSet<String> {
        messages.iter().map(|message| self.key(*message).as_str().to_owned()).collect()
    }

    fn own(&self, own: &Resources) -> Blobs {
        self.platform.blobs.in_bucket(&own.bucket)
    }

    async fn stack(&self) -> Option<Resources> {
        self.mover.world.stacks.as_ref().unwrap().of(&self.mover.tenant.id).await
    }

    async fn records(&self) -> (TenantRecord, ChannelRecord) {
        let directory = self.mover.world.system.directory();
        let tenant = directory.newest_tenant(&self.mover.tenant.id).await.unwrap().unwrap();
        let channel = directory.newest_channel(&self.mover.tenant.channel).await.unwrap().unwrap();
        (tenant, channel)
    }

    /// The data key is wrapped by this KMS key, nothing is left under another, and everything opens.
    async fn assert_keyed(&self, kms_key: Option<&str>) {
        let system = &self.mover.world.system;
        let (tenant, channel) = self.records().await;
        assert_eq!(system.wrapped_by(&tenant.key).as_deref(), kms_key);
        assert_eq!((&tenant.previous_key, &channel.key), (&None, &tenant.key));
        let field = secret_field(&channel.channel_id);
        let secret =
            system.keys().open(&tenant.tenant_id, &tenant.key, &field, &channel.secret).await.unwrap();
        assert!(!secret.expose_secret().is_empty());
        let channels = system.store.platform().collection::<Document>("channels");
        let stored =
            channels.find_one(doc! { "tenantId": tenant.tenant_id.as_str() }).await.unwrap().unwrap();
        let sealed = stored.get_str("channelSecret").unwrap();
        assert!(sealed.starts_with(&Sealed::prefix(tenant.key.key_version)), "{sealed}");
    }

    /// Everybody is told of the tenant's own queue and bucket, or that it has none.
    async fn assert_told(&self, own: Option<&Resources>) {
        let (tenant, channel) = self.records().await;
        let inbound = own.map(|own| &own.inbound_queue_url);
        assert_eq!(
            (tenant.inbound_queue_url.as_ref(), channel.inbound_queue_url.as_ref()),
            (inbound, inbound)
        );
        assert_eq!(tenant.bucket.as_ref(), own.map(|own| &own.bucket));
    }

    /// Gives up a change of tier at a boundary.
    async fn give_up(&self, tier: Tier, boundary: &'static str) {
        let job = self.mover.world.ask(&self.mover.tenant.id, &ChangeTier { tier }).await;
        self.mover.until_death(&job, once_at(boundary, 1)).await;
        self.mover.abort(&job).await;
        let end = self.mover.world.drive(&job).await;
        assert_eq!(end.state, OperationState::Aborted, "{end:?}");
    }
}

fn begun(operation: &Operation, name: &str) -> bool {
    operation.steps.iter().any(|step| step.name == name)
}

#[tokio::test]
async fn a_tenant_comes_to_a_stack_of_its_own_with_key_media_and_queues_and_leaves_it_again() {
    let customer = Customer::open().await;
    let (world, tenant) = (&customer.mover.world, &customer.mover.tenant.id);
    let platform = &customer.platform.blobs;
    for message in [0, 1] {
        customer.store(platform, message).await;
    }

    // Given up on the way there: nothing is left of it.
    customer.give_up(Tier::Enterprise, "copy").await;
    assert!(customer.stack().await.is_none());
    assert_eq!(customer.has(platform).await, customer.keys(&[0, 1]));
    // It stays behind, and is erased there with the rest.
    let export = BlobKey::export(tenant, &customer.messages[0], &customer.messages[1]);
    platform.put(&export, "application/json", Bytes::from_static(b"{}")).await.unwrap();
    customer.assert_keyed(None).await;

    let job = world.ask(tenant, &ChangeTier { tier: Tier::Enterprise }).await;
    world.drive_until(&job, Faults::none(), |operation| begun(operation, "grace")).await;
    let own = customer.stack().await.unwrap();
    customer.assert_told(Some(&own)).await;
    // Functions of the platform finish their work yet, and open what they could open before.
    customer.assert_keyed(None).await;
    assert_eq!(customer.has(&customer.own(&own)).await, customer.keys(&[0, 1]));
    customer.store(platform, 2).await;
    customer.unsend(Placement::Dedicated, 1).await;
    let done = world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert_eq!(
        customer.has(&customer.own(&own)).await,
        customer.keys(&[0, 2]),
        "what was unsent is not back"
    );
    assert!(customer.has(platform).await.is_empty());
    customer.assert_keyed(Some(&own.key_arn)).await;

    // Given up on the way back: the data key is the stack's again.
    let documents = customer.mover.documents(Placement::Dedicated).await;
    customer.give_up(Tier::Free, "copy").await;
    assert_eq!(customer.stack().await, Some(own.clone()));
    assert_eq!(customer.has(&customer.own(&own)).await, customer.keys(&[0, 2]));
    assert!(customer.has(platform).await.is_empty());
    customer.assert_keyed(Some(&own.key_arn)).await;
    customer.assert_told(Some(&own)).await;

    // What is in its queues is worked on before they go.
    world.queued.hold(&own.outbound_queue_url, 1);
    let job = world.ask(tenant, &ChangeTier { tier: Tier::Free }).await;
    let waits = world.drive_until(&job, Faults::none(), |operation| begun(operation, "drain")).await;
    assert_eq!(waits.detail("drain"), Some(&doc! { "held": { "outbound": 1_i64 } }));
    customer.assert_told(None).await;
    customer.store(&customer.own(&own), 3).await;
    world.queued.hold(&own.outbound_queue_url, 0);
    let done = world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
    assert!(customer.stack().await.is_none());
    assert_eq!(customer.has(platform).await, customer.keys(&[0, 2, 3]));
    assert!(customer.has(&customer.own(&own)).await.is_empty());
    customer.assert_keyed(None).await;
    customer.mover.assert_lives(Placement::Shared, &documents, 10).await;
}

#[tokio::test]
async fn a_move_to_and_from_a_stack_ends_the_same_wherever_the_provisioner_dies() {
    let customer = Customer::open().await;
    let (world, tenant) = (&customer.mover.world, &customer.mover.tenant.id);
    let platform = &customer.platform.blobs;
    for message in [0, 1] {
        customer.store(platform, message).await;
    }
    let re_keyed = [
        "rotate_data_key.generated",
        "rotate_data_key.in_use",
        "rotate_data_key.channel",
        "rotate_data_key.retired",
    ];
    let change = async |tier, boundaries: &[&'static str]| {
        let job = world.ask(tenant, &ChangeTier { tier }).await;
        for boundary in boundaries {
            customer.mover.until_death(&job, once_at(boundary, 1)).await;
        }
        let done = world.drive(&job).await;
        assert_eq!(done.state, OperationState::Done, "{done:?}");
    };
    let there = ["stack", "media", "media.page", "flip.tenant", "media_rest", "media_left", "own_key"];
    change(Tier::Enterprise, &[&there[..], &re_keyed].concat()).await;
    let own = customer.stack().await.unwrap();
    customer.assert_told(Some(&own)).await;
    customer.assert_keyed(Some(&own.key_arn)).await;
    assert_eq!(customer.has(&customer.own(&own)).await, customer.keys(&[0, 1]));
    assert!(customer.has(platform).await.is_empty());

    let documents = customer.mover.documents(Placement::Dedicated).await;
    let back = ["media", "media.page", "drain", "media_rest", "media_left", "stack_gone"];
    change(Tier::Free, &[&["platform_key"], &re_keyed[..], &back].concat()).await;
    assert!(customer.stack().await.is_none());
    customer.assert_told(None).await;
    customer.assert_keyed(None).await;
    assert_eq!(customer.has(platform).await, customer.keys(&[0, 1]));
    assert!(customer.has(&customer.own(&own)).await.is_empty());
    customer.mover.assert_lives(Placement::Shared, &documents, 10).await;
}
