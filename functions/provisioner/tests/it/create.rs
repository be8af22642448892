//! Creating tenants.

use bson::doc;
use futures::TryStreamExt;
use matome_domain::clock::Clock as _;
use matome_domain::fault::Faults;
use matome_domain::ids::CellName;
use matome_domain::placement::Placement;
use matome_domain::plan::Terms;
use matome_domain::queue::TenantJob;
use matome_domain::tier::Tier;
use matome_provisioner::operations::steps;
use matome_runtime::directory::Status;
use matome_store::entities::{
    OperationKind, OperationState, Organization, OrganizationStatus, OrganizationType, Owner, Room,
};
use matome_store::id::object_id;
use matome_tenancy::operations::{CreateTenant, Move, NewOwner, request_abort};
use matome_testing::crash::once_at;

use crate::bucket::Bucket;
use crate::stacks::TemplateOfStacks;
use crate::world::{World, shop};

async fn organizations(world: &World) -> Vec<Organization> {
    let all = world.system.store.platform_collection::<Organization>();
    all.find(doc! {}).await.unwrap().try_collect().await.unwrap()
}

#[tokio::test]
async fn a_tenant_of_each_tier_arrives_whole_in_its_placement() {
    let world = World::start().await;
    for tier in Tier::ALL {
        let id = world.create(tier).await;
        let tenants = world.system.tenants();
        let record = tenants.directory().tenant(&id).await.unwrap().unwrap();
        assert_eq!((record.status, record.placement), (Status::Active, tier.placement()));

        let organization = tenants.organization(&id).await.unwrap();
        let terms = Terms::of(tier);
        assert_eq!(organization.status, OrganizationStatus::Active);
        assert_eq!(organization.kind, OrganizationType::Retail);
        assert_eq!((organization.limits, organization.features), (terms.limits, Some(terms.features)));
        assert_eq!(organization.trial_ends_at.is_some(), terms.trial_days > 0);
        let owners = world.system.store.platform_collection::<Owner>();
        let owner = owners.find_one(doc! { "_id": organization.owner_id }).await.unwrap().unwrap();
        assert_eq!(owner.email, format!("{id}@example.com"));
        let owes = terms.trial_days == 0 && tier != Tier::Free;
        assert_eq!(owner.subscription.status.is_paid(), owes, "{tier:?}");

        let store = tenants.store(&id).await.unwrap();
        assert_eq!(store.collection::<Room>().count(doc! {}).await.unwrap(), 1, "the default room");
        let sealed = world.system.keys().seal(&id, &record.key, "a field", "a secret").await;
        assert!(sealed.is_ok(), "the data key works");
    }
}

#[tokio::test]
async fn whoever_dies_at_any_step_leaves_a_tenant_that_is_finished_later() {
    for step in steps(OperationKind::Create) {
        let world = World::start().await;
        let id = world.new_id();
        let job = world.ask(&id, &shop(Tier::Pro, &id)).await;
        let operation = world.drive_with(&job, once_at(step.name, 1)).await;
        assert_eq!(operation.state, OperationState::Done, "death at {}", step.name);
        let [organization] = organizations(&world).await.try_into().unwrap();
        assert_eq!(organization.status, OrganizationStatus::Active);
        let store = world.system.store.tenant(&id, Placement::CollectionSet);
        assert_eq!(store.collection::<Room>().count(doc! {}).await.unwrap(), 1);
        let record = world.system.directory().tenant(&id).await.unwrap().unwrap();
        assert_eq!((record.status, record.key.key_version), (Status::Active, 1));
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name_before_anything_is_made() {
    let world = World::start().await;
    let id = world.new_id();
    let good = shop(Tier::Free, &id);
    let email = |email: &str| NewOwner { email: email.to_owned(), ..good.owner.clone() };
    let table = [
        ("type", CreateTenant { kind: "circus".to_owned(), ..good.clone() }),
        ("name", CreateTenant { name: " ".to_owned(), ..good.clone() }),
        ("timezone", CreateTenant { timezone: "Mars".to_owned(), ..good.clone() }),
        ("owner.email", CreateTenant { owner: email("nobody"), ..good.clone() }),
        ("CELLS", CreateTenant { cell: Some(CellName::new("moon").unwrap()), ..good.clone() }),
        ("dataRegion", CreateTenant { data_region: Some("moon".to_owned()), ..good.clone() }),
    ];
    for (field, request) in table {
        let job = world.ask(&id, &request).await;
        let operation = world.drive(&job).await;
        assert_eq!(operation.state, OperationState::Failed);
        let error = operation.steps[0].error.as_deref().unwrap();
        assert!(error.starts_with(field), "{error}");
    }
    assert!(organizations(&world).await.is_empty());
    assert!(world.system.directory().tenant(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_tenant_lives_where_its_data_have_to_stay_and_is_moved_to_no_other_region() {
    let mut world = World::start().await;
    let uri = matome_local_stack::shared::mongodb_uri().await.unwrap();
    world.system.add_cell("same", &uri).await;
    world.system.add_cell("tokyo", &uri).await;
    world.system.set_region("japan");
    let cell = |name: &str| Some(CellName::new(name).unwrap());
    let table = [
        (None, None, Ok(("main", "southeast-asia"))),
        (None, Some("southeast-asia"), Ok(("main", "southeast-asia"))),
        (cell("same"), None, Ok(("same", "southeast-asia"))),
        (None, Some("japan"), Ok(("tokyo", "japan"))),
        (cell("tokyo"), None, Ok(("tokyo", "japan"))),
        (cell("tokyo"), Some("southeast-asia"), Err("dataRegion: is not where the cell is")),
    ];
    for (cell, region, expected) in table {
        let id = world.new_id();
        let data_region = region.map(str::to_owned);
        let request = CreateTenant { cell, data_region, ..shop(Tier::Free, &id) };
        let job = world.ask(&id, &request).await;
        let operation = world.drive(&job).await;
        match expected {
            Ok((cell, region)) => {
                assert_eq!(operation.state, OperationState::Done, "{operation:?}");
                let record = world.system.directory().tenant(&id).await.unwrap().unwrap();
                let stored = organizations(&world).await;
                let organization = stored.iter().find(|o| o.tenant_id == id.as_str()).unwrap();
                assert_eq!((record.cell.as_str(), organization.cell.as_str()), (cell, cell));
                assert_eq!(organization.data_region, region);
            }
            Err(error) => assert_eq!(operation.steps[0].error.as_deref(), Some(error)),
        }
    }
    let tenant = world.create(Tier::Free).await;
    for (to, state) in [("tokyo", OperationState::Failed), ("same", OperationState::Done)] {
        let request = Move { placement: Placement::Shared, cell: cell(to) };
        let job = world.ask(&tenant, &request).await;
        assert_eq!(world.drive(&job).await.state, state, "{to}");
    }
}

#[tokio::test]
async fn an_owner_has_as_many_organizations_as_the_plan_allows() {
    let world = World::start().await;
    let owner = NewOwner { email: "one@example.com".to_owned(), name: "One".to_owned() };
    let most = Terms::of(Tier::Free).owner_limits.max_organizations.unwrap();
    for n in 0..=most {
        let id = world.new_id();
        let mut request = shop(Tier::Free, &id);
        request.owner = owner.clone();
        let job = world.ask(&id, &request).await;
        let operation = world.drive(&job).await;
        let expected = if n < most { OperationState::Done } else { OperationState::Failed };
        assert_eq!(operation.state, expected, "organization {n}");
    }
    let owners = world.system.store.platform_collection::<Owner>();
    assert_eq!(owners.count_documents(doc! {}).await.unwrap(), 1);
}

/// All are checked before any is made.
#[tokio::test]
async fn of_several_created_at_once_none_is_one_more_than_the_plan_allows() {
    let world = World::start().await;
    let owner = NewOwner { email: "one@example.com".to_owned(), name: "One".to_owned() };
    let most = Terms::of(Tier::Free).owner_limits.max_organizations.unwrap();
    let mut jobs = Vec::new();
    for _ in 0..=most {
        let id = world.new_id();
        let request = CreateTenant { owner: owner.clone(), ..shop(Tier::Free, &id) };
        let job = world.ask(&id, &request).await;
        let dies = world.context(once_at("collections", 1));
        assert!(matome_provisioner::run::run(&dies, &job).await.is_err());
        jobs.push(job);
    }
    let last = jobs.pop().expect("one more");
    for job in &jobs {
        assert_eq!(world.drive(job).await.state, OperationState::Done);
    }
    let operation = world.drive(&last).await;
    assert_eq!(operation.state, OperationState::Failed);
    let error = operation.steps.last().and_then(|step| step.error.as_deref()).unwrap_or_default();
    assert!(error.contains(&format!("its plan allows {most}")), "{error}");
    // Nobody is served, and it can be taken away like every creation that failed.
    assert!(!world.system.tenants().is_served(&last.tenant_id).await.unwrap());
    let failed = organizations(&world).await.into_iter().find(|o| o.tenant_id == last.tenant_id.as_str());
    assert_eq!(failed.unwrap().status, OrganizationStatus::Failed);
}

async fn give_up(world: &World, job: &TenantJob) {
    let now = world.system.clock.now();
    let id = object_id(&job.operation_id).expect("our own id");
    let wish = request_abort(&world.system.store, &world.queues, &job.tenant_id, id, now).await;
    wish.expect("it is open");
}

#[tokio::test]
async fn a_creation_is_given_up_while_nothing_is_made_and_goes_on_to_its_end_afterwards() {
    let world = World::start().await;
    let table = [
        ("", OperationState::Aborted),
        ("check", OperationState::Aborted),
        ("stack", OperationState::Done),
        ("organization", OperationState::Done),
    ];
    for (begun, expected) in table {
        let id = world.new_id();
        let job = world.ask(&id, &shop(Tier::Free, &id)).await;
        if !begun.is_empty() {
            let dies = world.context(once_at(begun, 1));
            assert!(matome_provisioner::run::run(&dies, &job).await.is_err());
        }
        give_up(&world, &job).await;
        let ended = world.drive(&job).await;
        assert_eq!((ended.state, ended.open), (expected, false), "given up at {begun:?}");
        let is_made = expected == OperationState::Done;
        let organizations = organizations(&world).await;
        assert_eq!(organizations.iter().any(|o| o.tenant_id == id.as_str()), is_made);
        assert_eq!(world.system.directory().tenant(&id).await.unwrap().is_some(), is_made);
    }
}

#[tokio::test]
async fn a_creation_that_could_not_be_checked_yet_is_given_up_as_wished() {
    let mut world = World::start().await;
    world.system.add_cell("dark", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=10").await;
    let id = world.new_id();
    let request = CreateTenant { cell: Some(CellName::new("dark").unwrap()), ..shop(Tier::Free, &id) };
    let job = world.ask(&id, &request).await;
    let waiting = world.drive_until(&job, Faults::none(), |_| true).await;
    assert!(waiting.steps[0].error.is_some(), "{waiting:?}");
    give_up(&world, &job).await;
    assert_eq!(world.drive(&job).await.state, OperationState::Aborted);
    assert!(organizations(&world).await.is_empty());
}

#[tokio::test]
async fn a_creation_that_keeps_failing_is_shown_and_can_be_retried() {
    let world = World::start().await;
    let id = world.new_id();
    let job = world.ask(&id, &shop(Tier::Free, &id)).await;
    // The organization is there, and the step after it cannot be done: its directory item is lost.
    let parked = |o: &matome_store::entities::Operation| o.steps.last().is_some_and(|s| s.error.is_some());
    let lost = world.system.directory();
    let faults = matome_domain::fault::Faults::at(|name| name == "activate");
    let context = world.context(faults);
    assert!(matome_provisioner::run::run(&context, &job).await.is_err());
    let record = lost.tenant(&id).await.unwrap().unwrap();
    lost.remove_tenant(&id).await.unwrap();
    let waiting = world.drive_until(&job, matome_domain::fault::Faults::none(), parked).await;
    assert_eq!(waiting.state, OperationState::Waiting);
    let failed = world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let [organization] = organizations(&world).await.try_into().unwrap();
    assert_eq!(organization.status, OrganizationStatus::Failed);
    let reason = organization.status_reason.unwrap();
    assert_eq!(reason.step.as_deref(), Some("activate"));
    assert!(reason.message.contains("is not in the directory"), "{}", reason.message);

    lost.put_tenant(&record).await.unwrap();
    let now = matome_domain::clock::Clock::now(&*world.system.clock);
    matome_tenancy::operations::retry(&world.system.store, &world.queues, &id, failed.id, now).await.unwrap();
    assert_eq!(world.drive(&job).await.state, OperationState::Done);
    let [organization] = organizations(&world).await.try_into().unwrap();
    assert_eq!((organization.status, organization.status_reason), (OrganizationStatus::Active, None));
}

#[tokio::test]
async fn a_stack_that_failed_is_made_anew_when_the_creation_is_tried_again() {
    let mut world = World::start().await;
    let bucket = Bucket::make().await;
    world.stacks = Some(TemplateOfStacks::put(&bucket).await);
    world.blobs = Some(bucket.blobs.clone());
    TemplateOfStacks::break_in(&bucket, true).await;
    let id = world.new_id();
    let job = world.ask(&id, &shop(Tier::Enterprise, &id)).await;
    let failed = world.drive(&job).await;
    assert_eq!(failed.state, OperationState::Failed);
    let error = failed.steps.iter().find_map(|step| step.error.clone()).unwrap();
    assert!(error.contains("Impossible"), "{error}");

    TemplateOfStacks::break_in(&bucket, false).await;
    let now = world.system.clock.now();
    matome_tenancy::operations::retry(&world.system.store, &world.queues, &id, failed.id, now).await.unwrap();
    assert_eq!(world.drive(&job).await.state, OperationState::Done);
    assert!(world.stacks.as_ref().unwrap().of(&id).await.is_some(), "a stack of its own");
}
