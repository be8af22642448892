//! What MongoDB refuses, and that it refuses nothing that Rust writes.

use std::collections::BTreeMap;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use futures::future::join_all;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_store::entities::{InboundEventRecord, Message, platform_declarations, tenant_declarations};
use matome_store::schema::Declaration;
use matome_store::{Entity, Store};
use mongodb::{Client, Database};

use crate::samples;
use crate::world::World;

/// Whether the server took the document; any refusal but a failed validation is a failure of the test.
async fn taken(database: &Database, collection: &str, document: &Document) -> bool {
    let documents = database.collection::<Document>(collection);
    match documents.insert_one(document).await {
        Ok(_) => {
            documents.delete_one(doc! { "_id": document.get("_id") }).await.expect("deleted");
            true
        }
        Err(e) => {
            assert!(
                e.to_string().contains("121") || format!("{e:?}").contains("code: 121"),
                "{collection}: {e:?}"
            );
            false
        }
    }
}

async fn check(database: &Database, declarations: &[Declaration], samples: Vec<(&'static str, Document)>) {
    let samples: BTreeMap<&str, Document> = samples.into_iter().collect();
    for declaration in declarations {
        let name = declaration.collection;
        let sample = samples.get(name).unwrap_or_else(|| panic!("samples.rs has no document of {name}"));
        assert!(taken(database, name, sample).await, "{name} refuses what Rust writes");
        let with = |field: &str, value: Bson| {
            let mut document = sample.clone();
            document.insert(field, value);
            document
        };
        assert!(taken(database, name, &with("aNewField", Bson::Null)).await, "{name} refuses new fields");
        for field in declaration.shape.fields() {
            let other_type = Binary { subtype: BinarySubtype::Generic, bytes: Vec::new() };
            let wrong = with(field, Bson::Binary(other_type));
            assert!(!taken(database, name, &wrong).await, "{name}.{field} takes any type");
        }
        for field in declaration.shape.required_fields() {
            assert!(sample.contains_key(field), "{name}.{field} is required, and Rust does not write it");
            let mut without = sample.clone();
            without.remove(field);
            assert!(!taken(database, name, &without).await, "{name}.{field} need not be there");
        }
        for field in declaration.shape.enumerated() {
            let unknown = with(field, "no such value".into());
            assert!(!taken(database, name, &unknown).await, "{name}.{field} takes any value");
        }
    }
}

#[tokio::test]
async fn every_entity_is_taken_as_rust_writes_it_and_refused_otherwise() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Shared).await;
    let declarations = tenant_declarations();
    for declaration in &declarations {
        assert!(declaration.shape.required_fields().contains(&"tenantId"), "{}", declaration.collection);
    }
    check(&world.database(&tenant), &declarations, samples::of_tenant("t", 1)).await;
    world.store.ensure_platform().await.expect("made");
    check(&world.store.platform(), &platform_declarations(), samples::of_platform()).await;
}

#[tokio::test]
async fn every_tenant_entity_can_be_gone_through_by_an_index_of_its_own() {
    for declaration in tenant_declarations() {
        let walk = declaration.walk();
        assert_eq!(walk.keys().next().map(String::as_str), Some("tenantId"), "{}", declaration.collection);
    }
}

#[tokio::test]
async fn many_at_once_make_collections_with_one_outcome_and_keep_fences() {
    let uri = matome_local_stack::shared::mongodb_uri().await.expect("the shared MongoDB starts");
    let world = World::start().await;
    let fenced = world.store.tenant(&TenantId::new("fenced").expect("valid"), Placement::Shared);
    fenced.fence().await.expect("fenced before there is a collection");
    // An older version of the code has set another shape.
    let database = world.client.database(&Placement::Shared.database(&world.prefix, fenced.tenant_id()));
    let older = doc! { "$jsonSchema": { "bsonType": "object" }, "tenantId": { "$nin": ["fenced"] } };
    database.run_command(doc! { "collMod": Message::COLLECTION, "validator": older }).await.expect("changed");
    let processes = (0..20).map(async |_| {
        let store = Store::connect(&uri, &world.prefix, 2).await.expect("the URI is valid");
        store.tenant(&TenantId::new("t").expect("valid"), Placement::Shared).ensure_collections().await
    });
    for outcome in join_all(processes).await {
        outcome.expect("made");
    }
    assert!(fenced.is_fenced().await.expect("read"));
    let mut wrong = samples::of_tenant("t", 1);
    for (collection, document) in &mut wrong {
        document.remove("tenantId");
        assert!(!taken(&database, collection, document).await, "{collection} has no validator");
    }
    let event =
        samples::of_tenant("t", 2).into_iter().find(|(name, _)| *name == InboundEventRecord::COLLECTION);
    assert!(taken(&database, InboundEventRecord::COLLECTION, &event.expect("there is one").1).await);
}

#[tokio::test]
async fn what_is_as_it_should_be_is_not_changed_again() {
    let world = World::start().await;
    let client = Client::with_uri_str(&world.uri).await.expect("the URI is valid");
    let tenant = world.tenant("t", Placement::Shared).await;
    let locks = client.database(&Placement::Shared.database(&world.prefix, tenant.tenant_id()));
    let held = async || {
        let lock = locks.collection::<Document>("relocations").find_one(doc! { "_id": "lock" }).await;
        lock.expect("read").map(|lock| lock.get_i64("held").expect("counted"))
    };
    let before = held().await;
    assert!(before.is_some());
    tenant.ensure_collections().await.expect("still there");
    tenant.unfence().await.expect("never was");
    assert_eq!(held().await, before);
}
