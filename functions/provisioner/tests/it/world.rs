//! A provisioner of a test's own, and the time that its operations wait for.

use std::time::Duration;

use bson::oid::ObjectId;
use matome_domain::fault::Faults;
use matome_domain::ids::TenantId;
use matome_domain::queue::TenantJob;
use matome_domain::tier::Tier;
use matome_provisioner::{Context, ProvisionError, run};
use matome_runtime::blobs::Blobs;
use matome_runtime::directory::KEEP_HIT;
use matome_runtime::queue::{Queues, Recording};
use matome_store::entities::{Operation, OperationState};
use matome_store::id::{document_id, object_id};
use matome_store::time::timestamp;
use matome_tenancy::operations::{CreateTenant, NewOwner, Request, ask};
use matome_testing::TestSystem;

use crate::stacks::TemplateOfStacks;

/// Real time that a move waits before the fence.
const MOVING_AGE: Duration = Duration::from_millis(20);
/// As on AWS.
const LONGEST_INVOCATION: Duration = Duration::from_secs(15 * 60);
/// A tenant of a test is copied in a few slices.
const SLICE: u32 = 8;

/// See the module.
pub(crate) struct World {
    pub(crate) system: TestSystem,
    /// Where LINE is; nowhere unless a test says so.
    pub(crate) line_url: String,
    /// Where LINE is to post webhooks.
    pub(crate) webhook_base_url: String,
    /// Where blobs are; nowhere unless a test says so.
    pub(crate) blobs: Option<Blobs>,
    /// Whether tenants get stacks of their own; none unless a test says so.
    pub(crate) stacks: Option<TemplateOfStacks>,
    pub(crate) queues: Queues,
    pub(crate) queued: Recording,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::over(TestSystem::start().await)
    }

    pub(crate) fn over(system: TestSystem) -> Self {
        let (queues, queued) = Queues::recording();
        let webhook_base_url = "https://hooks.example.com".to_owned();
        let line_url = "http://127.0.0.1:9".to_owned();
        Self { system, line_url, webhook_base_url, blobs: None, stacks: None, queues, queued }
    }

    /// A newly started provisioner. It leaves every wait to a later invocation.
    pub(crate) fn context(&self, faults: Faults) -> Context {
        Context {
            tenants: self.system.tenants(),
            channels: self.system.channels(&self.line_url),
            keys: self.system.keys(),
            queues: self.queues.clone(),
            blobs: self.blobs.clone(),
            stacks: self.stacks.as_ref().map(TemplateOfStacks::open),
            webhook_base_url: self.webhook_base_url.clone(),
            clock: self.system.clock.clone(),
            random: self.system.random.clone(),
            budget: Duration::ZERO,
            directory_age: KEEP_HIT,
            moving_age: MOVING_AGE,
            longest_invocation: LONGEST_INVOCATION,
            slice: SLICE,
            faults,
        }
    }

    /// Asks for an operation as an operator.
    pub(crate) async fn ask<R: Request>(&self, tenant: &TenantId, request: &R) -> TenantJob {
        use matome_domain::clock::Clock as _;
        // Operations of one tenant never begin in the same millisecond.
        self.system.clock.advance(Duration::from_millis(1));
        let now = self.system.clock.now();
        let asked = ask(&self.system.store, &self.queues, tenant, request, "operator", now).await;
        let operation = asked.expect("nothing else is done to the tenant");
        TenantJob { tenant_id: tenant.clone(), operation_id: document_id(operation.id) }
    }

    /// Works on an operation until it ends, as SQS and the scheduler would have it.
    pub(crate) async fn drive(&self, job: &TenantJob) -> Operation {
        self.drive_with(job, Faults::none()).await
    }

    /// The same with a provisioner that may die: a new one takes its place.
    pub(crate) async fn drive_with(&self, job: &TenantJob, faults: Faults) -> Operation {
        self.drive_until(job, faults, |_| false).await
    }

    /// Works on an operation until it ends, or waits where `is_there` says so.
    pub(crate) async fn drive_until(
        &self,
        job: &TenantJob,
        faults: Faults,
        is_there: impl Fn(&Operation) -> bool,
    ) -> Operation {
        let mut context = self.context(faults.clone());
        for _ in 0..1_000 {
            match run::run(&context, job).await {
                Ok(OperationState::Waiting) => {
                    let operation = self.operation(job).await;
                    if is_there(&operation) {
                        return operation;
                    }
                    let at = timestamp(operation.not_before.expect("who waits says until when"));
                    self.system.clock.set(at.max(matome_domain::clock::Clock::now(&*self.system.clock)));
                }
                Ok(_) => return self.operation(job).await,
                Err(ProvisionError::Fault(_)) => context = self.context(faults.clone()),
                Err(error) => panic!("the invocation failed: {error}"),
            }
        }
        panic!("the operation does not come to its end: {:?}", self.operation(job).await);
    }

    /// An operation as it stands.
    pub(crate) async fn operation(&self, job: &TenantJob) -> Operation {
        let id = object_id(&job.operation_id).expect("our own id");
        let operations = self.system.store.platform_collection::<Operation>();
        let found = operations.find_one(bson::doc! { "_id": id }).await.expect("MongoDB answers");
        found.expect("it was asked for")
    }

    /// Creates a tenant and returns its id.
    pub(crate) async fn create(&self, tier: Tier) -> TenantId {
        let tenant = self.new_id();
        let job = self.ask(&tenant, &shop(tier, &tenant)).await;
        let operation = self.drive(&job).await;
        assert_eq!(operation.state, OperationState::Done, "{operation:?}");
        tenant
    }

    /// An id that nobody has.
    pub(crate) fn new_id(&self) -> TenantId {
        let random = self.system.random.uuid().simple().to_string();
        let id = ObjectId::parse_str(&random[..24]).expect("24 hexadecimal digits");
        TenantId::new(id.to_hex()).expect("hexadecimal digits are a valid id")
    }
}

/// A shop with an owner of its own.
pub(crate) fn shop(tier: Tier, tenant: &TenantId) -> CreateTenant {
    CreateTenant {
        name: "A shop".to_owned(),
        kind: "retail".to_owned(),
        owner: NewOwner { email: format!("{tenant}@Example.com"), name: "Aoi".to_owned() },
        tier,
        timezone: "Asia/Bangkok".to_owned(),
        cell: None,
        data_region: None,
        settings: None,
    }
}
