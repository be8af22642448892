//! Migrations, in every kind of place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::fault::Faults;
use matome_domain::ids::TenantId;
use matome_domain::tier::Tier;
use matome_store::entities::{NewOrganization, Organization, OrganizationStatus};
use matome_store::migrations::{
    Change, Direction, Down, Lock, Migration, MigrationError, Migrator, Options, Place, Report, Update, all,
};
use matome_store::{Scope, Store};
use mongodb::Database;

use crate::store;

const THEN: DateTime = DateTime::from_millis(0);
const LEASE: Duration = Duration::from_secs(30);

/// Time that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_165_200_000)
    }
}

fn database(store: &Store, suffix: &str) -> Database {
    let platform = store.platform();
    let prefix = platform.name().strip_suffix("_platform").expect("the platform's name").to_owned();
    platform.client().database(&format!("{prefix}_{suffix}"))
}

/// A collection for each place with `count` notes in the old shape, and the tenants' ids.
pub(crate) async fn world(store: &Store, count: i32) -> Vec<(&'static str, mongodb::Collection<Document>)> {
    store.ensure_platform().await.expect("made");
    let organization = async |tier: Tier, number: u8| {
        let id = ObjectId::from_bytes([number; 12]);
        let new = NewOrganization {
            id,
            owner_id: id,
            name: tier.to_string(),
            tier,
            limits: matome_domain::limits::Limits::default(),
            placement: tier.placement(),
        };
        let organization = Organization { status: OrganizationStatus::Active, ..new.provisioning(THEN) };
        store.platform_collection::<Organization>().insert_one(&organization).await.expect("stored");
        organization.tenant_id
    };
    let set = organization(Tier::Pro, 1).await;
    let dedicated = organization(Tier::Enterprise, 2).await;
    organization(Tier::Free, 3).await;
    let notes = vec![
        ("platform", database(store, "platform").collection("notes")),
        ("shared", database(store, "shared").collection("notes")),
        ("set", database(store, "sets").collection(&format!("{set}_notes"))),
        ("dedicated", database(store, &dedicated).collection("notes")),
    ];
    for (_, notes) in &notes {
        let documents = (0..count).map(|n| doc! { "_id": n, "text": n.to_string() });
        notes.insert_many(documents).await.expect("stored");
    }
    notes
}

/// `text` becomes `body`, with a counter that shows how often a document was changed.
fn rename(scopes: &'static [Scope], version: u32) -> Migration {
    fn up(_: &Place) -> Option<Update> {
        Some(Update {
            filter: doc! { "text": { "$exists": true } },
            pipeline: vec![
                doc! { "$set": { "body": "$text", "changed": { "$add": [{ "$ifNull": ["$changed", 0] }, 1] } } },
                doc! { "$unset": "text" },
            ],
        })
    }
    fn down(_: &Place) -> Option<Update> {
        Some(Update {
            filter: doc! { "body": { "$exists": true } },
            pipeline: vec![doc! { "$set": { "text": "$body" } }, doc! { "$unset": ["body", "changed"] }],
        })
    }
    Migration {
        version,
        name: "rename",
        scopes,
        up: vec![Change::Update { collection: "notes", of: up }],
        down: Down::Changes(vec![Change::Update { collection: "notes", of: down }]),
    }
}

const EVERYWHERE: &[Scope] = &[Scope::Platform, Scope::Tenant];

pub(crate) fn migrator(store: &Store, run: &str, faults: Faults) -> Migrator {
    let list = vec![rename(EVERYWHERE, 1), Migration { up: Vec::new(), ..rename(EVERYWHERE, 2) }];
    Migrator::new(store.clone(), Arc::new(Still), run).with_list(list, 2, faults)
}

fn options(direction: Direction, to: Option<u32>) -> Options {
    Options { direction, to, dry_run: false }
}

/// Everything in all databases of the store but the lock, whose dates pass.
async fn everything(store: &Store) -> BTreeMap<String, Vec<Document>> {
    let client = store.platform().client().clone();
    let prefix = store.platform().name().trim_end_matches("platform").to_owned();
    let mut all = BTreeMap::new();
    for name in client.list_database_names().await.expect("listed") {
        if !name.starts_with(&prefix) {
            continue;
        }
        let database = client.database(&name);
        for collection in database.list_collection_names().await.expect("listed") {
            let documents = database.collection::<Document>(&collection);
            let documents = documents.find(doc! {}).sort(doc! { "_id": 1 }).await.expect("read");
            let documents = documents.try_collect().await.expect("read");
            all.insert(format!("{name}.{collection}"), documents);
        }
    }
    all
}

fn changed(report: &Report) -> Vec<u64> {
    let changes =
        |m: &matome_store::migrations::MigrationReport| m.changes.iter().map(|c| c.documents).sum::<u64>();
    report.places.iter().map(|place| place.migrations.iter().map(changes).sum()).collect()
}

#[tokio::test]
async fn every_place_goes_up_and_down_and_up_again() {
    let store = store().await;
    let places = world(&store, 5).await;
    let migrator = migrator(&store, "run", Faults::none());
    let before: Vec<_> = notes(&places).await;
    let up = migrator.run(&options(Direction::Up, Some(1))).await.expect("goes up");
    assert_eq!(changed(&up), [5, 5, 5, 5]);
    let there: Vec<&str> =
        up.places.iter().map(|p| p.place.split('/').next_back().expect("a name")).collect();
    assert!(there[0].ends_with("_platform") && there[1].ends_with("_shared"), "{there:?}");
    for documents in notes(&places).await {
        assert!(
            documents.iter().all(|d| d.get_i32("changed").is_ok_and(|n| n == 1) && !d.contains_key("text"))
        );
    }
    let again = migrator.run(&options(Direction::Up, Some(1))).await.expect("nothing to do");
    assert!(again.places.iter().all(|place| place.migrations.is_empty() && place.version == 1));
    let rest = migrator.run(&options(Direction::Up, None)).await.expect("goes up");
    assert!(rest.places.iter().all(|p| p.migrations.iter().map(|m| m.version).eq([2])));
    // Without a version to keep, only the newest goes.
    let newest = migrator.run(&options(Direction::Down, None)).await.expect("goes down");
    assert!(newest.places.iter().all(|p| p.migrations.iter().map(|m| m.version).eq([2])));
    migrator.run(&options(Direction::Up, None)).await.expect("goes up");
    let down = migrator.run(&options(Direction::Down, Some(0))).await.expect("goes down");
    assert!(down.places.iter().all(|p| p.migrations.iter().map(|m| m.version).eq([2, 1])));
    assert_eq!(notes(&places).await, before);
    let up = migrator.run(&options(Direction::Up, None)).await.expect("goes up");
    assert_eq!(changed(&up), [5, 5, 5, 5]);
}

async fn notes(places: &[(&str, mongodb::Collection<Document>)]) -> Vec<Vec<Document>> {
    let mut all = Vec::new();
    for (_, notes) in places {
        let found = notes.find(doc! {}).sort(doc! { "_id": 1 }).await.expect("read");
        all.push(found.try_collect().await.expect("read"));
    }
    all
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let store = store().await;
    world(&store, 3).await;
    let migrator = migrator(&store, "run", Faults::none());
    let before = everything(&store).await;
    let dry = Options { dry_run: true, ..Options::default() };
    let report = migrator.run(&dry).await.expect("counted");
    assert_eq!(everything(&store).await, before);
    assert_eq!(changed(&report), [3, 3, 3, 3]);
    let real = migrator.run(&Options::default()).await.expect("goes up");
    assert_eq!(changed(&real), changed(&report));
    let nothing = migrator.run(&dry).await.expect("counted");
    assert!(nothing.places.iter().all(|place| place.migrations.is_empty()));
}

fn text<'a>(document: &'a Document, field: &str) -> &'a str {
    document.get_str(field).expect("a text")
}

/// Lets the run die at the n-th boundary it comes to.
fn dies_at(n: usize) -> Faults {
    let passed = AtomicUsize::new(0);
    Faults::at(move |_| passed.fetch_add(1, Ordering::SeqCst) == n)
}

/// What a dead run left is there until it expires; here it has.
async fn expire(store: &Store) {
    let locks = store.platform().collection::<Document>("locks");
    let expired = doc! { "$set": { "expiresAt": THEN } };
    locks.update_one(doc! { "_id": "migrations" }, expired).await.expect("written");
}

#[tokio::test]
async fn a_run_that_dies_anywhere_is_gone_on_with_and_changes_nothing_twice() {
    for direction in [Direction::Up, Direction::Down] {
        let store = store().await;
        let places = world(&store, 3).await;
        if direction == Direction::Down {
            migrator(&store, "before", Faults::none()).run(&Options::default()).await.expect("goes up");
        }
        let to = (direction == Direction::Down).then_some(0);
        let mut deaths = 0;
        // Each run gets one boundary further than nothing: it dies at its second.
        loop {
            let run = migrator(&store, &format!("run {deaths}"), dies_at(1));
            match run.run(&options(direction, to)).await {
                Ok(_) => break,
                Err(MigrationError::Fault(_)) => deaths += 1,
                Err(other) => panic!("{other}"),
            }
            let next = migrator(&store, "next", Faults::none()).run(&options(direction, to)).await;
            assert!(
                matches!(next, Err(MigrationError::Locked { ref owner, .. }) if *owner == format!("run {}", deaths - 1))
            );
            expire(&store).await;
        }
        assert!(deaths >= 4 * 2, "{deaths} deaths");
        for documents in notes(&places).await {
            assert_eq!(documents.len(), 3);
            let right = |d: &Document| match direction {
                Direction::Up => d.get_i32("changed").is_ok_and(|n| n == 1) && d.contains_key("body"),
                Direction::Down => d.contains_key("text") && !d.contains_key("changed"),
            };
            assert!(documents.iter().all(right), "{documents:?}");
        }
    }
}

#[tokio::test]
async fn a_resumed_run_begins_behind_its_last_batch() {
    let store = store().await;
    world(&store, 5).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    // The second batch of two is changed, and the run dies before it is recorded.
    let dead = migrator(&store, "dead", dies_at(2)).run(&Options::default()).await;
    assert!(matches!(dead, Err(MigrationError::Fault(_))));
    expire(&store).await;
    let heard = Arc::clone(&seen);
    let next = migrator(&store, "next", Faults::none())
        .watched(move |step| heard.lock().expect("not poisoned").push(step.documents));
    let report = next.run(&Options::default()).await.expect("goes on");
    assert!(report.places[0].migrations[0].resumed && !report.places[1].migrations[0].resumed);
    assert_eq!(changed(&report), [1, 5, 5, 5]);
    assert_eq!(seen.lock().expect("not poisoned")[..2], [1, 2]);
}

#[tokio::test]
async fn a_half_applied_migration_can_be_undone() {
    let store = store().await;
    let places = world(&store, 5).await;
    let before = notes(&places).await;
    let dead = migrator(&store, "dead", dies_at(2)).run(&Options::default()).await;
    assert!(matches!(dead, Err(MigrationError::Fault(_))));
    expire(&store).await;
    let back = migrator(&store, "back", Faults::none());
    back.run(&options(Direction::Down, Some(0))).await.expect("goes down");
    assert_eq!(notes(&places).await, before);
}

#[tokio::test]
async fn of_two_runs_at_once_one_is_told_who_the_other_is() {
    let store = store().await;
    world(&store, 40).await;
    let (one, two) = (migrator(&store, "one", Faults::none()), migrator(&store, "two", Faults::none()));
    let held = Lock::take(&store, "somebody", LEASE).await.expect("free");
    assert_eq!(store.migrating().await.expect("read").map(|h| h.owner).as_deref(), Some("somebody"));
    let refused = one.run(&Options::default()).await.expect_err("held by another");
    assert!(refused.to_string().contains("somebody"), "{refused}");
    held.release().await.expect("released");
    assert_eq!(store.migrating().await.expect("read"), None);
    let (up, dry) = (Options::default(), Options::default());
    let outcomes = tokio::join!(one.run(&up), two.run(&dry));
    let outcomes = [outcomes.0, outcomes.1];
    // Whoever came second was refused, or came when the first was done; never both at work.
    let done: u64 = outcomes.iter().flatten().flat_map(changed).sum();
    assert_eq!(done, 4 * 40);
    assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(MigrationError::Locked { .. }))));
}

#[tokio::test]
async fn a_run_that_lost_its_lock_stops() {
    let store = store().await;
    world(&store, 1).await;
    let lock = Lock::take(&store, "slow", Duration::from_millis(3)).await.expect("free");
    lock.renew().await.expect("ours");
    expire(&store).await;
    let other = Lock::take(&store, "other", LEASE).await.expect("expired");
    assert!(matches!(lock.renew().await, Err(MigrationError::LockLost)));
    let never: Result<(), _> = lock.hold(std::future::pending()).await;
    assert!(matches!(never, Err(MigrationError::LockLost)));
    // It does not take the other's lock away by ending.
    lock.release().await.expect("nothing to release");
    other.renew().await.expect("still theirs");
}

#[tokio::test]
async fn nothing_is_migrated_while_a_tenant_moves() {
    let store = store().await;
    world(&store, 1).await;
    let organizations = store.platform_collection::<Organization>();
    let moving = doc! { "$set": { "status": "moving" } };
    organizations.update_one(doc! { "tier": "pro" }, moving).await.expect("written");
    let outcome = migrator(&store, "run", Faults::none()).run(&Options::default()).await;
    assert!(matches!(outcome, Err(MigrationError::Moving { tenants: 1, .. })));
    assert_eq!(store.migrating().await.expect("read"), None, "the lock is free again");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_before_anything_is_begun() {
    let store = store().await;
    world(&store, 1).await;
    let migrator = migrator(&store, "run", Faults::none());
    let unknown = migrator.run(&options(Direction::Up, Some(7))).await.expect_err("no such version");
    assert_eq!(unknown.to_string(), "--to 7: there is no such migration");
    migrator.run(&Options::default()).await.expect("goes up");
    let never = |version| Migration { down: Down::Never("it is for good"), ..rename(EVERYWHERE, version) };
    let list = vec![never(1), rename(EVERYWHERE, 2)];
    let no_way = Migrator::new(store.clone(), Arc::new(Still), "down").with_list(list, 2, Faults::none());
    let before = everything(&store).await;
    let refused = no_way.run(&options(Direction::Down, Some(0))).await.expect_err("no way back");
    assert_eq!(refused.to_string(), "migration 1 cannot be undone: it is for good");
    let mut after = everything(&store).await;
    after.retain(|name, _| !name.ends_with(".locks"));
    assert!(after.iter().all(|(name, documents)| before.get(name) == Some(documents)));
    let old = Migrator::new(store.clone(), Arc::new(Still), "old");
    let old = old.with_list(vec![rename(EVERYWHERE, 1)], 2, Faults::none());
    let newer = old.run(&Options::default()).await.expect_err("newer code was here");
    assert!(matches!(newer, MigrationError::Newer { version: 2, .. }));
}

#[tokio::test]
async fn a_tenant_of_another_cell_is_migrated_there() {
    let (home, other) = (store().await, store().await);
    world(&home, 1).await;
    let organizations = home.platform_collection::<Organization>();
    let elsewhere = doc! { "$set": { "cell": "second" } };
    organizations.update_one(doc! { "tier": "enterprise" }, elsewhere).await.expect("written");
    let id = ObjectId::from_bytes([2; 12]).to_hex();
    let notes = database(&other, &id).collection::<Document>("notes");
    notes.insert_one(doc! { "text": "there" }).await.expect("stored");
    let run = migrator(&home, "run", Faults::none());
    let unknown = run.run(&Options::default()).await.expect_err("an unknown cell");
    assert!(matches!(unknown, MigrationError::UnknownCell { ref cell, .. } if cell == "second"));
    let report = run.with_cell("second", other.clone()).run(&Options::default()).await.expect("goes up");
    // Platform, shared here, shared there, set, dedicated there.
    assert_eq!(changed(&report), [1, 1, 0, 1, 1]);
    assert_eq!(notes.count_documents(doc! { "body": "there" }).await.expect("counted"), 1);
}

/// As timelines were indexed before.
fn shorter() -> mongodb::IndexModel {
    mongodb::IndexModel::builder().keys(doc! { "tenantId": 1, "roomId": 1, "timestamp": -1 }).build()
}

#[tokio::test]
async fn the_seeds_migrations_bring_old_documents_up_to_date() {
    let store = store().await;
    world(&store, 1).await;
    let (pro, free) = (ObjectId::from_bytes([1; 12]), ObjectId::from_bytes([9; 12]));
    let organizations =
        store.platform().collection::<Document>(<Organization as matome_store::Entity>::COLLECTION);
    let old = doc! {
        "_id": free, "tenantId": free.to_hex(), "ownerId": free, "name": "Old", "type": "business",
        "timezone": "Asia/Tokyo", "status": "inactive", "createdAt": THEN, "updatedAt": THEN, "__v": 0_i64,
    };
    organizations.insert_one(old).bypass_document_validation(true).await.expect("stored");
    organizations
        .update_one(doc! { "_id": pro }, doc! { "$unset": { "tier": "", "cell": "" } })
        .await
        .expect("written");
    let sessions = database(&store, "sets").collection::<Document>(&format!("{}_sessions", pro.to_hex()));
    sessions.insert_one(doc! { "_id": 1, "roomId": pro }).await.expect("stored");
    let shared = database(&store, "shared").collection::<Document>("messages");
    shared.insert_one(doc! { "_id": 1 }).await.expect("stored");
    // Said before there was a search, in every kind of place.
    let messages = [
        database(&store, "sets").collection::<Document>(&format!("{}_messages", pro.to_hex())),
        database(&store, &ObjectId::from_bytes([2; 12]).to_hex()).collection("messages"),
        shared.clone(),
    ];
    for messages in &messages {
        let said = doc! { "_id": 2, "lineMessageId": "2", "content": "ご注文", "status": "delivered", "updatedAt": THEN };
        let signs = doc! { "_id": 3, "lineMessageId": "3", "content": "!?", "status": "delivered" };
        let unsent = doc! { "_id": 4, "lineMessageId": "4", "status": "deleted" };
        messages.insert_many([said, signs, unsent]).await.expect("stored");
        messages.create_index(shorter()).await.expect("made");
    }
    let words = async |id: i32| {
        let mut found = Vec::new();
        for messages in &messages {
            let message = messages.find_one(doc! { "_id": id }).await.expect("read").expect("is there");
            found.push(
                message.get_array("search").ok().map(|words| words.iter().map(ToString::to_string).collect()),
            );
        }
        found
    };

    let shorter_list = mongodb::IndexModel::builder().keys(doc! { "ownerId": 1, "createdAt": -1 }).build();
    organizations.create_index(shorter_list).await.expect("made");
    let by_name = mongodb::IndexModel::builder().keys(doc! { "name": "text" }).build();
    organizations.create_index(by_name).await.expect("made");
    // Rules that expired were deleted by it.
    let rules = store.platform().collection::<Document>("ip_rules");
    let sweep = mongodb::options::IndexOptions::builder().expire_after(Duration::ZERO).build();
    let sweep = mongodb::IndexModel::builder().keys(doc! { "expiresAt": 1 }).options(sweep).build();
    rules.create_index(sweep).await.expect("made");

    let migrator = Migrator::new(store.clone(), Arc::new(Still), "run");
    migrator.run(&Options::default()).await.expect("goes up");
    let lists = organizations.list_index_names().await.expect("listed");
    assert!(lists.contains(&"ownerId_1_createdAt_-1__id_-1".to_owned()), "{lists:?}");
    assert!(!lists.contains(&"ownerId_1_createdAt_-1".to_owned()), "{lists:?}");
    assert!(!lists.contains(&"name_text".to_owned()), "{lists:?}");
    assert!(lists.contains(&"search_1".to_owned()), "{lists:?}");
    let of_rules = rules.list_index_names().await.expect("listed");
    assert!(!of_rules.contains(&"expiresAt_1".to_owned()), "{of_rules:?}");
    let read = async |id: ObjectId| {
        let organizations = store.platform_collection::<Organization>();
        organizations.find_one(doc! { "_id": id }).await.expect("read").expect("is there")
    };
    assert_eq!((read(pro).await.tier, read(pro).await.cell.as_str()), (Tier::Pro, "main"));
    let old = organizations.find_one(doc! { "_id": free }).await.expect("read").expect("is there");
    assert_eq!(text(&old, "status"), "suspended");
    assert_eq!(text(&old, "tier"), "free");
    assert_eq!(old.get_array("search").expect("made"), &["old".into()]);
    let session = sessions.find_one(doc! {}).await.expect("read").expect("is there");
    assert_eq!(text(&session, "tenantId"), pro.to_hex());
    let orphan = shared.find_one(doc! {}).await.expect("read").expect("is there");
    assert!(!orphan.contains_key("tenantId"), "nobody can tell whose it is");
    let indexed = async || {
        let names = shared.list_index_names().await.expect("listed");
        names.iter().any(|name| name.starts_with("tenantId_1_media.status_1_media.fileSize_1"))
    };
    assert!(indexed().await);
    let expected: Vec<String> = ["\"ご注\"", "\"注文\""].map(str::to_owned).to_vec();
    assert_eq!(words(2).await, vec![Some(expected); 3]);
    assert_eq!((words(3).await, words(4).await), (vec![Some(Vec::new()); 3], vec![Some(Vec::new()); 3]));
    for messages in &messages {
        let names = messages.list_index_names().await.expect("listed");
        assert!(names.contains(&"tenantId_1_roomId_1_timestamp_-1__id_-1".to_owned()), "{names:?}");
        assert!(!names.contains(&"tenantId_1_roomId_1_timestamp_-1".to_owned()), "{names:?}");
    }

    let basic = doc! { "$set": { "tier": "basic" } };
    organizations.update_one(doc! { "_id": free }, basic).await.expect("written");
    migrator.run(&options(Direction::Down, Some(1))).await.expect("goes down");
    assert!(!indexed().await);
    assert_eq!(words(2).await, vec![None; 3]);
    let old = organizations.find_one(doc! { "_id": free }).await.expect("read").expect("is there");
    assert_eq!((text(&old, "tier"), text(&old, "cell")), ("basic", "main"), "nobody else knows them");
    assert!(!old.contains_key("search"));
    let lists = organizations.list_index_names().await.expect("listed");
    assert!(!lists.contains(&"search_1".to_owned()), "{lists:?}");
    let refused = migrator.run(&options(Direction::Down, Some(0))).await.expect_err("for good");
    assert!(matches!(refused, MigrationError::NoWayBack { version: 1, .. }));
    let report = migrator.run(&Options::default()).await.expect("goes up again");
    assert!(report.places.iter().all(|place| place.version == 1));
    assert_eq!(all().len(), 10);
    assert_eq!((read(free).await.tier, read(pro).await.tier), (Tier::Basic, Tier::Pro));
    // A tenant that is only now made has nothing to catch up with.
    let id = TenantId::new("fresh").expect("a valid id");
    store.tenant(&id, Tier::Enterprise.placement()).ensure_collections().await.expect("made");
}
