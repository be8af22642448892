//! Several cells, and tenants on their way between places.

use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::{QueueMessage, SummaryJob};
use matome_scheduler::handle;
use matome_store::entities::{Organization, Session, SessionStatus};
use matome_store::id::document_id;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures};

use crate::stage::{household, insert, queued, scheduler, sweep_time, system};

async fn change(system: &TestSystem, tenant: &TestTenant, set: bson::Document) {
    let organizations = system.store.platform_collection::<Organization>();
    let filter = doc! { "tenantId": tenant.id.as_str() };
    organizations.update_one(filter, doc! { "$set": set }).await.unwrap();
}

#[tokio::test]
async fn every_cell_is_swept() {
    let mut system = system().await;
    let uri = matome_local_stack::shared::mongodb_uri().await.unwrap();
    let other = system.add_cell("other", &uri).await;
    let mut due = Vec::new();
    for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
        let tenant = system.tenant(placement).await;
        change(&system, &tenant, doc! { "cell": "other" }).await;
        let store = other.tenant(&tenant.id, placement);
        store.ensure_collections().await.unwrap();
        let room = fixtures::room(&tenant, "Croom");
        let mut session = fixtures::session(&room, 1, SessionStatus::Active, BEGIN);
        session.closes_at = matome_store::time::date(sweep_time());
        insert::<Session>(&store, &session).await;
        due.push(format!("close {}", document_id(session.id)));
    }
    let at_home = household(&system, Placement::Shared).await;
    due.extend(at_home.due);
    due.sort();
    let (context, recording) = scheduler(&system, Faults::none());
    handle(&context).await.unwrap();
    assert_eq!(queued(&recording), due);
}

#[tokio::test]
async fn what_is_due_in_a_cell_goes_to_the_cells_own_queues() {
    let mut system = system().await;
    let uri = matome_local_stack::shared::mongodb_uri().await.unwrap();
    let other = system.add_cell("other", &uri).await;
    system.add_queues();
    for placement in [Placement::Shared, Placement::CollectionSet] {
        let tenant = system.tenant(placement).await;
        change(&system, &tenant, doc! { "cell": "other" }).await;
        let directory = system.directory();
        let mut record = directory.newest_tenant(&tenant.id).await.unwrap().unwrap();
        (record.cell, record.version) = ("other".to_owned(), record.version + 1);
        directory.put_tenant(&record).await.unwrap();
        let store = other.tenant(&tenant.id, placement);
        store.ensure_collections().await.unwrap();
        let room = fixtures::room(&tenant, "Croom");
        insert::<Session>(&store, &fixtures::session(&room, 1, SessionStatus::Summarizing, BEGIN)).await;
    }
    let at_home = household(&system, Placement::CollectionSet).await.tenant;
    let (context, recording) = scheduler(&system, Faults::none());
    handle(&context).await.unwrap();
    let entries = recording.entries();
    let summaries: Vec<_> = entries.iter().filter(|e| e.queue == SummaryJob::QUEUE).collect();
    let (home, others): (Vec<_>, Vec<_>) =
        summaries.into_iter().partition(|e| e.body.contains(at_home.id.as_str()));
    assert_eq!(others.len(), 2);
    assert!(others.iter().all(|e| e.url == "m-cell-other-summaries.fifo"), "{others:?}");
    assert!(!home.is_empty() && home.iter().all(|e| e.url == SummaryJob::QUEUE));
}

#[tokio::test]
async fn a_cell_that_is_not_configured_keeps_no_other_place_from_being_swept() {
    let system = system().await;
    let lost = system.tenant(Placement::Dedicated).await;
    change(&system, &lost, doc! { "cell": "forgotten" }).await;
    let home = household(&system, Placement::Shared).await;
    let (context, recording) = scheduler(&system, Faults::none());
    let error = handle(&context).await.unwrap_err().to_string();
    assert_eq!(error, "1 of 2 places could not be swept");
    assert_eq!(queued(&recording), home.due);
}

#[tokio::test]
async fn a_tenant_on_its_way_is_swept_where_it_lives_and_nowhere_else() {
    let system = system().await;
    let moving = household(&system, Placement::Shared).await;
    for (placement, due) in [(Placement::Dedicated, Vec::new()), (Placement::Shared, moving.due.clone())] {
        let placement = matome_store::value::to_bson(&placement).unwrap();
        change(&system, &moving.tenant, doc! { "status": "moving", "placement": placement }).await;
        let (context, recording) = scheduler(&system, Faults::none());
        handle(&context).await.unwrap();
        assert_eq!(queued(&recording), due);
    }
}

#[tokio::test]
async fn a_fenced_tenant_keeps_no_neighbour_from_being_marked() {
    let system = system().await;
    let fenced = household(&system, Placement::Shared).await;
    let neighbour = household(&system, Placement::Shared).await;
    fenced.tenant.store.fence().await.unwrap();
    let (context, recording) = scheduler(&system, Faults::none());
    handle(&context).await.unwrap();
    let mut both = [fenced.due.clone(), neighbour.due].concat();
    both.sort();
    assert_eq!(queued(&recording), both);

    // What was marked is left alone by the next sweep.
    let (context, recording) = scheduler(&system, Faults::none());
    handle(&context).await.unwrap();
    let marked =
        |due: &Vec<String>| due.iter().filter(|d| !d.starts_with("close ")).cloned().collect::<Vec<_>>();
    let again: Vec<String> = queued(&recording).into_iter().filter(|d| !d.starts_with("close ")).collect();
    assert_eq!(again, marked(&fenced.due));
}
