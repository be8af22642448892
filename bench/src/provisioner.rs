//! The provisioner in this process, and the time that its operations wait for.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bson::doc;
use bson::oid::ObjectId;
use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::ids::TenantId;
use matome_domain::queue::TenantJob;
use matome_provisioner::{Context, run};
use matome_runtime::directory::{KEEP_HIT, KEEP_MOVING};
use matome_runtime::queue::Queues;
use matome_store::entities::{Operation, OperationState};
use matome_store::id::{document_id, object_id};
use matome_store::time::timestamp;
use matome_tenancy::operations::{Request, ask};
use matome_testing::TestSystem;

/// Batches that a move copies before it notes how far it is: as in production.
const SLICE: u32 = 10;

/// Has an operation done, as an operator asks for it; it never waits longer than it has to.
pub(crate) async fn operate<R: Request>(
    system: &TestSystem,
    tenant: &TenantId,
    request: &R,
) -> anyhow::Result<Operation> {
    let (queues, _) = Queues::recording();
    let now = system.clock.now();
    let asked = ask(&system.store, &queues, tenant, request, "bench", now).await?;
    let job = TenantJob { tenant_id: tenant.clone(), operation_id: document_id(asked.id) };
    let context = Context {
        tenants: system.tenants(),
        channels: system.channels("http://127.0.0.1:9"),
        keys: system.keys(),
        queues,
        blobs: None,
        stacks: None,
        webhook_base_url: "https://hooks.example.com".to_owned(),
        clock: system.clock.clone(),
        random: system.random.clone(),
        budget: Duration::ZERO,
        directory_age: KEEP_HIT,
        moving_age: KEEP_MOVING,
        longest_invocation: Duration::from_secs(15 * 60),
        slice: SLICE,
        faults: Faults::none(),
    };
    loop {
        let state = run::run(&context, &job).await?;
        let operation = read(system, &job).await?;
        match state {
            OperationState::Done => return Ok(operation),
            OperationState::Waiting => {
                let until = timestamp(operation.not_before.context("who waits says until when")?);
                system.clock.set(until.max(system.clock.now()));
            }
            other => bail!("the operation is {other:?}: {:?}", operation.steps.last()),
        }
    }
}

async fn read(system: &TestSystem, job: &TenantJob) -> anyhow::Result<Operation> {
    let id = object_id(&job.operation_id).context("it has an id of ours")?;
    let operations = system.store.platform_collection::<Operation>();
    operations.find_one(doc! { "_id": id }).await?.context("the operation is not there")
}

/// An id that nobody has.
pub(crate) fn new_id(system: &TestSystem) -> anyhow::Result<TenantId> {
    let random = system.random.uuid().simple().to_string();
    Ok(TenantId::new(ObjectId::parse_str(&random[..24])?.to_hex())?)
}
