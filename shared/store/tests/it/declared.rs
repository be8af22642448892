//! An entity that is new: what is stored before it was there gets its collection.

use bson::{Document, doc};
use matome_domain::fault::Faults;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_store::Entity;
use matome_store::entities::{IpRule, KnowledgeEntry};
use matome_store::migrations::{Direction, Options};

use crate::migrations::{migrator, world};
use crate::store;

#[tokio::test]
async fn an_entity_that_is_new_is_made_in_every_place_without_a_migration() {
    let store = store().await;
    let places = world(&store, 1).await;
    let migrator = migrator(&store, "run", Faults::none());
    let of_tenants = |name: &'static str| {
        // As `world` has made them, each in its own way to keep what it has.
        places.iter().filter(|(place, _)| *place != "platform").map(move |(_, notes)| {
            let (database, notes) = (notes.namespace().db, notes.name().to_owned());
            (database, notes.replace("notes", name))
        })
    };
    let client = store.platform().client().clone();
    let indexes = async |database: &str, name: &str| {
        let names = client.database(database).collection::<Document>(name).list_index_names().await;
        names.map(|names| names.len()).unwrap_or_default()
    };
    let some = Options { direction: Direction::Up, to: Some(1), dry_run: false };
    for options in [Options { dry_run: true, ..Options::default() }, some] {
        migrator.run(&options).await.expect("goes up");
        for (database, name) in of_tenants(KnowledgeEntry::COLLECTION) {
            assert_eq!(indexes(&database, &name).await, 0, "{database}.{name}");
        }
    }
    migrator.run(&Options::default()).await.expect("goes up");
    store.platform().collection::<Document>(IpRule::COLLECTION).drop().await.expect("dropped");
    let again = migrator.run(&Options::default()).await.expect("nothing to migrate");
    assert!(again.places.iter().all(|place| place.migrations.is_empty()));
    // Its own, `_id`, and the one it is walked by.
    let expected = KnowledgeEntry::indexes().len() + 2;
    for (database, name) in of_tenants(KnowledgeEntry::COLLECTION) {
        assert_eq!(indexes(&database, &name).await, expected, "{database}.{name}");
    }
    let platform = store.platform();
    assert!(indexes(platform.name(), IpRule::COLLECTION).await > 1);
    // It is checked as well.
    let shared = store.tenant(&TenantId::new("t").expect("valid"), Placement::Shared);
    let nothing = doc! { "_id": 1, "tenantId": shared.tenant_id().as_str() };
    let (database, name) = of_tenants(KnowledgeEntry::COLLECTION).next().expect("the shared one");
    let refused = client.database(&database).collection::<Document>(&name).insert_one(nothing).await;
    refused.expect_err("it says nothing");
}
