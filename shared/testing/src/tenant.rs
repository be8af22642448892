//! A system of one's own: databases, directory, KMS, clock; with tenants in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bson::DateTime;
use bson::oid::ObjectId;
use matome_domain::clock::Timestamp;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::limits::Limits;
use matome_domain::placement::Placement;
use matome_domain::plan::{Features, Terms};
use matome_domain::tier::Tier;
use matome_line::client::{LineClient, LineConfig};
use matome_runtime::clock::ManualClock;
use matome_runtime::directory::{
    ChannelRecord, Directory, HOME_CELL, MemoryTable, Relocation, Status, TenantRecord, secret_field,
};
use matome_runtime::keys::{DataKeys, MemoryKms, WrappedKey};
use matome_runtime::random::{Random, SystemRandom};
use matome_store::entities::{NewOrganization, Organization, OrganizationSettings, OrganizationStatus};
use matome_store::{Store, TenantStore};
use matome_tenancy::{Cells, Channels, Tenants};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::TestWriter;

/// 2026-11-20T09:00:00Z: when every test begins.
pub const BEGIN: Timestamp = Timestamp(1_795_165_200_000);

/// Databases, directory and KMS of one test, on the MongoDB that all tests share.
pub struct TestSystem {
    /// Connected, with a database prefix nobody else has.
    pub store: Store,
    /// Time, which stands still until the test moves it.
    pub clock: Arc<ManualClock>,
    /// The operating system's: ids must differ between tests that run at once.
    pub random: Arc<dyn Random>,
    directory: MemoryTable,
    kms: MemoryKms,
    commands: Arc<AtomicUsize>,
    cells: Vec<TestCell>,
}

/// A further cell.
struct TestCell {
    name: String,
    store: Store,
    inbound_queue_url: Option<String>,
    region: Option<String>,
}

/// A tenant with one channel.
pub struct TestTenant {
    /// Tenant.
    pub id: TenantId,
    /// Its channel.
    pub channel: ChannelId,
    /// The channel's secret.
    pub secret: String,
    /// The channel's bot.
    pub bot_user_id: String,
    /// Its data.
    pub store: TenantStore,
}

impl TestSystem {
    /// On the shared MongoDB.
    pub async fn start() -> Self {
        let uri = matome_local_stack::shared::mongodb_uri().await.expect("the shared MongoDB starts");
        Self::on(&uri).await
    }

    /// On a MongoDB of the test's own.
    pub async fn on(uri: &str) -> Self {
        // What the functions log is shown with a test that fails.
        let level = matome_runtime::telemetry::subscriber(LevelFilter::INFO, TestWriter::new);
        let _already_set = tracing::subscriber::set_global_default(level);
        let random = SystemRandom;
        let prefix = format!("t{}", &random.uuid().simple().to_string()[..12]);
        let commands = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&commands);
        let watch = move |_: &str| {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let store = Store::connect_watched(uri, &prefix, 16, watch).await.expect("the URI is valid");
        store.ensure_platform().await.expect("the platform's collections can be made");
        Self {
            store,
            clock: Arc::new(ManualClock::at(BEGIN)),
            random: Arc::new(random),
            directory: MemoryTable::default(),
            kms: MemoryKms::default(),
            commands,
            cells: Vec::new(),
        }
    }

    /// A further cell on a MongoDB of its own, known to every process that starts afterwards.
    pub async fn add_cell(&mut self, name: &str, uri: &str) -> Store {
        let prefix = format!("t{}", &self.random.uuid().simple().to_string()[..12]);
        let store = Store::connect(uri, &prefix, 16).await.expect("the URI is valid");
        let cell =
            TestCell { name: name.to_owned(), store: store.clone(), inbound_queue_url: None, region: None };
        self.cells.push(cell);
        store
    }

    /// Gives the cell that was added last queues of its own, `m-cell-<name>-inbound.fifo` and so on.
    pub fn add_queues(&mut self) {
        if let Some(cell) = self.cells.last_mut() {
            cell.inbound_queue_url = Some(format!("m-cell-{}-inbound.fifo", cell.name));
        }
    }

    /// Says where in the world the cell is that was added last.
    pub fn set_region(&mut self, region: &str) {
        if let Some(cell) = self.cells.last_mut() {
            cell.region = Some(region.to_owned());
        }
    }

    /// Commands sent to MongoDB so far, one a round trip.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.commands.load(Ordering::SeqCst)
    }

    /// The directory as a newly started process sees it.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::over_memory(self.directory.clone(), self.clock.clone())
    }

    /// The KMS key of a tenant's own that wrapped a data key; `None` for the platform's.
    #[must_use]
    pub fn wrapped_by(&self, key: &WrappedKey) -> Option<String> {
        self.kms.wrapped_by(key)
    }

    /// How often any process read the directory's table.
    #[must_use]
    pub fn directory_reads(&self) -> usize {
        self.directory.reads()
    }

    /// Lets so many writes to the directory through, then makes every call fail; `None`: it works again.
    pub fn fail_directory_after(&self, writes: Option<usize>) {
        match writes {
            Some(writes) => self.directory.fail_after(writes),
            None => self.directory.fail(false),
        }
    }

    /// Every attribute of every item of the directory, as text.
    #[must_use]
    pub fn directory_dump(&self) -> String {
        self.directory.dump()
    }

    /// Every data key in the clear: nobody else may have one.
    #[must_use]
    pub fn data_keys(&self) -> Vec<Vec<u8>> {
        self.kms.plaintexts()
    }

    /// How often any process had a data key unwrapped.
    #[must_use]
    pub fn keys_unwrapped(&self) -> usize {
        self.kms.unwrapped()
    }

    /// The tenants as a newly started process sees them.
    #[must_use]
    pub fn tenants(&self) -> Tenants {
        self.tenants_at(self.clock.clone())
    }

    /// The same for a process with a clock of its own: one that stands still believes what it knows for
    /// ever.
    #[must_use]
    pub fn tenants_at(&self, clock: Arc<ManualClock>) -> Tenants {
        let directory = Directory::over_memory(self.directory.clone(), clock.clone());
        let home = Cells::home_only(self.store.clone());
        let add = |cells: Cells, cell: &TestCell| {
            let cells = cells.with_queues(&cell.name, cell.store.clone(), cell.inbound_queue_url.clone());
            match &cell.region {
                Some(region) => cells.with_region(&cell.name, region),
                None => cells,
            }
        };
        Tenants::new(directory, self.cells.iter().fold(home, add), clock)
    }

    /// LINE at `line_url` as a newly started process sees it. Nothing listens at port 9 of this
    /// machine, for tests that LINE plays no part in: `http://127.0.0.1:9`.
    #[must_use]
    pub fn channels(&self, line_url: &str) -> Channels {
        let config = LineConfig {
            api_url: line_url.to_owned(),
            data_api_url: line_url.to_owned(),
            call_timeout: std::time::Duration::from_secs(2),
            ..LineConfig::default()
        };
        let line = LineClient::new(config, self.clock.clone()).expect("the HTTP client can be set up");
        Channels::new(self.keys(), line)
    }

    /// Data keys as a newly started process sees them.
    #[must_use]
    pub fn keys(&self) -> DataKeys {
        DataKeys::over_memory(self.kms.clone(), self.clock.clone(), self.random.clone())
    }

    /// A tenant with the default settings.
    pub async fn tenant(&self, placement: Placement) -> TestTenant {
        self.tenant_with(placement, |_| {}).await
    }

    /// A tenant with settings of its own.
    pub async fn tenant_with(
        &self,
        placement: Placement,
        settings: impl FnOnce(&mut OrganizationSettings),
    ) -> TestTenant {
        let tenant = self.unregistered_tenant(placement, settings).await;
        self.register(&tenant, placement).await;
        tenant
    }

    /// A tenant that the directory does not know yet; see [`Self::register`].
    pub async fn unregistered_tenant(
        &self,
        placement: Placement,
        settings: impl FnOnce(&mut OrganizationSettings),
    ) -> TestTenant {
        let random: String = self.random.uuid().simple().to_string();
        let organization_id = ObjectId::parse_str(&random[..24]).expect("24 hexadecimal digits");
        let id = TenantId::new(organization_id.to_hex()).expect("hexadecimal digits are a valid id");
        let store = self.store.tenant(&id, placement);
        store.ensure_collections().await.expect("the tenant's collections can be made");
        let mut organization = organization(organization_id, placement);
        settings(&mut organization.settings);
        let organizations = self.store.platform_collection::<Organization>();
        organizations.insert_one(organization).await.expect("the organization can be stored");
        TestTenant {
            id,
            channel: ChannelId::new(format!("20{}", &random[..8]))
                .expect("hexadecimal digits are a valid id"),
            secret: random.clone(),
            bot_user_id: format!("U{random}"),
            store,
        }
    }

    /// Writes the tenant and its channel into the directory.
    pub async fn register(&self, tenant: &TestTenant, placement: Placement) {
        let keys = self.keys();
        let key = keys.generate(&tenant.id, 1).await.expect("a data key can be made");
        let sealed = keys.seal(&tenant.id, &key, &secret_field(&tenant.channel), &tenant.secret).await;
        let directory = self.directory();
        let channel = ChannelRecord {
            channel_id: tenant.channel.clone(),
            tenant_id: tenant.id.clone(),
            bot_user_id: tenant.bot_user_id.clone(),
            secret: sealed.expect("the secret can be sealed"),
            previous_secret: None,
            key: key.clone(),
            placement,
            cell: HOME_CELL.to_owned(),
            status: Status::Active,
            inbound_queue_url: None,
            version: 1,
        };
        directory.put_channel(&channel).await.expect("the channel can be written");
        let record = TenantRecord {
            tenant_id: tenant.id.clone(),
            key,
            previous_key: None,
            placement,
            cell: HOME_CELL.to_owned(),
            status: Status::Active,
            relocation: Relocation::Settled,
            inbound_queue_url: None,
            bucket: None,
            version: 1,
        };
        directory.put_tenant(&record).await.expect("the tenant can be written");
    }
}

impl TestSystem {
    /// Has the directory say that the tenant and its channel are served, or not.
    pub async fn set_status(&self, tenant: &TestTenant, status: Status) {
        let directory = self.directory();
        let record = directory.newest_tenant(&tenant.id).await.expect("memory answers");
        let record = record.expect("the tenant is registered");
        let version = record.version + 1;
        let put = directory.put_tenant(&TenantRecord { status, version, ..record }).await;
        put.expect("the tenant can be written");
        let record = directory.newest_channel(&tenant.channel).await.expect("memory answers");
        let record = record.expect("the channel is registered");
        let version = record.version + 1;
        let put = directory.put_channel(&ChannelRecord { status, version, ..record }).await;
        put.expect("the channel can be written");
    }
}

fn organization(id: ObjectId, placement: Placement) -> Organization {
    let tier = match placement {
        Placement::Shared => Tier::Free,
        Placement::CollectionSet => Tier::Pro,
        Placement::Dedicated => Tier::Enterprise,
    };
    let new = NewOrganization {
        id,
        owner_id: id,
        name: "Test organization".to_owned(),
        tier,
        limits: Limits {
            max_rooms: Some(100),
            max_members_per_room: Some(500),
            max_messages_per_month: Some(10_000),
            max_storage_gb: Some(1.0),
            ..Limits::default()
        },
        placement,
    };
    Organization {
        timezone: "Asia/Tokyo".to_owned(),
        status: OrganizationStatus::Active,
        // Keys for everybody: what they may do is the same on every plan that has them.
        features: Some(Features { api_access: true, ..Terms::of(tier).features }),
        ..new.provisioning(DateTime::from_millis(BEGIN.0))
    }
}
