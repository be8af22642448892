//! A fenced tenant writes nothing, everybody else goes on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bson::{Document, doc};
use futures::future::join_all;
use matome_domain::placement::Placement;
use matome_store::entities::Message;
use matome_store::{Entity, Store, StoreError, Write};

use crate::samples;
use crate::world::World;
use crate::{PLACEMENTS, tenant};

#[tokio::test]
async fn every_kind_of_write_is_refused_and_passes_again_afterwards() {
    let world = World::start().await;
    for placement in PLACEMENTS {
        let ours = world.tenant("ours", placement).await;
        let messages = ours.collection::<Message>();
        messages.insert(&samples::message("ours", 1)).await.expect("stored");
        assert!(!ours.is_fenced().await.expect("read"));
        ours.fence().await.expect("fenced");
        ours.fence().await.expect("still fenced");
        assert!(ours.is_fenced().await.expect("read"));
        let one = doc! { "_id": samples::id(5, 1) };
        let set = || doc! { "$set": { "content": "changed" } };
        let inserted = messages.insert(&samples::message("ours", 2)).await;
        let updated = messages.update(one.clone(), set()).await.map(drop);
        let modified = messages.find_and_update(one.clone(), set()).await.map(drop);
        let in_transaction = ours.transaction(async |t| t.insert(&[samples::message("ours", 2)]).await).await;
        let update = || vec![Write::update(samples::id(5, 1), set())];
        let updated_in_transaction = ours.transaction(async |t| t.write::<Message>(update()).await).await;
        let put = || vec![Write::put(samples::id(5, 3), &samples::message("ours", 3)).expect("encoded")];
        let put = ours.transaction(async |t| t.write::<Message>(put()).await).await;
        let database = world.database_of(ours.tenant_id(), placement);
        let raw =
            database.collection::<Message>(&placement.collection(ours.tenant_id(), Message::COLLECTION));
        let many = [samples::message("ours", 4), samples::message("ours", 5)];
        let many = raw.insert_many(many).await.map(drop).map_err(StoreError::from);
        let replaced = raw.replace_one(one, samples::message("ours", 1)).await;
        let changed = Message { content: None, ..samples::message("ours", 1) };
        let replaced_otherwise = raw.replace_one(doc! { "_id": changed.id }, &changed).await;
        assert!(replaced.is_ok(), "a write that changes nothing writes nothing");
        let replaced = replaced_otherwise.map(drop).map_err(StoreError::from);
        let all = [inserted, updated, modified, in_transaction, updated_in_transaction, put, many, replaced];
        for (number, outcome) in all.into_iter().enumerate() {
            let error = outcome.expect_err("refused");
            assert!(error.is_fenced(), "{placement:?} {number}: {error:?}");
            assert!(!error.is_command_refused() && !error.is_duplicate(), "{number}");
        }
        assert_eq!(messages.count(doc! {}).await.expect("counted"), 1);
        assert_eq!(messages.count(doc! { "content": "changed" }).await.expect("counted"), 0);
        ours.unfence().await.expect("lifted");
        messages.insert(&samples::message("ours", 2)).await.expect("stored");
    }
}

#[tokio::test]
async fn neighbours_write_on_and_a_document_of_a_wrong_shape_is_told_apart() {
    let world = World::start().await;
    for placement in [Placement::Shared, Placement::CollectionSet] {
        let (ours, theirs) = (world.tenant("ours", placement).await, world.tenant("theirs", placement).await);
        ours.fence().await.expect("fenced");
        theirs.collection::<Message>().insert(&samples::message("theirs", 7)).await.expect("stored");
        let wrong = doc! { "$set": { "status": "no such status" } };
        let error = theirs.collection::<Message>().update(doc! {}, wrong.clone()).await.expect_err("refused");
        assert!(!error.is_fenced(), "{error:?}");
        let wrong = || vec![Write::update(samples::id(5, 7), wrong.clone())];
        let error =
            theirs.transaction(async |t| t.write::<Message>(wrong()).await).await.expect_err("refused");
        assert!(matches!(error, StoreError::Refused { code: 121, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn fences_set_and_lifted_at_once_do_not_lose_each_other() {
    let world = World::start().await;
    world.tenant("t0", Placement::Shared).await;
    let names: Vec<String> = (0..10).map(|n| format!("t{n}")).collect();
    // The first half is fenced before and lifted while the second is fenced.
    for name in &names[..5] {
        world.place(name, Placement::Shared).fence().await.expect("fenced");
    }
    let changes = names.iter().enumerate().map(async |(number, name)| {
        let store = Store::connect(&world.uri, &world.prefix, 2).await.expect("the URI is valid");
        let tenant = store.tenant(&name.as_str().to_owned().try_into().expect("valid"), Placement::Shared);
        if number < 5 { tenant.unfence().await } else { tenant.fence().await }
    });
    for outcome in join_all(changes).await {
        outcome.expect("changed");
    }
    for (number, name) in names.iter().enumerate() {
        let fenced = world.place(name, Placement::Shared).is_fenced().await.expect("read");
        assert_eq!(fenced, number >= 5, "{name}");
    }
}

#[tokio::test]
async fn a_transaction_from_before_commits_before_the_fence_or_fails_whole() {
    let world = World::start().await;
    let ours = world.tenant("ours", Placement::Shared).await;
    let database = world.database(&ours);
    let messages = database.collection::<Message>(Message::COLLECTION);
    let elsewhere = database.collection::<Document>("relocations");

    // One that has written waits for nobody; the fence waits for it.
    let mut first = world.client.start_session().await.expect("a session");
    first.start_transaction().await.expect("begun");
    messages.insert_one(samples::message("ours", 1)).session(&mut first).await.expect("written");
    // One that has only read, so that its snapshot is from before the fence.
    let mut second = world.client.start_session().await.expect("a session");
    second.start_transaction().await.expect("begun");
    elsewhere.find_one(doc! {}).session(&mut second).await.expect("read");

    let fence = tokio::spawn({
        let ours = ours.clone();
        async move { ours.fence().await }
    });
    first.commit_transaction().await.expect("committed");
    let fenced = fence.await.expect("does not panic");
    // Waiting for a transaction has an end; a fence that was given up is asked for again.
    if fenced.is_err() {
        ours.fence().await.expect("fenced");
    }
    let late = messages.insert_one(samples::message("ours", 2)).session(&mut second).await;
    let outcome = match late {
        Ok(_) => second.commit_transaction().await,
        Err(error) => Err(error),
    };
    outcome.expect_err("nothing passes the fence");
    let kept = ours.collection::<Message>();
    assert_eq!(kept.count(doc! {}).await.expect("counted"), 1);
    assert!(kept.get(samples::id(5, 1)).await.expect("read").is_some());
}

#[tokio::test]
async fn under_load_nothing_is_written_once_the_fence_stands() {
    const WRITERS: u32 = 24;
    let uri = matome_local_stack::shared::mongodb_uri().await.expect("the shared MongoDB starts");
    // A connection for each: like processes, they do not wait for each other's.
    let pool = 2 * WRITERS;
    let store = Store::connect(&uri, &World::prefix(), pool).await.expect("the URI is valid");
    let ours = tenant(&store, "ours", Placement::Shared).await;
    let (stop, fenced) = (AtomicBool::new(false), AtomicBool::new(false));
    let [stored, refused, passed] = [const { AtomicUsize::new(0) }; 3];
    let write = async |writer: u32| {
        let mut number = writer;
        while !stop.load(Ordering::SeqCst) {
            let message = samples::message("ours", number);
            let begun_after = fenced.load(Ordering::SeqCst);
            let outcome = if writer.is_multiple_of(2) {
                ours.collection::<Message>().insert(&message).await
            } else {
                ours.transaction(async |t| t.insert(std::slice::from_ref(&message)).await).await
            };
            match outcome {
                Ok(()) => {
                    stored.fetch_add(1, Ordering::SeqCst);
                    passed.fetch_add(usize::from(begun_after), Ordering::SeqCst);
                }
                Err(error) if error.is_fenced() => drop(refused.fetch_add(1, Ordering::SeqCst)),
                // A transaction that waited too long for the collection.
                Err(StoreError::Contended { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
            number += WRITERS;
        }
    };
    let count = async || ours.collection::<Message>().count(doc! {}).await.expect("counted");
    let control = async {
        while stored.load(Ordering::SeqCst) < 300 {
            tokio::task::yield_now().await;
        }
        ours.fence().await.expect("fenced");
        fenced.store(true, Ordering::SeqCst);
        let at_the_fence = count().await;
        let before = refused.load(Ordering::SeqCst);
        while refused.load(Ordering::SeqCst) < before + 500 {
            tokio::task::yield_now().await;
        }
        stop.store(true, Ordering::SeqCst);
        at_the_fence
    };
    let (at_the_fence, _) = tokio::join!(control, join_all((0..WRITERS).map(write)));
    assert_eq!(passed.load(Ordering::SeqCst), 0);
    assert_eq!(count().await, at_the_fence);
    assert_eq!(at_the_fence, stored.load(Ordering::SeqCst) as u64);
}
