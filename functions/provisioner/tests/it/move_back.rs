//! Moves that are given up, that fail, or that have no sense.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_runtime::directory::{HOME_CELL, Relocation};
use matome_store::entities::{OperationState, Organization, OrganizationStatus};
use matome_store::migrations::Lock;
use matome_testing::crash::{Boundaries, once_at};
use matome_testing::{TestSystem, TestTenant};

use crate::mover::{Mover, Standing};

const FROM: Placement = Placement::Shared;
const TO: Placement = Placement::CollectionSet;

async fn reason(system: &TestSystem, tenant: &TestTenant) -> String {
    let organizations = system.store.platform_collection::<Organization>();
    let found = organizations.find_one(doc! { "tenantId": tenant.id.as_str() }).await.unwrap().unwrap();
    let reason = found.status_reason.expect("a failure has a reason");
    format!("{}: {}", reason.step.unwrap_or_default(), reason.message)
}

#[tokio::test]
async fn a_move_that_is_given_up_before_the_flip_leaves_no_trace() {
    let calm = Mover::start(FROM).await;
    calm.record(0, 30).await;
    let boundaries = Boundaries::default();
    let job = calm.ask(TO, None).await;
    calm.world.drive_with(&job, boundaries.watch()).await;
    let mut before_flip = boundaries.all();
    before_flip
        .retain(|(name, _)| ["check", "announce", "copy", "fence"].iter().any(|step| name.starts_with(step)));
    let last: BTreeMap<_, _> = before_flip.iter().copied().collect();
    before_flip.retain(|(name, time)| *time == 1 || *time == last[name]);
    assert!(before_flip.len() > 10, "{before_flip:?}");
    let mut mover = calm;
    for (boundary, time) in before_flip {
        mover = mover.again(FROM).await;
        mover.record(0, 30).await;
        let before = mover.documents(FROM).await;
        let job = mover.ask(TO, None).await;
        mover.until_death(&job, once_at(boundary, time)).await;
        mover.abort(&job).await;
        let end = mover.world.drive(&job).await;
        assert_eq!(end.state, OperationState::Aborted, "given up at {boundary}, time {time}: {end:?}");
        mover.assert_lives(FROM, &before, 30).await;
    }
}

#[tokio::test]
async fn giving_up_bears_a_death_at_each_of_its_steps_and_the_next_move_succeeds() {
    let mut mover = Mover::start(FROM).await;
    for boundary in ["reopen", "reopen.open", "wipe", "wipe.slice"] {
        mover = mover.again(FROM).await;
        mover.record(0, 30).await;
        let before = mover.documents(FROM).await;
        let job = mover.ask(TO, None).await;
        mover.until_death(&job, once_at("fence.fenced", 1)).await;
        assert_eq!(mover.standing().await.relocation, Relocation::Fenced);
        mover.abort(&job).await;
        mover.until_death(&job, once_at(boundary, 1)).await;
        let end = mover.world.drive(&job).await;
        assert_eq!(end.state, OperationState::Aborted, "died at {boundary}: {end:?}");
        mover.assert_lives(FROM, &before, 30).await;

        let before = mover.documents(FROM).await;
        let job = mover.ask(TO, None).await;
        assert_eq!(mover.world.drive(&job).await.state, OperationState::Done);
        mover.assert_lives(TO, &before, 31).await;
    }
}

#[tokio::test]
async fn once_it_was_begun_to_flip_a_move_goes_on_to_its_end_and_then_back() {
    let mut mover = Mover::start(FROM).await;
    for boundary in
        ["flip", "flip.organization", "flip.tenant", "verify", "grace", "clean_up.slice", "follow"]
    {
        mover = mover.again(FROM).await;
        mover.record(0, 30).await;
        let before = mover.documents(FROM).await;
        let job = mover.ask(TO, None).await;
        let is_last = boundary == "follow";
        mover.until_death(&job, once_at(if is_last { "clean_up.slice" } else { boundary }, 1)).await;
        mover.abort(&job).await;
        if is_last {
            mover.until_death(&job, once_at(boundary, 1)).await;
        }
        let end = mover.world.drive(&job).await;
        assert_eq!(end.state, OperationState::Done, "given up at {boundary}: {end:?}");
        assert_eq!(mover.standing().await.tenant.0, TO, "{boundary}");
        // A job that comes twice asks for nothing twice.
        mover.world.drive(&job).await;
        let back = mover.open().await;
        let end = mover.world.drive(&back).await;
        assert_eq!(end.state, OperationState::Done, "given up at {boundary}: {end:?}");
        mover.world.drive(&job).await;
        assert_eq!(mover.world.drive(&back).await.state, OperationState::Done);
        mover.assert_lives(FROM, &before, 30).await;
    }
}

#[tokio::test]
async fn a_move_that_fails_is_taken_back_and_says_why() {
    let mover = Mover::start(TO).await;
    mover.record(0, 30).await;
    let before = mover.documents(TO).await;
    // Somebody else's document has the id of one of the tenant's.
    let shared = mover.world.system.tenant(FROM).await;
    let id = before["messages"][7].get_object_id("_id").unwrap();
    let platform = mover.world.system.store.platform();
    let name = platform.name().replace("_platform", "_shared");
    let messages = platform.client().database(&name).collection::<bson::Document>("messages");
    let foreign = doc! { "_id": id, "tenantId": shared.id.as_str(), "lineMessageId": "x" };
    messages.insert_one(foreign.clone()).bypass_document_validation(true).await.unwrap();

    let job = mover.ask(FROM, None).await;
    let failed = mover.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed, "{failed:?}");
    assert!(!failed.open);
    let why = reason(&mover.world.system, &mover.tenant).await;
    assert!(why.starts_with("fence: ") && why.contains("messages: the target differs"), "{why}");
    mover.assert_lives(TO, &before, 30).await;
    assert_eq!(
        messages.find_one(doc! { "_id": id }).await.unwrap(),
        Some(foreign),
        "nobody else's was touched"
    );
}

#[tokio::test]
async fn a_target_that_turns_out_to_lack_something_is_not_cleaned_up_behind() {
    let mover = Mover::start(FROM).await;
    mover.record(0, 30).await;
    let before = mover.documents(FROM).await;
    let job = mover.ask(Placement::Dedicated, None).await;
    mover.until_death(&job, once_at("verify", 1)).await;
    let platform = mover.world.system.store.platform();
    let prefix = platform.name().strip_suffix("_platform").unwrap();
    let target = platform.client().database(&Placement::Dedicated.database(prefix, &mover.tenant.id));
    let id = before["messages"][3].get_object_id("_id").unwrap();
    target.collection::<bson::Document>("messages").delete_one(doc! { "_id": id }).await.unwrap();

    let failed = mover.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed, "{failed:?}");
    let why = reason(&mover.world.system, &mover.tenant).await;
    assert!(
        why.starts_with("verify: ") && why.contains("messages: 1 documents are not in the target"),
        "{why}"
    );
    assert_eq!(mover.documents(FROM).await, before, "the source is kept");
    let standing = mover.standing().await;
    assert_eq!(standing.tenant, (Placement::Dedicated, HOME_CELL.to_owned()), "and the tenant served");
    assert_eq!(standing.status, OrganizationStatus::Moving);
    mover.record(30, 1).await;
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_before_anything_is_touched() {
    let mover = Mover::start(FROM).await;
    mover.record(0, 3).await;
    let before = mover.documents(FROM).await;
    let job = mover.ask(FROM, Some("nowhere")).await;
    let failed = mover.world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let why = reason(&mover.world.system, &mover.tenant).await;
    assert!(why.contains("cell: ") && why.contains("nowhere"), "{why}");
    assert_eq!(mover.standing().await, Standing::settled(FROM, HOME_CELL));

    let organizations = mover.world.system.store.platform_collection::<Organization>();
    let tenant = doc! { "tenantId": mover.tenant.id.as_str() };
    organizations.update_one(tenant.clone(), doc! { "$set": { "status": "offboarding" } }).await.unwrap();
    let job = mover.ask(TO, None).await;
    assert_eq!(mover.world.drive(&job).await.state, OperationState::Failed);
    let why = reason(&mover.world.system, &mover.tenant).await;
    assert!(why.contains("status: is offboarding"), "{why}");
    organizations.update_one(tenant, doc! { "$set": { "status": "active" } }).await.unwrap();
    mover.assert_lives(FROM, &before, 3).await;
}

#[tokio::test]
async fn a_move_to_where_the_tenant_is_does_nothing() {
    let mover = Mover::start(FROM).await;
    mover.record(0, 3).await;
    let before = mover.documents(FROM).await;
    let version =
        mover.world.system.directory().newest_tenant(&mover.tenant.id).await.unwrap().unwrap().version;
    let job = mover.ask(FROM, Some(HOME_CELL)).await;
    assert_eq!(mover.world.drive(&job).await.state, OperationState::Done);
    let record = mover.world.system.directory().newest_tenant(&mover.tenant.id).await.unwrap().unwrap();
    assert_eq!(record.version, version);
    mover.assert_lives(FROM, &before, 3).await;
}

#[tokio::test]
async fn a_move_waits_until_migrations_have_ended() {
    let mover = Mover::start(FROM).await;
    mover.record(0, 3).await;
    let before = mover.documents(FROM).await;
    let store = &mover.world.system.store;
    let lock = Lock::take(store, "a test", Duration::from_secs(600)).await.unwrap();
    let job = mover.ask(TO, None).await;
    let waiting = mover.world.drive_until(&job, Faults::none(), |_| true).await;
    assert_eq!(waiting.steps.last().map(|step| step.name.as_str()), Some("announce"));
    assert_eq!(mover.standing().await.relocation, Relocation::Settled, "nothing was announced");
    lock.release().await.unwrap();
    assert_eq!(mover.world.drive(&job).await.state, OperationState::Done);
    mover.assert_lives(TO, &before, 3).await;
}
