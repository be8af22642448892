//! Suspending tenants and serving them again.

use bson::doc;
use matome_domain::clock::Clock as _;
use matome_domain::placement::Placement;
use matome_domain::queue::TenantJob;
use matome_domain::tier::Tier;
use matome_provisioner::operations::steps;
use matome_runtime::directory::Status;
use matome_store::entities::{OperationKind, OperationState, Organization, OrganizationStatus};
use matome_tenancy::operations::{Resume, Suspend, retry};
use matome_testing::crash::once_at;
use matome_testing::{TestSystem, TestTenant};

use crate::world::{World, shop};

async fn standing(
    world: &World,
    tenant: &TestTenant,
) -> (Status, Status, OrganizationStatus, Option<String>) {
    let directory = world.system.directory();
    let all = world.system.store.platform_collection::<Organization>();
    let organization = all.find_one(doc! { "tenantId": tenant.id.as_str() }).await.unwrap().unwrap();
    (
        directory.tenant(&tenant.id).await.unwrap().unwrap().status,
        directory.channel(&tenant.channel).await.unwrap().unwrap().status,
        organization.status,
        organization.status_reason.map(|reason| reason.message),
    )
}

fn unpaid() -> Suspend {
    Suspend { reason: "unpaid".to_owned() }
}

/// A tenant with a channel that the platform knows of.
async fn connected(system: &TestSystem) -> TestTenant {
    let tenant = system.tenant(Placement::Shared).await;
    let channel = doc! { "tenantId": tenant.id.as_str(), "channelId": tenant.channel.as_str() };
    let channels = system.store.platform().collection::<bson::Document>("channels");
    channels.insert_one(channel).bypass_document_validation(true).await.unwrap();
    tenant
}

#[tokio::test]
async fn a_tenant_is_suspended_everywhere_and_resumed_wherever_the_provisioner_dies() {
    let active = (Status::Active, Status::Active, OrganizationStatus::Active, None);
    let suspended =
        (Status::Suspended, Status::Suspended, OrganizationStatus::Suspended, Some("unpaid".to_owned()));
    for step in steps(OperationKind::Suspend) {
        let world = World::start().await;
        let (tenant, other) = (connected(&world.system).await, connected(&world.system).await);
        let job = world.ask(&tenant.id, &unpaid()).await;
        let done = world.drive_with(&job, once_at(step.name, 1)).await;
        assert_eq!(done.state, OperationState::Done, "{}", step.name);
        assert_eq!(standing(&world, &tenant).await, suspended);
        assert_eq!(standing(&world, &other).await, active);

        let job = world.ask(&tenant.id, &Resume {}).await;
        let done = world.drive_with(&job, once_at(step.name, 1)).await;
        assert_eq!(done.state, OperationState::Done, "{}", step.name);
        assert_eq!(standing(&world, &tenant).await, active);
    }
}

#[tokio::test]
async fn suspending_twice_is_fine_and_gives_the_newer_reason() {
    let world = World::start().await;
    let tenant = connected(&world.system).await;
    for reason in ["unpaid", "abuse"] {
        let job = world.ask(&tenant.id, &Suspend { reason: reason.to_owned() }).await;
        assert_eq!(world.drive(&job).await.state, OperationState::Done);
        assert_eq!(standing(&world, &tenant).await.3.as_deref(), Some(reason));
    }
}

#[tokio::test]
async fn a_tenant_that_is_not_there_yet_is_not_suspended_or_resumed() {
    let world = World::start().await;
    let id = world.new_id();
    for _ in 0..2 {
        let job = world.ask(&id, &Resume {}).await;
        let failed = world.drive(&job).await;
        assert_eq!(failed.state, OperationState::Failed);
        assert!(failed.steps[0].error.as_deref().unwrap().starts_with("tenantId: "));
    }
    let job = world.ask(&id, &shop(Tier::Free, &id)).await;
    assert_eq!(world.drive(&job).await.state, OperationState::Done);
}

#[tokio::test]
async fn a_directory_that_keeps_failing_leaves_a_suspended_tenant_that_says_why() {
    let active = (Status::Active, Status::Active, OrganizationStatus::Active, None);
    let suspended =
        (Status::Suspended, Status::Suspended, OrganizationStatus::Suspended, Some("unpaid".to_owned()));
    // A tenant and its channel are two items.
    for writes in [0, 1] {
        let world = World::start().await;
        let tenant = connected(&world.system).await;
        let fails = async |job: &TenantJob, kind: &str| {
            world.system.fail_directory_after(Some(writes));
            let failed = world.drive(job).await;
            world.system.fail_directory_after(None);
            assert_eq!(failed.state, OperationState::Failed, "{failed:?}");
            let (_, _, status, reason) = standing(&world, &tenant).await;
            assert_eq!(status, OrganizationStatus::Suspended);
            assert!(reason.is_some_and(|reason| reason.starts_with(&format!("{kind} failed: "))));
            failed.id
        };
        let again = async |id| {
            let now = world.system.clock.now();
            retry(&world.system.store, &world.queues, &tenant.id, id, now).await.unwrap();
        };

        let job = world.ask(&tenant.id, &unpaid()).await;
        again(fails(&job, "Suspend").await).await;
        assert_eq!(world.drive(&job).await.state, OperationState::Done);
        assert_eq!(standing(&world, &tenant).await, suspended);

        let job = world.ask(&tenant.id, &Resume {}).await;
        let failed = fails(&job, "Resume").await;
        assert!(!world.system.tenants().is_served(&tenant.id).await.unwrap());
        again(failed).await;
        assert_eq!(world.drive(&job).await.state, OperationState::Done);
        assert_eq!(standing(&world, &tenant).await, active);

        // The way back instead of a retry.
        let job = world.ask(&tenant.id, &unpaid()).await;
        fails(&job, "Suspend").await;
        let job = world.ask(&tenant.id, &Resume {}).await;
        assert_eq!(world.drive(&job).await.state, OperationState::Done);
        assert_eq!(standing(&world, &tenant).await, active);
    }
}
