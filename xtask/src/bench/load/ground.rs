//! Servers, resources and tenants for the functions under load.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use bson::oid::ObjectId;
use matome_domain::clock::Clock;
use matome_domain::ids::{ChannelId, ConversationId};
use matome_domain::placement::Placement;
use matome_domain::queue::{
    Inbound, InboundEvent, MediaJob, OutboundJob, QueueMessage, SummaryJob, TenantJob,
};
use matome_domain::tier::Tier;
use matome_line_simulator::{Deed, LineSimulator, NewChannel, NewUser, Place, SimulatorConfig};
use matome_local_stack::shared::OwnMongod;
use matome_local_stack::{Checkout, MiniStack, Progress, REGION, install};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::Env;
use matome_seeding::{Target, Tenant, seed};
use matome_store::Store;
use matome_store::entities::OrganizationSettings;
use matome_store::id::derived;
use matome_testing::TestTenant;

use crate::bench::cold_start::{BUCKET, DIRECTORY_TABLE, EPHEMERAL_TABLE, KMS_KEY, environment};
use crate::settings::DATABASE_PREFIX;

/// See the module.
pub(super) struct Ground {
    _mongod: OwnMongod,
    /// The platform's database and the home cell.
    pub(super) store: Store,
    ministack: MiniStack,
    pub(super) line: LineSimulator,
    /// The functions' environment.
    pub(super) environment: Vec<(String, String)>,
    /// Sessions of fifty messages, as most have.
    pub(super) usual: TestTenant,
    /// Sessions of five thousand.
    pub(super) patient: TestTenant,
    /// Sessions with pictures, which a provider is to see.
    pub(super) pictured: TestTenant,
}

impl Ground {
    pub(super) async fn prepare(checkout: &Checkout, progress: Progress) -> anyhow::Result<Self> {
        let python = install::ministack(checkout, progress).await?;
        let mongod = OwnMongod::start("bench-load").await?;
        let ministack = MiniStack::start(&python, &checkout.stack("bench"), false).await?;
        match Self::furnish(mongod, ministack.clone()).await {
            Ok(ground) => Ok(ground),
            Err(error) => {
                ministack.stop().await;
                Err(error)
            }
        }
    }

    async fn furnish(mongod: OwnMongod, ministack: MiniStack) -> anyhow::Result<Self> {
        let line = LineSimulator::start(SimulatorConfig::new(Arc::new(SystemClock))).await?;
        let (uri, endpoint) = (mongod.uri(), ministack.endpoint());
        let environment = environment(&uri, &endpoint, &line.api_url());
        resources(&Aws::from_env(&Env::from_map(environment.clone()), Patience::CONSUMER)?).await?;
        let target = Target {
            mongodb_uri: uri.clone(),
            database_prefix: DATABASE_PREFIX.to_owned(),
            aws_endpoint: endpoint,
            region: REGION.to_owned(),
            directory_table: DIRECTORY_TABLE.to_owned(),
            kms_key_id: KMS_KEY.to_owned(),
        };
        let store = Store::connect(&uri, DATABASE_PREFIX, 4).await?;
        let usual = tenant(&target, &store, &line, 1, 50).await?;
        let patient = tenant(&target, &store, &line, 2, 5_000).await?;
        let pictured = tenant(&target, &store, &line, 3, 50).await?;
        Ok(Self { _mongod: mongod, store, ministack, line, environment, usual, patient, pictured })
    }

    /// Ends the servers.
    pub(super) async fn leave(self) {
        self.ministack.stop().await;
    }

    /// A chat with somebody new.
    pub(super) fn chat(&self, name: &str) -> Place {
        Place::User(self.line.add_user(NewUser::named(name)))
    }

    /// What the webhook queues for a deed.
    pub(super) fn happens(&self, tenant: &TestTenant, deed: &Deed) -> anyhow::Result<Inbound> {
        let event = self.line.compose(tenant.channel.as_str(), deed)?;
        Ok(Inbound::Event(InboundEvent {
            tenant_id: tenant.id.clone(),
            channel_id: tenant.channel.clone(),
            conversation_id: ConversationId::new(deed.place.id())?,
            event_id: event["webhookEventId"].as_str().unwrap_or_default().to_owned(),
            received_at: SystemClock.now(),
            event,
        }))
    }
}

async fn resources(aws: &Aws) -> anyhow::Result<()> {
    for name in [DIRECTORY_TABLE, EPHEMERAL_TABLE] {
        let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build()?;
        let attribute =
            AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
        let table = aws.dynamodb().create_table().table_name(name).key_schema(key);
        let table = table.attribute_definitions(attribute.build()?);
        table.billing_mode(BillingMode::PayPerRequest).send().await?;
    }
    let key = aws.kms().create_key().send().await?.key_metadata;
    let key = key.map(|metadata| metadata.key_id).unwrap_or_default();
    aws.kms().create_alias().alias_name(KMS_KEY).target_key_id(key).send().await?;
    let here = BucketLocationConstraint::from(REGION);
    let here = CreateBucketConfiguration::builder().location_constraint(here).build();
    aws.s3().create_bucket().bucket(BUCKET).create_bucket_configuration(here).send().await?;
    let queues = [Inbound::QUEUE, MediaJob::QUEUE, SummaryJob::QUEUE, OutboundJob::QUEUE, TenantJob::QUEUE];
    for queue in queues {
        let mut create = aws.sqs().create_queue().queue_name(queue);
        if queue.ends_with(".fifo") {
            create = create.attributes(QueueAttributeName::FifoQueue, "true");
        }
        create.send().await?;
    }
    Ok(())
}

async fn tenant(
    target: &Target,
    store: &Store,
    line: &LineSimulator,
    number: u64,
    session: u32,
) -> anyhow::Result<TestTenant> {
    let channel = line.add_channel(NewChannel::default());
    let mut settings = OrganizationSettings::default();
    settings.session_triggers.message_count = Some(session);
    let organization: ObjectId = derived(&["bench", &number.to_string()]);
    let tenant = Tenant {
        organization,
        name: "Bench".to_owned(),
        settings,
        tier: Tier::Free,
        placement: Placement::Shared,
        timezone: "Asia/Tokyo".to_owned(),
        channel_id: channel.channel_id.clone(),
        channel_secret: channel.channel_secret.clone(),
        bot_user_id: channel.bot_user_id.clone(),
        webhook_url: "https://example.com".to_owned(),
    };
    let id = seed(target, &tenant).await?;
    Ok(TestTenant {
        store: store.tenant(&id, Placement::Shared),
        id,
        channel: ChannelId::new(channel.channel_id)?,
        secret: channel.channel_secret,
        bot_user_id: channel.bot_user_id,
    })
}
