//! What the API does with entities: pages, versions, deletion; and their declarations.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use garde::Validate;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_store::entities::{ExposedVisitor, Message, Room, RoomPatch, User, visit_exposed_entities};
use matome_store::exposed::{
    Changes, Exposed, New, NewContext, Outcome, PageQuery, Shown, Sort, Update, example, view_fields,
};
use matome_store::{Collection, Entity, Id, collection};
use serde_json::json;

use crate::samples::{self, NOW, id};
use crate::world::World;

const LATER: DateTime = DateTime::from_millis(NOW.timestamp_millis() + 60_000);

#[test]
fn every_entity_is_declared_with_examples_that_fit() {
    struct Check(BTreeSet<&'static str>);

    impl ExposedVisitor for Check {
        fn visit<E: Exposed>(&mut self) {
            let name = E::NAME;
            assert!(self.0.insert(name), "{name} twice");
            let fields = view_fields::<E>();
            // The audit trail is never changed.
            let unchanging = ["id", "createdAt"];
            let changing = ["id", "version", "createdAt", "updatedAt"];
            for needed in if name.ends_with("uditEntry") { &unchanging[..] } else { &changing[..] } {
                assert!(fields.iter().any(|field| field == needed), "{name} shows no {needed}");
            }
            let sorts = E::sorts();
            assert!(!sorts.is_empty(), "{name} is in no order");
            for sort in sorts {
                let first = sort.path.split('.').next().unwrap_or_default();
                assert!(
                    fields.iter().any(|field| field == first),
                    "{name} is sorted by what it does not show"
                );
            }
            let filters = E::filters();
            let names: BTreeSet<_> = filters.iter().map(|filter| filter.name).collect();
            assert_eq!(names.len(), filters.len(), "{name} has a filter twice");
            for reserved in ["limit", "after", "sort", "fields", "deleted"] {
                assert!(!names.contains(reserved), "{name}: {reserved} is a parameter of every list");
            }
            let examples = E::examples();
            // Shown as JSON and stored as BSON, it is the same.
            let shown = serde_json::to_value(&examples.view).unwrap();
            let again: E::View = serde_json::from_value(shown.clone()).unwrap();
            assert_eq!(serde_json::to_value(&again).unwrap(), shown, "{name}");
            assert_eq!(examples.create.is_some(), <E::Create as New<E>>::POSSIBLE, "{name}");
            assert_eq!(examples.patch.is_some(), <E::Patch as Changes<E>>::POSSIBLE, "{name}");
            if let Some(create) = examples.create {
                create.validate().unwrap();
                let tenant = (E::SCOPE != matome_store::Scope::Platform).then(|| TenantId::new("t").unwrap());
                let new = NewContext { id: id(1, 1), tenant, by: None, now: NOW };
                let stored = collection::encode(&create.build(&new).unwrap()).unwrap();
                bson::deserialize_from_document::<E::View>(stored)
                    .unwrap_or_else(|why| panic!("a new {name} cannot be shown: {why}"));
            }
            if let Some(patch) = examples.patch {
                patch.validate().unwrap();
                let sent = serde_json::to_value(&patch).unwrap();
                assert!(
                    sent.as_object().is_some_and(|sent| !sent.is_empty()),
                    "{name}: an example of nothing"
                );
            }
        }
    }

    visit_exposed_entities(&mut Check(BTreeSet::new()));
}

/// All ids of a list, two at a time.
async fn walk<E: Exposed>(collection: &Collection<E>, sort: Sort) -> Vec<ObjectId> {
    let mut query = PageQuery::first(doc! {}, sort, 2);
    let mut ids = Vec::new();
    loop {
        let page = collection.page(&query).await.expect("read");
        assert!(page.items.len() <= 2);
        ids.extend(page.items.iter().map(|item| item.id.as_object_id().expect("an id")));
        let Some(next) = page.next else { return ids };
        query.after = Some(next);
    }
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended_with_ties_and_without_values() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Shared).await;
    world.fill("other", Placement::Shared, 3, 3).await;
    let users = tenant.collection::<User>();
    let names = [None, Some("b"), Some("a"), None, Some("b"), Some("b"), Some("あ"), None, Some("c")];
    for (number, name) in (0..).zip(names) {
        let (_, document) = samples::of_tenant("t", number).remove(2);
        let mut user: User = bson::deserialize_from_document(document).expect("a user");
        user.display_name = name.map(str::to_owned);
        users.insert(&user).await.expect("stored");
    }
    let mut expected: Vec<_> = (0..).zip(names).map(|(number, name)| (name, id(3, number))).collect();
    expected.sort_unstable();
    let expected: Vec<ObjectId> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(walk(&users, Sort::ascending("displayName").nullable()).await, expected);
    let backwards: Vec<ObjectId> = expected.into_iter().rev().collect();
    assert_eq!(walk(&users, Sort::descending("displayName").nullable()).await, backwards);
    // All made at once: `_id` alone tells them apart.
    let mut by_id = backwards;
    by_id.sort_unstable();
    assert_eq!(walk(&users, Sort::ascending("createdAt")).await, by_id);
}

async fn room(world: &World) -> (Collection<Room>, ObjectId) {
    let tenant = world.tenant("t", Placement::Shared).await;
    world.fill("t", Placement::Shared, 2, 1).await;
    let rooms = tenant.collection::<Room>();
    let first = PageQuery::first(doc! {}, Sort::ascending("createdAt"), 1);
    let page = rooms.page(&first).await.expect("read");
    let id = page.items[0].id.as_object_id().expect("an id");
    (rooms, id)
}

fn changed<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(done) => done,
        Outcome::NotFound => panic!("it is not found"),
        Outcome::VersionMismatch { current } => panic!("it is at version {current}"),
        Outcome::Refused(why) => panic!("it is refused: {why}"),
    }
}

fn renamed(name: &str) -> impl Fn(&Room) -> Result<Update, matome_store::exposed::Refusal> {
    let patch: RoomPatch =
        example(json!({ "name": name, "metadata": { "customFields": { "a": { "b": 1 } } } }));
    move |before| patch.update(before)
}

#[tokio::test]
async fn a_change_is_made_to_the_version_that_was_looked_at_or_not_at_all() {
    let world = World::start().await;
    let (rooms, id) = room(&world).await;
    let done = changed(rooms.patch_versioned(id, Some(0), LATER, renamed("New")).await.expect("written"));
    let before_and_after = (done.before.version, done.after.version);
    assert_eq!((before_and_after, done.after.view.name.as_deref()), ((0, 1), Some("New")));
    assert_eq!(done.after.view.updated_at, LATER.into());
    assert_eq!(done.after.view.metadata.custom_fields.0["a"], json!({ "b": 1 }));
    let stale = rooms.patch_versioned(id, Some(0), LATER, renamed("Lost")).await.expect("read");
    assert!(matches!(stale, Outcome::VersionMismatch { current: 1 }), "{stale:?}");
    let nothing = changed(rooms.patch_versioned(id, None, LATER, |_| Ok(Update::new())).await.expect("read"));
    assert_eq!((nothing.before.version, nothing.after.version), (1, 1));
    let shown: Shown<Room> = rooms.show(id, false).await.expect("read").expect("is there");
    assert_eq!((shown.version, shown.view.name.as_deref()), (1, Some("New")));
    let nobody = rooms.patch_versioned(samples::id(8, 8), None, LATER, renamed("x")).await.expect("read");
    assert!(matches!(nobody, Outcome::NotFound));
}

#[tokio::test]
async fn changes_at_once_without_a_version_are_all_made() {
    let world = World::start().await;
    let (rooms, id) = room(&world).await;
    let writers = (0..4).map(|n| {
        let rooms = rooms.clone();
        async move {
            let patch = json!({ "metadata": { "customFields": { n.to_string(): n } } });
            let patch: RoomPatch = example(patch);
            changed(
                rooms.patch_versioned(id, None, LATER, |before| patch.update(before)).await.expect("written"),
            );
        }
    });
    futures::future::join_all(writers).await;
    let shown = rooms.show(id, false).await.expect("read").expect("is there");
    assert_eq!((shown.version, shown.view.metadata.custom_fields.0.len()), (4, 4));
}

#[tokio::test]
async fn what_is_deleted_is_in_no_list_but_its_own_and_can_be_put_back() {
    let world = World::start().await;
    let (rooms, id) = room(&world).await;
    let by = samples::id(7, 7);
    let stale = rooms.soft_delete(id, Some(5), Some(by), LATER).await.expect("read");
    assert!(matches!(stale, Outcome::VersionMismatch { current: 0 }));
    let done = changed(rooms.soft_delete(id, Some(0), Some(by), LATER).await.expect("written"));
    assert_eq!((done.after.view.deleted_at, done.after.view.deleted_by), (Some(LATER.into()), Some(Id(by))));
    assert!(rooms.get_live(id).await.expect("read").is_none());
    assert!(rooms.show(id, false).await.expect("read").is_none());
    assert!(rooms.show(id, true).await.expect("read").is_some());
    let list = async |deleted| {
        let query = PageQuery { deleted, ..PageQuery::first(doc! {}, Room::sorts()[0], 9) };
        let page = rooms.page(&query).await.expect("read");
        page.items.iter().filter_map(|item| item.id.as_object_id()).collect::<Vec<_>>()
    };
    assert!(!list(false).await.contains(&id));
    assert_eq!(list(true).await, [id]);
    for outcome in [
        rooms.patch_versioned(id, None, LATER, renamed("x")).await.expect("read"),
        rooms.soft_delete(id, None, None, LATER).await.expect("read"),
    ] {
        assert!(matches!(outcome, Outcome::NotFound));
    }
    let back = changed(rooms.restore(id, Some(1), LATER).await.expect("written"));
    assert_eq!((back.after.version, back.after.view.deleted_at, back.after.view.deleted_by), (2, None, None));
    assert!(matches!(rooms.restore(id, None, LATER).await.expect("read"), Outcome::NotFound));
}

#[tokio::test]
async fn what_is_in_a_hidden_room_can_be_neither_seen_nor_changed() {
    let world = World::start().await;
    let (rooms, id) = room(&world).await;
    let tenant = world.place("t", Placement::Shared);
    let hiding = rooms.clone().hiding(&[id]);
    assert!(hiding.get_live(id).await.expect("read").is_none());
    assert!(hiding.show(id, false).await.expect("read").is_none());
    let outcome = hiding.patch_versioned(id, None, LATER, renamed("x")).await.expect("read");
    assert!(matches!(outcome, Outcome::NotFound));
    // Asking for it by its id does not help.
    let query = PageQuery::first(doc! { "_id": id }, Room::sorts()[0], 9);
    assert!(hiding.page(&query).await.expect("read").items.is_empty());
    let of_room = |room: ObjectId| PageQuery::first(doc! { "roomId": room }, Message::sorts()[0], 9);
    let messages = tenant.collection::<Message>();
    let said_in = samples::id(1, 0);
    assert!(!messages.page(&of_room(said_in)).await.expect("read").items.is_empty());
    let messages = messages.hiding(&[said_in]);
    assert!(messages.page(&of_room(said_in)).await.expect("read").items.is_empty());
}

#[tokio::test]
async fn what_a_view_does_not_name_is_not_shown() {
    let world = World::start().await;
    let tenant = world.tenant("t", Placement::Shared).await;
    let (_, mut message) = samples::of_tenant("t", 0).remove(4);
    let media = doc! { "status": "stored", "key": "CANARY", "thumbnailKey": "CANARY", "sha256": "CANARY" };
    message.extend(doc! {
        "media": media, "raw": { "x": "CANARY" }, "replyToken": { "token": "CANARY", "expiresAt": NOW },
    });
    let documents = world.database(&tenant).collection::<Document>(Message::COLLECTION);
    documents.insert_one(message).await.expect("stored");
    let page = tenant.collection::<Message>().page(&PageQuery::first(doc! {}, Message::sorts()[0], 9)).await;
    let page = page.expect("read");
    let shown = serde_json::to_string(&page.items[0].view).expect("JSON");
    assert!(shown.contains("stored") && !shown.contains("CANARY"), "{shown}");
}
