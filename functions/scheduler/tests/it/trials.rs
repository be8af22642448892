//! Whose trial ends is told in time, once each time; what follows is the provisioner's.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::TenantJob;
use matome_domain::trial::TrialStage;
use matome_store::entities::{Operation, OperationKind, Organization};
use matome_store::time::{date, timestamp};
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};

use crate::stage::scheduler;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A tenant whose trial ends in thirty days, and its owner.
async fn on_trial(system: &TestSystem) -> TestTenant {
    let tenant = system.tenant(Placement::Shared).await;
    let owner = doc! {
        "_id": ObjectId::parse_str(tenant.id.as_str()).unwrap(), "email": tenant.id.as_str(), "name": "Owner",
        "plan": "basic", "createdAt": DateTime::MIN, "updatedAt": DateTime::MIN, "__v": 0_i64,
        "subscription": { "status": "trial", "startDate": DateTime::MIN },
    };
    system.store.platform().collection::<Document>("owners").insert_one(owner).await.unwrap();
    let organizations = system.store.platform_collection::<Organization>();
    let set = doc! { "$set": { "trialEndsAt": date(BEGIN.plus(DAY * 30)) } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, set).await.unwrap();
    tenant
}

async fn pays(system: &TestSystem, tenant: &TestTenant) {
    let owner = doc! { "_id": ObjectId::parse_str(tenant.id.as_str()).unwrap() };
    let owners = system.store.platform().collection::<Document>("owners");
    owners.update_one(owner, doc! { "$set": { "subscription.status": "active" } }).await.unwrap();
}

async fn organization(system: &TestSystem, tenant: &TestTenant) -> Organization {
    let organizations = system.store.platform_collection::<Organization>();
    organizations.find_one(doc! { "tenantId": tenant.id.as_str() }).await.unwrap().unwrap()
}

/// What was said, and how many days before the end.
async fn told(system: &TestSystem, tenant: &TestTenant) -> Vec<(TrialStage, i64)> {
    let organization = organization(system, tenant).await;
    let days = |at: Timestamp, end: Timestamp| (end.0 - at.0 + 86_399_999).div_euclid(86_400_000);
    let notices = organization.trial_notices.iter();
    notices.map(|n| (n.stage, days(timestamp(n.at), timestamp(n.ends_at)))).collect()
}

/// The operations that were asked for, ended or not.
async fn asked(system: &TestSystem) -> u64 {
    let operations = system.store.platform_collection::<Operation>();
    let all = operations.count_documents(doc! {}).await.unwrap();
    let ours = doc! { "kind": "settle_trial", "requestedBy": "scheduler" };
    assert_eq!(operations.count_documents(ours).await.unwrap(), all);
    all
}

/// The scheduler, every hour until then.
async fn run_until(system: &TestSystem, until: Timestamp) -> Vec<TenantJob> {
    use matome_domain::clock::Clock as _;
    let mut jobs = Vec::new();
    while system.clock.now() <= until {
        let (context, queued) = scheduler(system, Faults::none());
        matome_scheduler::handle(&context).await.unwrap();
        jobs.extend(queued.sent());
        system.clock.advance(HOUR);
    }
    jobs
}

#[tokio::test]
async fn whose_trial_ends_is_told_a_week_and_a_day_before_and_then_and_the_provisioner_is_asked() {
    let system = TestSystem::start().await;
    let (unpaid, paid) = (on_trial(&system).await, on_trial(&system).await);
    pays(&system, &paid).await;
    let version = organization(&system, &unpaid).await.version;
    let end = BEGIN.plus(DAY * 30);
    system.clock.set(end.minus(DAY * 8));
    run_until(&system, end.minus(HOUR * 2)).await;
    assert_eq!(told(&system, &unpaid).await, [(TrialStage::Week, 7), (TrialStage::Day, 1)]);
    assert_eq!(asked(&system).await, 0, "nothing is taken before the end");
    let jobs = run_until(&system, end.plus(HOUR * 3)).await;
    let stages = [(TrialStage::Week, 7), (TrialStage::Day, 1), (TrialStage::Ended, 0)];
    assert_eq!(told(&system, &unpaid).await, stages);
    assert_eq!(told(&system, &paid).await, [], "who pays is left alone");
    // One each, for neither was done yet: the other's trial is to be one no longer.
    assert_eq!(asked(&system).await, 2);
    for tenant in [&unpaid, &paid] {
        assert!(jobs.iter().any(|job| job.tenant_id == tenant.id));
    }
    assert_eq!(organization(&system, &unpaid).await.version, version, "nobody's edit collides");
}

#[tokio::test]
async fn who_pays_after_the_end_is_served_as_before_and_who_does_not_is_left_alone() {
    let system = TestSystem::start().await;
    let tenant = on_trial(&system).await;
    let end = BEGIN.plus(DAY * 30);
    let organizations = system.store.platform_collection::<Organization>();
    let ended = doc! { "$set": { "trialEndedAt": date(end) } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, ended).await.unwrap();
    system.clock.set(end.plus(DAY));
    run_until(&system, end.plus(DAY + HOUR)).await;
    assert_eq!(asked(&system).await, 0);
    pays(&system, &tenant).await;
    run_until(&system, end.plus(DAY + 3 * HOUR)).await;
    let operations = system.store.platform_collection::<Operation>();
    let operation = operations.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!((operation.kind, operation.tenant_id), (OperationKind::SettleTrial, tenant.id.to_string()));
}
