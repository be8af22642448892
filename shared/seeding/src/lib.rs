//! Puts a tenant with one LINE channel into a local stack: what the provisioner will do for real
//! customers. `cargo xtask up` and the end-to-end tests use it; no function does.

pub mod sets;

use std::sync::Arc;

use bson::doc;
use bson::oid::ObjectId;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::{ChannelId, InvalidId, TenantId};
use matome_domain::placement::Placement;
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::clock::SystemClock;
use matome_runtime::config::{ConfigError, Env};
use matome_runtime::directory::{
    ChannelRecord, Directory, DirectoryError, HOME_CELL, Relocation, Status, TenantRecord, secret_field,
};
use matome_runtime::keys::{DataKeys, KeyError};
use matome_runtime::random::SystemRandom;
use matome_store::entities::{
    Channel, ChannelFeatures, ChannelHealth, ChannelStatistics, ChannelStatus, Connection, LineConnection,
    NewOrganization, Organization, OrganizationSettings, OrganizationStatus, Owner, OwnerSettings,
    OwnerUsage, Subscription, SubscriptionStatus,
};
use matome_store::time::date;
use matome_store::{Entity, Store, StoreError};

/// Why a tenant could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A setting of the stack is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An id has a character it must not have.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// MongoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// KMS failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// DynamoDB failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl From<mongodb::error::Error> for SeedError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The stack to write to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Connection string.
    pub mongodb_uri: String,
    /// What database names start with; `matome` unless the functions are told otherwise.
    pub database_prefix: String,
    /// The emulator.
    pub aws_endpoint: String,
    /// Its region.
    pub region: String,
    /// Output `DirectoryTable` of the deployed template.
    pub directory_table: String,
    /// Output `TenantKeyArn` of the deployed template.
    pub kms_key_id: String,
}

/// The tenant to write. The same ids written again replace what was there.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The organization; its id in hexadecimal is the tenant id.
    pub organization: ObjectId,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: OrganizationSettings,
    /// What it is served as.
    pub tier: Tier,
    /// Where its data live; usually where the tier says.
    pub placement: Placement,
    /// IANA name.
    pub timezone: String,
    /// LINE's channel id.
    pub channel_id: String,
    /// LINE's channel secret; stored sealed.
    pub channel_secret: String,
    /// The bot's user id.
    pub bot_user_id: String,
    /// Where LINE posts webhooks.
    pub webhook_url: String,
}

/// Writes owner, organization, channel, the tenant's collections and the directory's items.
///
/// # Errors
/// [`SeedError`]; writing again repairs what was written in part.
pub async fn seed(target: &Target, tenant: &Tenant) -> Result<TenantId, SeedError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let env = target.environment();
    let aws = Aws::from_env(&env, Patience::CONSUMER)?;
    let keys = DataKeys::from_env(&env, &aws, Arc::clone(&clock), Arc::new(SystemRandom))?;
    let directory = Directory::from_env(&env, &aws, clock)?;
    let store = Store::connect(&target.mongodb_uri, &target.database_prefix, 4).await?;

    let tenant_id = TenantId::new(tenant.organization.to_hex())?;
    let channel_id = ChannelId::new(tenant.channel_id.as_str())?;
    let key = keys.generate(&tenant_id, 1).await?;
    let secret = keys.seal(&tenant_id, &key, &secret_field(&channel_id), &tenant.channel_secret).await?;

    store.ensure_platform().await?;
    store.ensure_plans(date(now)).await?;
    store.tenant(&tenant_id, tenant.placement).ensure_collections().await?;
    let owner = tenant.owner(now);
    let organization = tenant.organization(owner.id, now);
    let channel = tenant.channel(owner.id, secret.as_str(), now);
    put(&store, owner.id, &owner).await?;
    store.create_organization(&organization).await?;
    put(&store, organization.id, &organization).await?;
    put(&store, channel.id, &channel).await?;

    // The directory last: from then on the webhook lets messages in.
    let cell = HOME_CELL.to_owned();
    let version = u64::try_from(now.0).unwrap_or_default();
    let record = TenantRecord {
        tenant_id: tenant_id.clone(),
        key: key.clone(),
        previous_key: None,
        placement: tenant.placement,
        cell: cell.clone(),
        status: Status::Active,
        relocation: Relocation::Settled,
        inbound_queue_url: None,
        bucket: None,
        version,
    };
    directory.put_tenant(&record).await?;
    let record = ChannelRecord {
        channel_id,
        tenant_id: tenant_id.clone(),
        bot_user_id: tenant.bot_user_id.clone(),
        secret,
        previous_secret: None,
        key,
        placement: tenant.placement,
        cell,
        status: Status::Active,
        inbound_queue_url: None,
        version,
    };
    directory.put_channel(&record).await?;
    Ok(tenant_id)
}

async fn put<E: Entity>(store: &Store, id: ObjectId, entity: &E) -> Result<(), SeedError> {
    store.platform_collection::<E>().replace_one(doc! { "_id": id }, entity).upsert(true).await?;
    Ok(())
}

impl Target {
    /// As a function's environment; the emulator takes `test` for the account's root.
    fn environment(&self) -> Env {
        Env::from_map([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", &self.region),
            ("AWS_ENDPOINT_URL", &self.aws_endpoint),
            ("DIRECTORY_TABLE", &self.directory_table),
            ("KMS_KEY_ID", &self.kms_key_id),
        ])
    }
}

impl Tenant {
    fn owner(&self, now: Timestamp) -> Owner {
        let organization = self.organization.to_hex();
        Owner {
            id: matome_store::id::derived(&["owner", &organization]),
            email: format!("{organization}@example.com"),
            name: self.name.clone(),
            slug: None,
            phone_number: None,
            plan: self.tier,
            limits: Terms::of(self.tier).owner_limits,
            settings: OwnerSettings {
                language: "en".to_owned(),
                timezone: self.timezone.clone(),
                notifications: true,
            },
            subscription: Subscription {
                status: SubscriptionStatus::Active,
                start_date: date(now),
                end_date: None,
                billing_cycle: None,
            },
            usage: OwnerUsage::default(),
            created_at: date(now),
            updated_at: date(now),
            version: 0,
        }
    }

    fn organization(&self, owner_id: ObjectId, now: Timestamp) -> Organization {
        let new = NewOrganization {
            id: self.organization,
            owner_id,
            name: self.name.clone(),
            tier: self.tier,
            limits: Terms::of(self.tier).limits,
            placement: self.placement,
        };
        Organization {
            settings: self.settings.clone(),
            timezone: self.timezone.clone(),
            status: OrganizationStatus::Active,
            ..new.provisioning(date(now))
        }
    }

    fn channel(&self, owner_id: ObjectId, sealed_secret: &str, now: Timestamp) -> Channel {
        Channel {
            id: matome_store::id::derived(&["channel", &self.channel_id]),
            tenant_id: self.organization.to_hex(),
            owner_id,
            channel_id: self.channel_id.clone(),
            connection: Connection::Line(LineConnection {
                bot_user_id: self.bot_user_id.clone(),
                basic_id: None,
                premium_id: None,
                chat_mode: None,
                mark_as_read_mode: None,
                channel_secret: Some(sealed_secret.to_owned()),
                channel_access_token: None,
                webhook_url: self.webhook_url.clone(),
                webhook_verified: true,
                verified_at: Some(date(now)),
            }),
            name: self.name.clone(),
            picture_url: None,
            description: None,
            features: ChannelFeatures { messaging: true, ..ChannelFeatures::default() },
            statistics: ChannelStatistics::default(),
            health: ChannelHealth::default(),
            status: ChannelStatus::Active,
            created_at: date(now),
            updated_at: date(now),
            version: 0,
        }
    }
}
