//! Trials that end, paid for or not.

use std::time::Duration;

use bson::{Document, doc};
use matome_domain::audit::Known;
use matome_domain::ids::TenantId;
use matome_domain::plan::{Feature, Terms};
use matome_domain::tier::Tier;
use matome_provisioner::operations::steps;
use matome_store::audit::verify_audit;
use matome_store::entities::{AuditEntry, AuditPhase, OperationKind, OperationState, Organization, Owner};
use matome_tenancy::operations::{ChangeTier, Request, SettleTrial};
use matome_testing::crash::once_at;

use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn organization(world: &World, tenant: &TenantId) -> Organization {
    let organizations = world.system.store.platform_collection::<Organization>();
    organizations.find_one(doc! { "tenantId": tenant.as_str() }).await.unwrap().unwrap()
}

async fn owner(world: &World, tenant: &TenantId) -> Owner {
    let owners = world.system.store.platform_collection::<Owner>();
    owners.find_one(doc! { "_id": organization(world, tenant).await.owner_id }).await.unwrap().unwrap()
}

async fn subscribe(world: &World, tenant: &TenantId, status: &str) {
    let owners = world.system.store.platform().collection::<Document>("owners");
    let set = doc! { "$set": { "subscription.status": status } };
    let owner = doc! { "_id": organization(world, tenant).await.owner_id };
    assert_eq!(owners.update_one(owner, set).await.unwrap().matched_count, 1);
}

async fn done<R: Request>(world: &World, tenant: &TenantId, request: &R) {
    let job = world.ask(tenant, request).await;
    let done = world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done, "{done:?}");
}

/// What the audit trail says of trials.
async fn trail(world: &World, tenant: &TenantId) -> Vec<AuditPhase> {
    let store = world.system.tenants().store(tenant).await.unwrap();
    assert!(verify_audit(&store, Known::default()).await.unwrap().intact);
    let entries = store.collection::<AuditEntry>();
    let entries = entries.find(doc! { "operation": "settleTrial" }, doc! { "seq": 1 }, 0).await.unwrap();
    entries.into_iter().map(|entry| entry.record.phase).collect()
}

#[tokio::test]
async fn an_unpaid_trial_ends_in_the_free_plan_wherever_the_provisioner_dies_and_payment_brings_everything_back()
 {
    let boundaries = ["settle_trial.begun", "settle_trial.organization"];
    let steps = steps(OperationKind::SettleTrial).iter().map(|step| step.name);
    let world = World::start().await;
    for boundary in steps.chain(boundaries) {
        let tenant = world.create(Tier::Basic).await;
        let before = organization(&world, &tenant).await;
        done(&world, &tenant, &SettleTrial {}).await;
        assert_eq!(organization(&world, &tenant).await, before, "it has not ended");
        assert_eq!(trail(&world, &tenant).await, []);

        world.system.clock.advance(DAY * 15);
        let job = world.ask(&tenant, &SettleTrial {}).await;
        let ended = world.drive_with(&job, once_at(boundary, 1)).await;
        assert_eq!(ended.state, OperationState::Done, "{boundary}: {ended:?}");
        let after = organization(&world, &tenant).await;
        let free = Terms::of(Tier::Free);
        assert_eq!((after.limits, after.features()), (free.limits, free.features), "{boundary}");
        assert!(after.trial_ended_at.is_some() && !after.may_use(Feature::ApiAccess));
        assert_eq!((after.tier, after.placement), (Tier::Basic, before.placement), "it stays where it is");
        assert_eq!(after.audit_retention_days, before.audit_retention_days, "nothing is forgotten sooner");
        let paying = owner(&world, &tenant).await;
        assert_eq!((paying.plan, paying.limits), (Tier::Free, free.owner_limits), "{boundary}");
        let ends = trail(&world, &tenant).await;
        assert_eq!(ends.last(), Some(&AuditPhase::Ended), "{boundary}");

        done(&world, &tenant, &SettleTrial {}).await;
        assert_eq!(organization(&world, &tenant).await, after, "once is enough");
        assert_eq!(trail(&world, &tenant).await.len(), ends.len());

        subscribe(&world, &tenant, "active").await;
        done(&world, &tenant, &SettleTrial {}).await;
        let paid = organization(&world, &tenant).await;
        let basic = Terms::of(Tier::Basic);
        assert_eq!((paid.limits, paid.features(), paid.plan()), (basic.limits, basic.features, Tier::Basic));
        assert_eq!((paid.trial_ends_at, paid.trial_ended_at), (None, None), "it is no trial any more");
        assert_eq!(owner(&world, &tenant).await.plan, Tier::Basic);
    }
}

#[tokio::test]
async fn a_trial_that_was_paid_for_in_time_changes_nothing_but_that_it_is_over() {
    let world = World::start().await;
    let tenant = world.create(Tier::Basic).await;
    subscribe(&world, &tenant, "active").await;
    world.system.clock.advance(DAY * 15);
    let before = organization(&world, &tenant).await;
    done(&world, &tenant, &SettleTrial {}).await;
    let after = organization(&world, &tenant).await;
    assert_eq!((after.trial_ends_at, after.trial_ended_at), (None, None));
    assert_eq!((after.limits, after.features, after.tier), (before.limits, before.features, before.tier));
}

#[tokio::test]
async fn an_operator_who_sets_the_tier_ends_what_the_end_of_the_trial_brought() {
    let world = World::start().await;
    for tier in [Tier::Basic, Tier::Free] {
        let tenant = world.create(Tier::Basic).await;
        world.system.clock.advance(DAY * 15);
        done(&world, &tenant, &SettleTrial {}).await;
        done(&world, &tenant, &ChangeTier { tier }).await;
        let after = organization(&world, &tenant).await;
        assert_eq!((after.trial_ends_at, after.trial_ended_at), (None, None));
        assert_eq!((after.plan(), after.limits), (tier, Terms::of(tier).limits));
        assert_eq!(owner(&world, &tenant).await.plan, tier);
    }
}
