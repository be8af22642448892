//! A dedicated tenant's stack: made by the provisioner's own rights from what was deployed, it takes
//! the tenant's messages all the way on queues, consumers, key and bucket of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::doc;
use matome_domain::ids::ChannelId;
use matome_domain::placement::Placement;
use matome_line_simulator::Act;
use matome_runtime::aws::Aws;
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_runtime::directory::{ChannelRecord, Directory, TenantRecord, secret_field};
use matome_runtime::keys::DataKeys;
use matome_runtime::random::SystemRandom;
use matome_stacks::{Resources, Result, TenantStacks, TenantStatus};
use matome_store::entities::{Message, OrganizationSettings};

use crate::permissions::refused;
use crate::stage::{Business, Stage, eventually};

const WITHIN: Duration = Duration::from_secs(120);

/// CloudFormation as the deployed provisioner has it: its environment, its role.
async fn stacks(stage: &Stage) -> TenantStacks {
    let function = stage.function("provisioner");
    let aws = stage.root.assume(&stage.root.role_of(&function).await).await;
    let env = Env::from_map(stage.root.environment_of(&function).await);
    TenantStacks::from_env(&env, &aws).unwrap().expect("the code for tenants' stacks was deployed")
}

async fn settled(mut ask: impl AsyncFnMut() -> Result<TenantStatus>) -> TenantStatus {
    let begun = Instant::now();
    loop {
        match ask().await.unwrap() {
            TenantStatus::InProgress if begun.elapsed() < WITHIN => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            settled => return settled,
        }
    }
}

async fn ready(stacks: &TenantStacks, business: &Business<'_>, token: &str) -> Resources {
    let status = settled(async || stacks.ensure(&business.tenant, token).await).await;
    let TenantStatus::Ready(resources) = status else { panic!("{status:?}") };
    resources
}

/// What the provisioner does when a tenant becomes dedicated: its data key under its own KMS key, its
/// channel to its own queue.
async fn move_in(business: &mut Business<'_>, own: &Resources) {
    let stage = business.stage;
    let clock = Arc::new(SystemClock);
    let function = stage.function("provisioner");
    let provisioner = stage.root.assume(&stage.root.role_of(&function).await).await;
    let keys = DataKeys::from_client(
        provisioner.kms(),
        Some(own.key_arn.clone()),
        clock.clone(),
        Arc::new(SystemRandom),
    );
    let table = stage.output("DirectoryTable").to_owned();
    let directory = Directory::from_client(provisioner.dynamodb(), table, clock);
    let id = ChannelId::new(business.channel.channel_id.as_str()).unwrap();
    let key = keys.generate(&business.tenant, 1).await.unwrap();
    let field = secret_field(&id);
    let secret = keys.seal(&business.tenant, &key, &field, &business.channel.channel_secret).await.unwrap();
    let tenant = directory.tenant(&business.tenant).await.unwrap().unwrap();
    let channel = directory.channel(&id).await.unwrap().unwrap();
    business.store = stage.store.tenant(&business.tenant, Placement::Dedicated);
    business.store.ensure_collections().await.unwrap();
    let tenant = TenantRecord {
        key: key.clone(),
        placement: Placement::Dedicated,
        inbound_queue_url: Some(own.inbound_queue_url.clone()),
        bucket: Some(own.bucket.clone()),
        version: tenant.version + 1,
        ..(*tenant).clone()
    };
    directory.put_tenant(&tenant).await.unwrap();
    let channel = ChannelRecord {
        secret,
        key,
        placement: Placement::Dedicated,
        inbound_queue_url: Some(own.inbound_queue_url.clone()),
        version: channel.version + 1,
        ..(*channel).clone()
    };
    directory.put_channel(&channel).await.unwrap();
}

#[tokio::test]
async fn a_dedicated_tenant_is_served_by_its_own_stack_from_webhook_to_line_and_leaves_its_data_behind() {
    let stage = Stage::enter().await;
    let stacks = stacks(&stage).await;
    let mut business = Business::open(&stage, OrganizationSettings::default()).await;
    let own = ready(&stacks, &business, "e2e-1").await;
    for shared in ["InboundQueueUrl", "MediaQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl", "Bucket"] {
        let shared = stage.output(shared);
        assert!(
            [&own.inbound_queue_url, &own.media_queue_url, &own.summaries_queue_url]
                .into_iter()
                .chain([&own.outbound_queue_url, &own.bucket])
                .all(|resource| resource != shared)
        );
    }
    assert_ne!(own.key_arn, stage.output("TenantKeyArn"));
    move_in(&mut business, &own).await;

    // The webhook opens the secret with the tenant's key and sends to the tenant's queue, which only
    // the tenant's recorder may read; summarizer and sender are its own as well.
    let group = business.group("dedicated", &[("Aoi", "en"), ("Bun", "en")]);
    business.say(&group.place, &group.users[0], "Let us ship the release on Friday.").await;
    business.say(&group.place, &group.users[1], "I will write the notes by Thursday.").await;
    business.perform(&group.place, Some(&group.users[0]), Act::text("/summary")).await;
    let messages = eventually("the messages in the tenant's own database", async || {
        let messages = business.all::<Message>(doc! { "command": { "$exists": false } }).await;
        (messages.len() == 2).then_some(messages)
    });
    messages.await;
    business.summarized(&group.place).await;
    business.heard(&group.place, |message| message["type"] == "flex").await;
    let shared = stage.store.tenant(&business.tenant, Placement::Shared).collection::<Message>();
    assert_eq!(shared.count(doc! {}).await.unwrap(), 0, "nothing took the shared way");

    reaches_only_its_own(&stage, &business, &own).await;

    // Gone: queues, functions, roles. Kept: what could not be made again.
    let gone = settled(async || stacks.remove(&business.tenant, "e2e-2").await).await;
    assert_eq!(gone, TenantStatus::Missing);
    let attributes = stage.aws().sqs().get_queue_attributes().queue_url(&own.inbound_queue_url);
    assert!(attributes.send().await.is_err());
    stage.aws().s3().head_bucket().bucket(&own.bucket).send().await.unwrap();
    let key = stage.aws().kms().describe_key().key_id(&own.key_arn).send().await.unwrap();
    assert!(key.key_metadata.unwrap().enabled);
    // It is no obstacle to coming back.
    let back = ready(&stacks, &business, "e2e-3").await;
    assert_eq!(back.inbound_queue_url, own.inbound_queue_url);
    assert!(back.bucket != own.bucket && back.key_arn != own.key_arn);
    assert_eq!(settled(async || stacks.remove(&business.tenant, "e2e-4").await).await, TenantStatus::Missing);
}

async fn reaches_only_its_own(stage: &Stage, business: &Business<'_>, own: &Resources) {
    let function = |name: &str| format!("{}-tenant-{}-{name}", stage.platform(), business.tenant);
    let item = |key: &str| {
        std::collections::HashMap::from([(
            "pk".to_owned(),
            aws_sdk_dynamodb::types::AttributeValue::S(key.to_owned()),
        )])
    };
    let directory = stage.output("DirectoryTable");
    for name in ["recorder", "media", "summarizer", "sender"] {
        let aws: Aws = stage.root.assume(&stage.root.role_of(&function(name)).await).await;
        let own_item = item(&format!("TENANT#{}", business.tenant));
        aws.dynamodb().get_item().table_name(directory).set_key(Some(own_item.clone())).send().await.unwrap();
        refused!(name, aws.dynamodb().put_item().table_name(directory).set_item(Some(own_item)));
        refused!(name, aws.dynamodb().scan().table_name(directory));
        for queue in ["InboundQueueUrl", "MediaQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl"] {
            refused!(name, aws.sqs().receive_message().queue_url(stage.output(queue)));
            let send = aws.sqs().send_message().queue_url(stage.output(queue)).message_body("{}");
            refused!(name, send.message_group_id("g"));
        }
        let object = format!("tenants/{}/media/m/original", business.tenant);
        refused!(name, aws.s3().get_object().bucket(stage.output("Bucket")).key(&object));
        refused!(name, aws.s3().put_object().bucket(&own.bucket).key("tenants/other/media/m/original"));
        let data_key = aws.kms().generate_data_key().key_id(&own.key_arn);
        refused!(name, data_key.key_spec(aws_sdk_kms::types::DataKeySpec::Aes256));
    }
    // While it comes or leaves its data key is wrapped by the platform's KMS key.
    let platforms = stage.aws().kms().generate_data_key().key_id(stage.output("TenantKeyArn"));
    let platforms = platforms.key_spec(aws_sdk_kms::types::DataKeySpec::Aes256);
    let wrapped = platforms.encryption_context("tenantId", business.tenant.as_str()).send().await.unwrap();
    for name in ["recorder", "media", "sender"] {
        let aws: Aws = stage.root.assume(&stage.root.role_of(&function(name)).await).await;
        let decrypt = aws.kms().decrypt().ciphertext_blob(wrapped.ciphertext_blob.clone().unwrap());
        let opened = decrypt.encryption_context("tenantId", business.tenant.as_str()).send().await.unwrap();
        assert_eq!(opened.plaintext, wrapped.plaintext, "{name}");
    }
    let summarizer: Aws = stage.root.assume(&stage.root.role_of(&function("summarizer")).await).await;
    let decrypt = summarizer.kms().decrypt().ciphertext_blob(wrapped.ciphertext_blob.unwrap());
    refused!("summarizer", decrypt.encryption_context("tenantId", business.tenant.as_str()));
    // And the shared consumers do not reach what is the tenant's.
    for name in ["recorder", "media", "summarizer", "sender"] {
        let aws = stage.root.assume(&stage.root.role_of(&stage.function(name)).await).await;
        for queue in [&own.inbound_queue_url, &own.media_queue_url, &own.outbound_queue_url] {
            refused!(name, aws.sqs().receive_message().queue_url(queue));
        }
        let object = format!("tenants/{}/media/m/original", business.tenant);
        refused!(name, aws.s3().get_object().bucket(&own.bucket).key(object));
    }
}
