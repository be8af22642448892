//! Changes of tier, up and down.

use bson::doc;
use matome_domain::placement::Placement;
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use matome_store::entities::{OperationState, Organization, Owner};
use matome_tenancy::operations::ChangeTier;
use matome_testing::crash::once_at;

use crate::mover::Mover;

async fn organization(mover: &Mover) -> Organization {
    let organizations = mover.world.system.store.platform_collection::<Organization>();
    organizations.find_one(doc! { "tenantId": mover.tenant.id.as_str() }).await.unwrap().unwrap()
}

async fn owner(mover: &Mover) -> Owner {
    let owners = mover.world.system.store.platform_collection::<Owner>();
    owners.find_one(doc! { "_id": organization(mover).await.owner_id }).await.unwrap().unwrap()
}

async fn pays(mover: &Mover, tier: Tier) {
    let owners = mover.world.system.store.platform().collection::<bson::Document>("owners");
    let now = bson::DateTime::from_millis(0);
    let owner = doc! {
        "_id": organization(mover).await.owner_id, "email": "aoi@example.com", "name": "Aoi",
        "plan": tier.as_str(), "subscription": { "startDate": now },
        "createdAt": now, "updatedAt": now, "__v": 0_i64,
    };
    owners.insert_one(owner).await.unwrap();
}

#[tokio::test]
async fn a_tier_brings_its_placement_its_limits_and_the_owners_plan_up_and_down() {
    let mover = Mover::start(Placement::Shared).await;
    pays(&mover, Tier::Free).await;
    mover.record(0, 30).await;
    let tiers =
        [Tier::Basic, Tier::Pro, Tier::Enterprise, Tier::Pro, Tier::Free, Tier::Enterprise, Tier::Basic];
    let mut days = organization(&mover).await.audit_retention_days;
    let mut kept_since = None;
    for (recorded, tier) in (30..).zip(tiers) {
        let before = mover.documents(organization(&mover).await.placement).await;
        let job = mover.world.ask(&mover.tenant.id, &ChangeTier { tier }).await;
        let done = mover.world.drive(&job).await;
        assert_eq!(done.state, OperationState::Done, "{done:?}");
        let organization = organization(&mover).await;
        let terms = Terms::of(tier);
        assert_eq!((organization.tier, organization.limits), (tier, terms.limits));
        assert_eq!(organization.features, Some(terms.features));
        assert_eq!(organization.audit_retention_days, terms.audit_retention_days);
        // What was written under a shorter retention is not missed later.
        let longer = terms.audit_retention_days > days;
        assert_eq!(organization.audit_kept_since != kept_since, longer, "{tier:?}");
        (days, kept_since) = (terms.audit_retention_days, organization.audit_kept_since);
        let owner = owner(&mover).await;
        assert_eq!((owner.plan, owner.limits), (tier, terms.owner_limits));
        mover.assert_lives(tier.placement(), &before, recorded).await;
    }
}

#[tokio::test]
async fn an_owners_plan_follows_the_highest_of_its_organizations() {
    let mover = Mover::start(Placement::Dedicated).await;
    pays(&mover, Tier::Enterprise).await;
    let owner_id = organization(&mover).await.owner_id;
    let other = mover.world.system.tenant(Placement::CollectionSet).await;
    let organizations = mover.world.system.store.platform_collection::<Organization>();
    let second = doc! { "tenantId": other.id.as_str() };
    organizations.update_one(second, doc! { "$set": { "ownerId": owner_id } }).await.unwrap();
    let job = mover.world.ask(&mover.tenant.id, &ChangeTier { tier: Tier::Free }).await;
    assert_eq!(mover.world.drive(&job).await.state, OperationState::Done);
    assert_eq!(owner(&mover).await.plan, Tier::Pro);
}

#[tokio::test]
async fn a_change_of_tier_that_is_given_up_changes_neither_tier_nor_limits() {
    let mover = Mover::start(Placement::Shared).await;
    mover.record(0, 30).await;
    let (before, documents) = (organization(&mover).await, mover.documents(Placement::Shared).await);
    let job = mover.world.ask(&mover.tenant.id, &ChangeTier { tier: Tier::Enterprise }).await;
    mover.until_death(&job, once_at("fence.fenced", 1)).await;
    mover.abort(&job).await;
    assert_eq!(mover.world.drive(&job).await.state, OperationState::Aborted);
    let after = organization(&mover).await;
    assert_eq!((after.tier, after.limits), (before.tier, before.limits));
    mover.assert_lives(Placement::Shared, &documents, 30).await;
}

#[tokio::test]
async fn limits_that_an_operator_agreed_on_stay_when_the_tier_does() {
    let mover = Mover::start(Placement::Shared).await;
    let agreed = organization(&mover).await;
    let job = mover.world.ask(&mover.tenant.id, &ChangeTier { tier: agreed.tier }).await;
    assert_eq!(mover.world.drive(&job).await.state, OperationState::Done);
    assert_eq!(organization(&mover).await.limits, agreed.limits);
    assert_ne!(agreed.limits, Terms::of(agreed.tier).limits);
}
