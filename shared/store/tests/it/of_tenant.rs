//! What the platform's database has of a tenant is another tenant's neither to see nor to change.

use bson::{Document, doc};
use matome_domain::ids::TenantId;
use matome_store::collection::encode;
use matome_store::entities::{
    Account, ApiKey, Channel, ErasureCertificate, Invitation, IpRule, Member, Operation, Organization, Owner,
    Room, SecurityPolicy, platform_declarations,
};
use matome_store::{Collection, Entity, Scope, StoreError};

use crate::samples;
use crate::world::World;

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("a valid id")
}

fn sample<E: Entity>(tenant: &str, number: u32) -> E {
    let all = samples::of_tenant_on_platform(tenant, number);
    let found = all.into_iter().find(|(name, _)| *name == E::COLLECTION);
    let (_, document) = found.unwrap_or_else(|| panic!("samples.rs has no document of {}", E::COLLECTION));
    bson::deserialize_from_document(document).expect("a sample is one")
}

fn is_refused<T>(outcome: Result<T, StoreError>, what: &str) {
    assert!(matches!(outcome, Err(StoreError::BeyondTenant { .. })), "{what}");
}

async fn keeps_apart<E: Entity>(world: &World) {
    let name = E::COLLECTION;
    assert_eq!(E::SCOPE, Scope::TenantOnPlatform, "{name}");
    let of = |id: &str| -> Collection<E> { world.store.of_tenant::<E>(&tenant(id)) };
    let (ours, theirs) = (of("t1"), of("t10"));
    ours.insert(&sample::<E>("t1", 1)).await.expect("stored");
    let their: E = sample("t10", 2);
    theirs.insert(&their).await.expect("stored");
    let before = encode(&their).expect("written");
    let id = before.get("_id").expect("there").clone();

    for filter in [
        doc! { "_id": &id },
        doc! { "tenantId": "t10" },
        doc! { "tenantId": { "$ne": "t1" } },
        doc! { "$or": [{ "tenantId": "t10" }, { "_id": &id }] },
        doc! { "$expr": { "$eq": ["$tenantId", "t10"] } },
    ] {
        let found = ours.find(filter.clone(), doc! {}, 0).await.expect("read");
        for document in found {
            let document = encode(&document).expect("written");
            assert_eq!(document.get_str("tenantId").ok(), Some("t1"), "{name} by {filter}");
        }
        ours.update(filter, doc! { "$set": { "changedBy": "t1" } }).await.expect("asked");
    }
    assert!(ours.get(id.clone()).await.expect("read").is_none(), "{name}");
    is_refused(ours.insert(&their).await, name);
    for update in
        [doc! { "$set": { "tenantId": "t10" } }, doc! { "$unset": { "tenantId": "" } }, before.clone()]
    {
        is_refused(ours.update(doc! {}, update).await, name);
    }
    let kept = world.store.platform().collection::<Document>(name).find_one(doc! { "_id": id }).await;
    assert_eq!(kept.expect("read"), Some(before), "{name}");
}

#[tokio::test]
async fn neither_tenant_reaches_what_the_platform_has_of_the_other() {
    let world = World::start().await;
    world.store.ensure_platform().await.expect("made");
    keeps_apart::<Member>(&world).await;
    keeps_apart::<Invitation>(&world).await;
    keeps_apart::<ApiKey>(&world).await;
    keeps_apart::<SecurityPolicy>(&world).await;
    keeps_apart::<IpRule>(&world).await;
    let tried = samples::of_tenant_on_platform("t1", 1).len();
    assert_eq!(tried, 5, "a new entity is to be tried here as well");
}

#[test]
fn samples_have_every_entity_of_a_tenant_that_lives_on_the_platform() {
    let names: Vec<&str> = samples::of_tenant_on_platform("t", 1).into_iter().map(|(name, _)| name).collect();
    for declaration in platform_declarations() {
        let of_tenant = declaration.shape.required_fields().contains(&"tenantId");
        // What the platform keeps about a tenant rather than for it, and what is tried below.
        let others = [
            Organization::COLLECTION,
            Channel::COLLECTION,
            Operation::COLLECTION,
            ErasureCertificate::COLLECTION,
        ];
        let is_sample = names.contains(&declaration.collection) || others.contains(&declaration.collection);
        assert_eq!(of_tenant, is_sample, "{}", declaration.collection);
    }
}

#[tokio::test]
async fn an_organization_and_its_channels_are_reached_so_as_well() {
    let world = World::start().await;
    world.store.ensure_platform().await.expect("made");
    let samples = samples::of_platform();
    let (_, organization) =
        samples.iter().find(|(name, _)| *name == Organization::COLLECTION).expect("there");
    let organization: Organization = bson::deserialize_from_document(organization.clone()).expect("one");
    let of = |id: &str| world.store.of_tenant::<Organization>(&tenant(id));
    of(&organization.tenant_id).insert(&organization).await.expect("stored");
    assert_eq!(of(&organization.tenant_id).count(doc! {}).await.expect("counted"), 1);
    assert_eq!(of("another").count(doc! {}).await.expect("counted"), 0);
    assert_eq!(world.store.of_tenant::<Channel>(&tenant("t")).count(doc! {}).await.expect("counted"), 0);
}

#[tokio::test]
async fn what_is_nobodys_or_lives_elsewhere_cannot_be_had_of_a_tenant() {
    let world = World::start().await;
    let refused = |ask: &(dyn Fn() + std::panic::RefUnwindSafe)| std::panic::catch_unwind(ask).is_err();
    let store = std::panic::AssertUnwindSafe(&world.store);
    assert!(refused(&|| drop(store.of_tenant::<Account>(&tenant("t")))));
    assert!(refused(&|| drop(store.of_tenant::<Owner>(&tenant("t")))));
    assert!(refused(&|| drop(store.of_tenant::<Room>(&tenant("t")))));
    assert!(refused(&|| drop(store.platform_collection::<Member>())));
    assert!(!refused(&|| drop(store.of_tenant::<Member>(&tenant("t")))));
}
