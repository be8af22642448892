//! What documents went through is known where they arrive.

use std::sync::Arc;

use bson::{DateTime, Document, doc};
use futures::TryStreamExt;
use matome_domain::placement::Placement;
use matome_store::TenantStore;
use matome_store::migrations::{Migrator, Options, all};
use matome_store::relocate::{Checkpoint, RelocateError, Stage};
use mongodb::Collection;

use crate::mover::{abort, call, run_to};
use crate::world::{Still, World};

const THEN: DateTime = DateTime::from_millis(0);

fn records(world: &World, place: &TenantStore, placement: Placement) -> Collection<Document> {
    world
        .database_of(place.tenant_id(), placement)
        .collection(&placement.collection(place.tenant_id(), "migrations"))
}

async fn known(world: &World, place: &TenantStore, placement: Placement) -> Vec<Document> {
    let found = records(world, place, placement).find(doc! {}).sort(doc! { "_id": 1 }).await;
    found.expect("found").try_collect().await.expect("read")
}

fn of_tenants() -> Vec<u32> {
    let all = all().into_iter();
    all.filter(|m| m.scopes.contains(&matome_store::Scope::Tenant)).map(|m| m.version).collect()
}

fn versions(records: &[Document]) -> Vec<u32> {
    records.iter().map(|r| u32::try_from(r.get_i64("_id").expect("a version")).expect("small")).collect()
}

#[tokio::test]
async fn a_new_place_has_done_what_its_code_knows_and_shared_ones_say_nothing_new() {
    let world = World::start().await;
    for placement in [Placement::CollectionSet, Placement::Dedicated] {
        let place = world.tenant("t", placement).await;
        place.begin_migrated(THEN).await.expect("written");
        let before = known(&world, &place, placement).await;
        assert_eq!(versions(&before), of_tenants());
        assert!(before.iter().all(|record| record.get_str("state").is_ok_and(|state| state == "applied")));
        place.begin_migrated(DateTime::from_millis(9)).await.expect("written");
        assert_eq!(known(&world, &place, placement).await, before, "what is known stays");
    }
    let shared = world.tenant("t", Placement::Shared).await;
    shared.begin_migrated(THEN).await.expect("nothing to do");
    assert!(known(&world, &shared, Placement::Shared).await.is_empty());
}

#[tokio::test]
async fn records_go_with_the_documents_and_nothing_of_them_stays_behind() {
    let world = World::start().await;
    let migrator = Migrator::new(world.store.clone(), Arc::new(Still), "run");
    migrator.run(&Options::default()).await.expect("migrated");
    let shared = world.tenant("t", Placement::Shared).await;
    world.fill("t", Placement::Shared, 1, 3).await;
    let of_shared = known(&world, &shared, Placement::Shared).await;
    assert_eq!(versions(&of_shared), of_tenants());
    let mut at = Placement::Shared;
    for to in [Placement::CollectionSet, Placement::Dedicated, Placement::CollectionSet, Placement::Shared] {
        let (source, target) = (world.place("t", at), world.place("t", to));
        run_to(&source, &target, Checkpoint::new(), 100, Stage::Done).await;
        assert_eq!(known(&world, &target, to).await, of_shared, "{to:?}");
        if at != Placement::Shared {
            assert!(known(&world, &source, at).await.is_empty(), "left in {at:?}");
        }
        at = to;
    }
    assert_eq!(known(&world, &shared, Placement::Shared).await, of_shared);
}

#[tokio::test]
async fn documents_do_not_come_where_they_would_miss_a_migration() {
    let world = World::start().await;
    let set = world.tenant("t", Placement::CollectionSet).await;
    let shared = world.place("t", Placement::Shared);
    set.begin_migrated(THEN).await.expect("written");
    let newest = *of_tenants().last().expect("there are some");
    let of_set = records(&world, &set, Placement::CollectionSet);
    let of_shared = records(&world, &shared, Placement::Shared);
    let mut all = known(&world, &set, Placement::CollectionSet).await;
    of_shared.insert_many(&all).await.expect("stored");
    let refused = async || match call(&set, &shared, &Checkpoint::new(), 100).await {
        Err(RelocateError::Unmigrated { version, .. }) => version,
        other => panic!("{other:?}"),
    };
    of_set.delete_one(doc! { "_id": newest }).await.expect("deleted");
    assert_eq!(refused().await, newest);
    let half = all.pop().expect("the newest");
    of_set.insert_one(&half).await.expect("stored");
    for place in [&of_set, &of_shared] {
        let set_state = async |state: &str| {
            let set = doc! { "$set": { "state": state } };
            place.update_one(doc! { "_id": newest }, set).await.expect("changed");
        };
        set_state("applying").await;
        assert_eq!(refused().await, newest);
        set_state("applied").await;
    }
    // A target that knows of less does it once more, and finds nothing to do.
    of_shared.delete_one(doc! { "_id": newest }).await.expect("deleted");
    let ready = call(&set, &shared, &Checkpoint::new(), 100).await.expect("prepared");
    abort(&set, &shared, ready.checkpoint()).await;
    assert_eq!(
        versions(&known(&world, &shared, Placement::Shared).await),
        of_tenants()[..of_tenants().len() - 1]
    );
    assert_eq!(versions(&known(&world, &set, Placement::CollectionSet).await), of_tenants());
}
