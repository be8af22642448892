//! Operations on tenants go on when their time has come.

use std::time::Duration;

use bson::{Document, doc};
use matome_domain::fault::Faults;
use matome_domain::queue::TenantJob;
use matome_scheduler::handler::Swept;
use matome_store::entities::{Operation, OperationKind, OperationState};
use matome_store::id::{derived, document_id};
use matome_store::time::date;
use matome_testing::TestSystem;
use matome_testing::crash::once_at;

use crate::stage::{scheduler, sweep_time, system};

/// An operation of a tenant of its own whose time comes `seconds` from the sweep.
async fn operation(system: &TestSystem, name: &str, state: OperationState, open: bool, seconds: i64) {
    let not_before = matome_domain::clock::Timestamp(sweep_time().0 + seconds * 1_000);
    let at = date(not_before);
    let operation = Operation {
        id: derived(&[name]),
        tenant_id: name.to_owned(),
        kind: OperationKind::Suspend,
        input: Document::new(),
        state,
        open,
        abort_requested: false,
        taken_back: false,
        retries: 0,
        steps: Vec::new(),
        not_before: Some(at),
        requested_by: "operator".to_owned(),
        created_at: at,
        updated_at: at,
        finished_at: None,
        version: 0,
    };
    system.store.platform_collection::<Operation>().insert_one(operation).await.unwrap();
}

async fn stored(system: &TestSystem, name: &str) -> Operation {
    let operations = system.store.platform_collection::<Operation>();
    operations.find_one(doc! { "_id": derived(&[name]) }).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_provisioner_is_told_of_what_is_due_once_and_of_nothing_else() {
    let system = system().await;
    operation(&system, "waited", OperationState::Waiting, true, -1).await;
    operation(&system, "lost", OperationState::Queued, true, 0).await;
    operation(&system, "died", OperationState::Running, true, -60).await;
    operation(&system, "waits", OperationState::Waiting, true, 1).await;
    operation(&system, "ended", OperationState::Failed, false, -1).await;
    let (context, recording) = scheduler(&system, Faults::none());
    let swept = matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(swept, Swept { operations: 3, ..Swept::default() });
    let mut told: Vec<_> = recording.sent::<TenantJob>();
    told.sort_by(|a, b| a.tenant_id.cmp(&b.tenant_id));
    let tenants: Vec<_> = told.iter().map(|job| job.tenant_id.as_str()).collect();
    assert_eq!(tenants, ["died", "lost", "waited"]);
    assert_eq!(told[0].operation_id, document_id(derived(&["died"])));

    // The provisioner would leave one that waits alone.
    assert_eq!(stored(&system, "waited").await.state, OperationState::Queued);
    assert_eq!(stored(&system, "died").await.state, OperationState::Running);
    assert_eq!(stored(&system, "waits").await.state, OperationState::Waiting);
    assert_eq!(matome_scheduler::handle(&context).await.unwrap(), Swept::default());
    system.clock.advance(Duration::from_secs(10 * 60));
    let swept = matome_scheduler::handle(&context).await.unwrap();
    assert_eq!(swept, Swept { operations: 4, ..Swept::default() });
}

#[tokio::test]
async fn a_scheduler_that_dies_after_telling_tells_again() {
    let system = system().await;
    operation(&system, "waited", OperationState::Waiting, true, -1).await;
    let (context, recording) = scheduler(&system, once_at("scheduler.operations_queued", 1));
    assert!(matome_scheduler::handle(&context).await.is_err());
    assert_eq!(matome_scheduler::handle(&context).await.unwrap().operations, 1);
    assert_eq!(recording.sent::<TenantJob>().len(), 2);
}
