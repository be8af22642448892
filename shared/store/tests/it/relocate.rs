//! A tenant's documents arrive in every placement from every other, whatever happens on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bson::{Bson, Document, doc};
use futures::StreamExt;
use matome_domain::clock::{Clock, Timestamp};
use matome_domain::placement::Placement;
use matome_store::collection::encode;
use matome_store::entities::{InboundEventRecord, Message, Session, User};
use matome_store::relocate::{self, Budget, Checkpoint, FENCE_LIMIT, Progress, RelocateError, Stage};
use matome_store::{Entity, Store, TenantStore};
use tokio::sync::Notify;

use crate::mover::{abort, call, call_in_pages, run_to};
use crate::samples;
use crate::world::{Contents, Still, World};

/// Each begins where the one before ends.
const PAIRS: [(Placement, Placement); 6] = [
    (Placement::Shared, Placement::CollectionSet),
    (Placement::CollectionSet, Placement::Dedicated),
    (Placement::Dedicated, Placement::Shared),
    (Placement::Shared, Placement::Dedicated),
    (Placement::Dedicated, Placement::CollectionSet),
    (Placement::CollectionSet, Placement::Shared),
];

async fn places(world: &World, from: Placement, to: Placement) -> (TenantStore, TenantStore) {
    (world.tenant("t", from).await, world.place("t", to))
}

async fn writes_pass(place: &TenantStore, number: u32) -> bool {
    match place.collection::<Message>().insert(&samples::message("t", number)).await {
        Ok(()) => true,
        Err(error) if error.is_fenced() => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn every_placement_is_reached_from_every_other_to_the_byte() {
    let world = World::start().await;
    for placement in crate::PLACEMENTS {
        world.tenant("neighbour", placement).await;
        world.fill("neighbour", placement, 3, 0).await;
    }
    let neighbour = world.contents("neighbour", Placement::Shared).await;
    world.tenant("t", PAIRS[0].0).await;
    world.fill("t", PAIRS[0].0, 20, 1_100).await;
    // What no entity knows and no validator would take today.
    let odd = doc! {
        "_id": { "odd": 1 }, "tenantId": "t", "lineUserId": 3, "z": Bson::Decimal128("1.0".parse().expect("one")),
        "a": [1_i32, 1_i64, 1.0], "updatedAt": Bson::Null,
    };
    let users = world.database_of(world.place("t", PAIRS[0].0).tenant_id(), PAIRS[0].0);
    let users = users.collection::<Document>(User::COLLECTION);
    users.insert_one(&odd).bypass_document_validation(true).await.expect("stored");

    // A round trip over every road; with what was written on arrival it goes on.
    for (number, (from, to)) in (0..).zip(PAIRS) {
        let (source, target) = (world.place("t", from), world.place("t", to));
        let before = world.contents("t", from).await;
        let arrived = run_to(&source, &target, Checkpoint::new(), 5, Stage::Verify).await;
        assert_eq!(world.contents("t", to).await, before, "{from:?} → {to:?}");
        assert_eq!(arrived.measured.documents, before.len() as u64);
        assert_eq!(arrived.measured.counted, Some(before.len() as u64));
        assert!(!writes_pass(&source, 9_000 + number).await, "the source is closed");
        assert!(writes_pass(&target, 9_000 + number).await, "the target is open");

        let verified = run_to(&source, &target, arrived, 5, Stage::CleanUp).await;
        let messages = &verified.verified().expect("verified").collections["messages"];
        let documents = 1_120 + u64::from(number);
        assert_eq!((messages.documents, messages.equal, messages.new), (documents, documents, 1));
        assert_eq!(messages.sha256.len(), 64);
        run_to(&source, &target, verified, 5, Stage::Done).await;
        assert_eq!(world.contents("t", from).await, Contents::new());
        assert_eq!(world.contents("t", to).await.len(), before.len() + 1);
        assert!(!source.is_fenced().await.expect("read"));
    }
    assert_eq!(world.contents("neighbour", Placement::Shared).await, neighbour);
    for placement in crate::PLACEMENTS {
        assert_eq!(world.contents("neighbour", placement).await.len(), neighbour.len());
    }
}

/// Dies when a number of commands have been sent.
struct Fuse {
    left: AtomicI64,
    blown: Notify,
}

async fn fused(world: &World) -> (Arc<Fuse>, Store) {
    let fuse = Arc::new(Fuse { left: AtomicI64::new(i64::MAX), blown: Notify::new() });
    let watched = Arc::clone(&fuse);
    let watch = move |_: &str| {
        if watched.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            watched.blown.notify_one();
        }
    };
    let store = Store::connect_watched(&world.uri, &world.prefix, 16, watch).await;
    (fuse, store.expect("the URI is valid"))
}

#[tokio::test]
async fn killed_at_any_command_and_resumed_it_ends_the_same() {
    let pairs = [(Placement::Shared, Placement::CollectionSet), (Placement::Dedicated, Placement::Shared)];
    for (from, to) in pairs {
        let world = World::start().await;
        let (writer, _) = places(&world, from, to).await;
        world.fill("t", from, 3, 22).await;
        let (fuse, store) = fused(&world).await;
        let (source, target) = (store.tenant(writer.tenant_id(), from), store.tenant(writer.tenant_id(), to));
        let budget = || Budget::batches(&Still, 8).in_pages_of(10);
        let (mut written, mut number, mut kills) = (world.contents("t", from).await.len(), 10_000, 0);
        let mut checkpoint = Checkpoint::new();
        while checkpoint.stage < Stage::Done {
            let mut commands = 1;
            loop {
                fuse.left.store(commands, Ordering::SeqCst);
                let at = checkpoint.stage;
                let outcome = tokio::select! {
                    biased;
                    () = fuse.blown.notified() => None,
                    progress = call_in_pages(&source, &target, &checkpoint, budget()) => Some(progress),
                };
                let Some(progress) = outcome else {
                    // The process is dead; the business goes on.
                    kills += 1;
                    number += 1;
                    let place = if at < Stage::Verify { &writer } else { &world.place("t", to) };
                    written += usize::from(writes_pass(place, number).await);
                    // Every command of the first four, then fewer and fewer.
                    commands += 1 + commands / 3;
                    continue;
                };
                let next = progress.unwrap_or_else(|e| panic!("{at:?} after {kills} kills: {e:?}"));
                fuse.left.store(i64::MAX, Ordering::SeqCst);
                // Its outcome was not kept: a finished call is made again, with the old checkpoint.
                let again = call_in_pages(&source, &target, &checkpoint, budget()).await;
                let again = again.unwrap_or_else(|e| panic!("{at:?} again: {e:?}"));
                checkpoint = if kills % 2 == 0 { next } else { again }.checkpoint().clone();
                break;
            }
        }
        assert!(kills > 60, "only {kills} kills");
        let arrived = world.contents("t", to).await;
        assert_eq!(arrived.len(), written, "{from:?} → {to:?}");
        assert_eq!(world.contents("t", from).await, Contents::new());
        assert!(!world.place("t", from).is_fenced().await.expect("read"));
    }
}

#[tokio::test]
async fn given_up_at_any_step_the_source_lives_on_and_the_target_is_empty() {
    let stages = [
        Stage::Prepare,
        Stage::Position,
        Stage::Copy,
        Stage::Follow,
        Stage::Compare,
        Stage::Fence,
        Stage::Verify,
    ];
    // Each placement is left once and entered once.
    for (road, (from, to)) in PAIRS.into_iter().take(3).enumerate() {
        let world = World::start().await;
        let (source, target) = places(&world, from, to).await;
        world.tenant("neighbour", to).await;
        world.fill("neighbour", to, 2, 0).await;
        world.fill("t", from, 3, 20).await;
        for (number, stage) in stages.into_iter().enumerate() {
            // The others make no difference between the roads.
            if road > 0 && stage != Stage::Fence {
                continue;
            }
            let before = world.contents("t", from).await;
            let mut checkpoint = run_to(&source, &target, Checkpoint::new(), 1, stage).await;
            if stage == Stage::Copy {
                checkpoint =
                    call(&source, &target, &checkpoint, 6).await.expect("begun").checkpoint().clone();
                assert_ne!(world.contents("t", to).await, Contents::new());
            }
            if stage == Stage::Fence {
                // A crash has left the fence behind.
                source.fence().await.expect("fenced");
            }
            abort(&source, &target, &checkpoint).await;
            abort(&source, &target, &checkpoint).await;
            assert_eq!(world.contents("t", from).await, before);
            assert_eq!(world.contents("t", to).await, Contents::new());
            assert!(writes_pass(&source, 50_000 + u32::try_from(number).expect("few")).await, "{stage:?}");
        }
        assert_eq!(world.contents("neighbour", to).await.len(), samples::of_tenant("n", 0).len() * 2);
        let before = world.contents("t", from).await;
        run_to(&source, &target, Checkpoint::new(), 100, Stage::Done).await;
        assert_eq!(world.contents("t", to).await, before);
    }
}

/// The same checkpoint at a position that the oplog does not have: just before an event of ours.
async fn lost(world: &World, source: &TenantStore, checkpoint: &Checkpoint) -> Checkpoint {
    let mut events = world.database(source).watch().await.expect("watched");
    assert!(writes_pass(source, 2_000).await);
    let event = events.next().await.expect("goes on").expect("read");
    let mut token = encode(&event.id).expect("a document");
    // 82, then the event's time: four bytes of seconds, four that count.
    let data = token.get_str("_data").expect("as the server writes it").to_owned();
    let count = u32::from_str_radix(&data[10..18], 16).expect("hexadecimal");
    token.insert("_data", format!("{}{:08X}{}", &data[..10], count - 1, &data[18..]));
    let mut kept = encode(checkpoint).expect("can be kept");
    kept.insert("token", token);
    bson::deserialize_from_document(kept).expect("still a checkpoint")
}

#[tokio::test]
async fn changes_that_are_gone_from_the_oplog_make_it_copy_again() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::CollectionSet).await;
    world.fill("t", Placement::Shared, 3, 50).await;
    let followed = run_to(&source, &target, Checkpoint::new(), 100, Stage::Follow).await;
    // Nobody will tell of these: one document is gone, one is new.
    let messages = world.database(&source).collection::<Document>("messages");
    messages.delete_one(doc! { "tenantId": "t" }).await.expect("deleted");
    assert!(writes_pass(&source, 1_000).await);
    let followed = lost(&world, &source, &followed).await;
    let mut ready = followed.clone();
    ready.stage = Stage::Fence;
    let before = world.contents("t", Placement::Shared).await;

    let error = call(&source, &target, &followed, 100).await.expect_err("not there");
    assert!(matches!(error, RelocateError::HistoryLost), "{error:?}");
    let fence = call(&source, &target, &ready, 100).await.expect("begins again");
    assert_eq!(fence, Progress::Again(Checkpoint::new()));
    assert!(!source.is_fenced().await.expect("read"), "nobody waits for the copy");
    let mut budget = Budget::batches(&Still, 100);
    let again = relocate::synchronize(&source, &target, followed, &mut budget).await;
    assert_eq!(again.expect("begins again"), Progress::Again(Checkpoint::new()));
    let mut checkpoint = Checkpoint::new();
    while checkpoint.stage < Stage::Verify {
        let mut budget = Budget::batches(&Still, 100);
        let progress = relocate::fence(&source, &target, checkpoint, FENCE_LIMIT, &mut budget).await;
        checkpoint = progress.expect("goes on by itself").checkpoint().clone();
    }
    assert_eq!(world.contents("t", Placement::CollectionSet).await, before);
}

#[tokio::test]
async fn documents_that_take_over_each_others_unique_keys_arrive() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 3, 0).await;
    let followed = run_to(&source, &target, Checkpoint::new(), 100, Stage::Follow).await;
    let database = world.database(&source);
    // A room's open session closes and another opens, whose id comes first.
    let sessions = database.collection::<Document>(Session::COLLECTION);
    let close = doc! { "$set": { "status": "closed" } };
    sessions.update_one(doc! { "tenantId": "t", "status": "active" }, close).await.expect("closed");
    let mut opened = samples::session("t", 77, "active");
    opened.insert("_id", bson::oid::ObjectId::from_bytes([0; 12]));
    sessions.insert_one(opened).await.expect("opened");
    // Three users pass their names on in a circle.
    let users = database.collection::<Document>(User::COLLECTION);
    for (from, to) in [("0", "x"), ("1", "0"), ("2", "1"), ("x", "2")] {
        let set = doc! { "$set": { "lineUserId": to } };
        users.update_one(doc! { "tenantId": "t", "lineUserId": from }, set).await.expect("renamed");
    }
    let before = world.contents("t", Placement::Shared).await;
    run_to(&source, &target, followed, 100, Stage::Verify).await;
    assert_eq!(world.contents("t", Placement::Dedicated).await, before);
}

#[tokio::test]
async fn a_comparison_finds_what_following_could_not_know() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 3, 1_100).await;
    let followed = run_to(&source, &target, Checkpoint::new(), 100, Stage::Compare).await;
    let before = world.contents("t", Placement::Shared).await;
    let messages =
        world.database_of(target.tenant_id(), Placement::Dedicated).collection::<Document>("messages");
    messages.delete_one(doc! {}).await.expect("deleted");
    messages.update_one(doc! {}, doc! { "$set": { "content": "other" } }).await.expect("changed");
    let extra = encode(&samples::message("t", 60_000)).expect("encoded");
    messages.insert_one(extra).await.expect("stored");
    let compared = run_to(&source, &target, followed, 1, Stage::Fence).await;
    assert_eq!(compared.measured.repaired, 3);
    assert_eq!(world.contents("t", Placement::Dedicated).await, before);
}

#[tokio::test]
async fn a_write_that_slipped_past_the_fence_is_found_before_anything_is_erased() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 3, 10).await;
    let closed = run_to(&source, &target, Checkpoint::new(), 100, Stage::Verify).await;
    source.unfence().await.expect("lifted by a mistake");
    assert!(writes_pass(&source, 1_000).await);
    let open = call(&source, &target, &closed, 100).await.expect_err("refused");
    assert!(matches!(open, RelocateError::Refused(_)), "{open:?}");
    source.fence().await.expect("fenced");
    let unsound = call(&source, &target, &closed, 100).await.expect_err("not sound");
    assert!(
        matches!(unsound, RelocateError::Unsound { missing: 1, different: 0, unexplained: 0, .. }),
        "{unsound:?}"
    );
    let early = relocate::clean_up(&source, &target, closed, &mut Budget::batches(&Still, 9)).await;
    assert!(matches!(early, Err(RelocateError::OutOfTurn { .. })), "{early:?}");
}

#[tokio::test]
async fn a_difference_under_the_fence_is_mended_once_and_then_given_up() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 3, 10).await;
    let lose = async || {
        let database = world.database_of(target.tenant_id(), Placement::Dedicated);
        let gone = database.collection::<Document>("messages").delete_one(doc! {}).await.expect("deleted");
        assert_eq!(gone.deleted_count, 1);
    };
    let ready = run_to(&source, &target, Checkpoint::new(), 100, Stage::Fence).await;
    lose().await;
    let first = call(&source, &target, &ready, 100).await.expect("tried again");
    assert_eq!(first.checkpoint().stage, Stage::Compare);
    assert!(writes_pass(&source, 1_000).await, "nobody is closed out meanwhile");
    // The comparison brings back what is missing.
    let ready = run_to(&source, &target, first.checkpoint().clone(), 100, Stage::Fence).await;
    let closed = call(&source, &target, &ready, 100).await.expect("closed");
    assert!(closed.is_done(), "{closed:?}");
    source.unfence().await.expect("lifted");
    lose().await;
    let second = call(&source, &target, &ready, 100).await.expect_err("given up");
    assert!(matches!(second, RelocateError::Differs { collection: "messages", .. }), "{second:?}");
    assert!(writes_pass(&source, 1_001).await);
}

/// Years later than the server's.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(samples::NOW.timestamp_millis() * 3)
    }
}

#[tokio::test]
async fn what_expires_on_either_side_meanwhile_is_no_difference() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 4, 0).await;
    let ready = run_to(&source, &target, Checkpoint::new(), 100, Stage::Fence).await;
    // As MongoDB would: on one side before the fence, on either side after it.
    let of = |placement| {
        let database = world.database_of(target.tenant_id(), placement);
        database.collection::<Document>(InboundEventRecord::COLLECTION)
    };
    let expire = async |placement, event: &str| {
        let one = doc! { "tenantId": "t", "webhookEventId": event };
        assert_eq!(of(placement).delete_one(one).await.expect("deleted").deleted_count, 1);
    };
    expire(Placement::Dedicated, "0").await;
    let budget = || Budget::batches(&Later, 100);
    let closed = relocate::fence(&source, &target, ready, FENCE_LIMIT, &mut budget()).await.expect("closed");
    assert!(closed.is_done());
    expire(Placement::Dedicated, "1").await;
    expire(Placement::Shared, "2").await;
    let verified = relocate::verify(&source, &target, closed.checkpoint().clone(), &mut budget()).await;
    let verified = verified.expect("sound").checkpoint().clone();
    let events = &verified.verified().expect("verified").collections[InboundEventRecord::COLLECTION];
    assert_eq!((events.equal, events.expired, events.new), (1, 2, 1));
}

#[tokio::test]
async fn nothing_is_erased_that_no_move_has_put_there() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 2, 0).await;
    let budget = || Budget::batches(&Still, 100);

    // The target is lived in, though nobody wrote that down.
    world.tenant("t", Placement::Dedicated).await;
    assert!(writes_pass(&target, 1).await);
    let filled = relocate::prepare(&source, &target, Checkpoint::new(), &mut budget()).await;
    assert!(matches!(filled, Err(RelocateError::Refused(_))), "{filled:?}");
    abort(&source, &target, &Checkpoint::new()).await;
    assert_eq!(world.contents("t", Placement::Dedicated).await.len(), 1);
    let messages =
        world.database_of(target.tenant_id(), Placement::Dedicated).collection::<Document>("messages");
    messages.delete_many(doc! {}).await.expect("deleted");

    // The same place under another name.
    let other =
        Store::connect(&format!("{}&appName=other", world.uri), &world.prefix, 2).await.expect("valid");
    let itself = other.tenant(source.tenant_id(), Placement::Shared);
    let same = relocate::prepare(&source, &itself, Checkpoint::new(), &mut budget()).await;
    assert!(matches!(same, Err(RelocateError::SamePlace)), "{same:?}");

    let stranger = world.place("stranger", Placement::Dedicated);
    let stranger = relocate::prepare(&source, &stranger, Checkpoint::new(), &mut budget()).await;
    assert!(matches!(stranger, Err(RelocateError::OtherTenant)), "{stranger:?}");

    source.fence().await.expect("fenced");
    let fenced = relocate::prepare(&source, &target, Checkpoint::new(), &mut budget()).await;
    assert!(matches!(fenced, Err(RelocateError::Refused(_))), "{fenced:?}");
    source.unfence().await.expect("lifted");

    let verified = run_to(&source, &target, Checkpoint::new(), 100, Stage::CleanUp).await;
    let late = relocate::abort(&source, &target, verified.clone(), &mut budget()).await;
    assert!(matches!(late, Err(RelocateError::Refused(_))), "{late:?}");
    run_to(&source, &target, verified, 100, Stage::Done).await;
    let arrived = world.contents("t", Placement::Dedicated).await;
    let again = relocate::prepare(&source, &target, Checkpoint::new(), &mut budget()).await;
    assert!(matches!(again, Err(RelocateError::Refused(_))), "{again:?}");
    assert_eq!(world.contents("t", Placement::Dedicated).await, arrived);
}

#[tokio::test]
async fn steps_out_of_turn_are_refused_and_finished_ones_do_nothing() {
    let world = World::start().await;
    let (source, target) = places(&world, Placement::Shared, Placement::Dedicated).await;
    world.fill("t", Placement::Shared, 2, 0).await;
    let budget = || Budget::batches(&Still, 100);
    let early = relocate::compare(&source, &target, Checkpoint::new(), &mut budget()).await;
    assert!(
        matches!(early, Err(RelocateError::OutOfTurn { wanted: "compare", found: "prepare" })),
        "{early:?}"
    );
    let done = run_to(&source, &target, Checkpoint::new(), 100, Stage::Verify).await;
    assert!(writes_pass(&target, 1_000).await);
    let before = world.contents("t", Placement::Dedicated).await;
    let outcomes = [
        relocate::prepare(&source, &target, done.clone(), &mut budget()).await,
        relocate::copy(&source, &target, done.clone(), &mut budget()).await,
        relocate::synchronize(&source, &target, done.clone(), &mut budget()).await,
        relocate::fence(&source, &target, done.clone(), FENCE_LIMIT, &mut budget()).await,
    ];
    for outcome in outcomes {
        assert_eq!(outcome.expect("nothing to do"), Progress::Done(done.clone()));
    }
    assert_eq!(world.contents("t", Placement::Dedicated).await, before);
    assert!(source.is_fenced().await.expect("read"));
}
