//! A tenant that is moved, and what lies wherever it was or is to be.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::fault::Faults;
use matome_domain::ids::CellName;
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, TenantJob};
use matome_provisioner::{ProvisionError, run};
use matome_runtime::directory::{HOME_CELL, Relocation};
use matome_runtime::queue::{Queues, Recording};
use matome_store::Store;
use matome_store::entities::{
    Operation, OperationState, Organization, OrganizationStatus, tenant_declarations,
};
use matome_store::id::{document_id, object_id};
use matome_store::time::{date, timestamp};
use matome_tenancy::operations::{Move, request_abort};
use matome_tenancy::{HealthRecords, Tenants};
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::world::World;

/// A tenant's documents by collection, as they are.
pub(crate) type Documents = BTreeMap<&'static str, Vec<Document>>;

/// See the module.
pub(crate) struct Mover {
    pub(crate) world: World,
    pub(crate) tenant: TestTenant,
}

/// Where everybody believes the tenant to be, and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    pub(crate) organization: (Placement, String),
    pub(crate) tenant: (Placement, String),
    pub(crate) channel: (Placement, String),
    pub(crate) status: OrganizationStatus,
    pub(crate) relocation: Relocation,
}

impl Standing {
    pub(crate) fn settled(placement: Placement, cell: &str) -> Self {
        let at = (placement, cell.to_owned());
        Self {
            organization: at.clone(),
            tenant: at.clone(),
            channel: at,
            status: OrganizationStatus::Active,
            relocation: Relocation::Settled,
        }
    }
}

impl Mover {
    pub(crate) async fn start(placement: Placement) -> Self {
        Self::over(TestSystem::start().await, placement).await
    }

    pub(crate) async fn over(system: TestSystem, placement: Placement) -> Self {
        Self::within(World::over(system), placement).await
    }

    /// The next tenant, after this one's collections are dropped: a server has only so many files.
    pub(crate) async fn again(self, placement: Placement) -> Self {
        let platform = self.world.system.store.platform();
        let database = |of: Placement| {
            let prefix = platform.name().strip_suffix("_platform").unwrap();
            platform.client().database(&of.database(prefix, &self.tenant.id))
        };
        database(Placement::Dedicated).drop().await.unwrap();
        for declaration in tenant_declarations() {
            let name = Placement::CollectionSet.collection(&self.tenant.id, declaration.collection);
            database(Placement::CollectionSet).collection::<Document>(&name).drop().await.unwrap();
        }
        Self::within(self.world, placement).await
    }

    async fn within(world: World, placement: Placement) -> Self {
        let system = &world.system;
        let tenant = system.tenant(placement).await;
        let organization = object_id_of(&tenant);
        let channel = doc! {
            "tenantId": tenant.id.as_str(), "ownerId": organization, "channelId": tenant.channel.as_str(),
            "kind": "line", "name": "Shop", "status": "active", "createdAt": date(BEGIN),
        };
        system.store.platform().collection::<Document>("channels").insert_one(channel).await.unwrap();
        Self { world, tenant }
    }

    /// A newly started recorder that sees `tenants`.
    pub(crate) fn recorder(&self, tenants: Tenants) -> (matome_recorder::Context, Recording) {
        let system = &self.world.system;
        let (queues, sent) = Queues::recording();
        let context = matome_recorder::Context {
            tenants,
            channels: system.channels("http://127.0.0.1:9"),
            health: HealthRecords::new(system.clock.clone()),
            queues,
            blobs: None,
            clock: system.clock.clone(),
            random: system.random.clone(),
            faults: Faults::none(),
        };
        (context, sent)
    }

    /// Has a newly started recorder record messages `first`, `first + 1`, … of three rooms.
    pub(crate) async fn record(&self, first: u32, count: u32) {
        let (context, _) = self.recorder(self.world.system.tenants());
        let messages: Vec<Inbound> = (first..first + count).map(|n| self.message(n)).collect();
        for batch in messages.chunks(10) {
            let response = matome_recorder::handle(sqs::batch(batch), &context).await.unwrap();
            assert!(sqs::returned(&response).is_empty(), "returned to the queue");
        }
    }

    fn message(&self, n: u32) -> Inbound {
        let group = ["Cone", "Ctwo", "Cthree"][n as usize % 3];
        let talk = Talk { tenant: &self.tenant, group: Some(group), user: ["Uaoi", "Ubun"][n as usize % 2] };
        talk.text(&n.to_string(), BEGIN.plus(Duration::from_secs(n.into())), "hi")
    }

    pub(crate) async fn ask(&self, placement: Placement, cell: Option<&str>) -> TenantJob {
        let request = Move { placement, cell: cell.map(|cell| CellName::new(cell).unwrap()) };
        self.world.ask(&self.tenant.id, &request).await
    }

    /// Works on an operation until the provisioner dies; panics when it does not.
    pub(crate) async fn until_death(&self, job: &TenantJob, faults: Faults) {
        let context = self.world.context(faults);
        loop {
            match run::run(&context, job).await {
                Ok(OperationState::Waiting) => {
                    let at = self.world.operation(job).await.not_before.unwrap();
                    let now = matome_domain::clock::Clock::now(&*self.world.system.clock);
                    self.world.system.clock.set(timestamp(at).max(now));
                }
                Err(ProvisionError::Fault(_)) => return,
                other => panic!("it did not die: {other:?}"),
            }
        }
    }

    /// The only operation that has not ended.
    pub(crate) async fn open(&self) -> TenantJob {
        let operations = self.world.system.store.platform_collection::<Operation>();
        let open = doc! { "tenantId": self.tenant.id.as_str(), "open": true };
        let operation = operations.find_one(open).await.unwrap().expect("one is open");
        TenantJob { tenant_id: self.tenant.id.clone(), operation_id: document_id(operation.id) }
    }

    pub(crate) async fn abort(&self, job: &TenantJob) {
        let World { system, queues, .. } = &self.world;
        let id = object_id(&job.operation_id).unwrap();
        let now = matome_domain::clock::Clock::now(&*system.clock);
        request_abort(&system.store, queues, &self.tenant.id, id, now).await.unwrap();
    }

    /// What the tenant has in a placement of the home cell.
    pub(crate) async fn documents(&self, placement: Placement) -> Documents {
        documents(&self.world.system.store, &self.tenant, placement).await
    }

    pub(crate) async fn standing(&self) -> Standing {
        let system = &self.world.system;
        let organizations = system.store.platform_collection::<Organization>();
        let organization = organizations.find_one(doc! { "tenantId": self.tenant.id.as_str() }).await;
        let organization = organization.unwrap().unwrap();
        let tenant = system.directory().newest_tenant(&self.tenant.id).await.unwrap().unwrap();
        let channel = system.directory().newest_channel(&self.tenant.channel).await.unwrap().unwrap();
        Standing {
            organization: (organization.placement, organization.cell),
            tenant: (tenant.placement, tenant.cell),
            channel: (channel.placement, channel.cell),
            status: organization.status,
            relocation: tenant.relocation,
        }
    }

    /// The tenant lives in `placement` of the home cell, with exactly `documents`, and nowhere else; and
    /// is served: a further message is recorded.
    pub(crate) async fn assert_lives(&self, placement: Placement, documents: &Documents, next: u32) {
        assert_eq!(self.standing().await, Standing::settled(placement, HOME_CELL));
        for other in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
            let found = self.documents(other).await;
            if other == placement {
                assert_eq!(found, *documents, "in {other:?}");
            } else {
                assert!(found.is_empty(), "left in {other:?}: {:?}", found.keys());
            }
        }
        let tenants = self.world.system.tenants();
        assert!(!tenants.store(&self.tenant.id).await.unwrap().is_fenced().await.unwrap());
        self.record(next, 1).await;
        let after = self.documents(placement).await;
        assert_eq!(after["messages"].len(), documents["messages"].len() + 1);
    }
}

fn object_id_of(tenant: &TestTenant) -> bson::oid::ObjectId {
    bson::oid::ObjectId::parse_str(tenant.id.as_str()).unwrap()
}

/// What the tenant has in a placement of a cell; nothing for collections without any of it.
pub(crate) async fn documents(cell: &Store, tenant: &TestTenant, placement: Placement) -> Documents {
    let platform = cell.platform();
    let prefix = platform.name().strip_suffix("_platform").unwrap();
    let database = platform.client().database(&placement.database(prefix, &tenant.id));
    let mut all = Documents::new();
    for declaration in tenant_declarations() {
        let name = placement.collection(&tenant.id, declaration.collection);
        let collection = database.collection::<Document>(&name);
        let find = collection.find(doc! { "tenantId": tenant.id.as_str() }).sort(doc! { "_id": 1 });
        let found: Vec<Document> = find.await.unwrap().try_collect().await.unwrap();
        if !found.is_empty() {
            all.insert(declaration.collection, found);
        }
    }
    all
}
