//! A tenant moves to another cluster while it is written to from all sides: nothing is lost, nothing
//! is there twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::future::join_all;
use matome_domain::placement::Placement;
use matome_local_stack::shared::OwnMongod;
use matome_store::entities::{Message, Room};
use matome_store::id::derived;
use matome_store::relocate::{self, Budget, Checkpoint, FENCE_LIMIT, Stage};
use matome_store::{Store, StoreError, TenantStore, Write};
use tokio::sync::watch;

use crate::mover::run_to;
use crate::samples;
use crate::world::{Contents, Still, World};

const WRITERS: u32 = 8;

/// What the writers share.
struct Load {
    room: ObjectId,
    next: AtomicU32,
    stop: AtomicBool,
    acknowledged: Mutex<BTreeSet<ObjectId>>,
    refused: AtomicU64,
    stale_passed: AtomicU64,
}

impl Load {
    /// A message and its room's counter, together.
    async fn record(&self, place: &TenantStore, number: u32) -> Result<(), StoreError> {
        let message = samples::message("t", number);
        let count = doc! { "$inc": { "statistics.totalMessages": 1_i64, "__v": 1_i64 } };
        place
            .transaction(async |t| {
                t.insert(std::slice::from_ref(&message)).await?;
                t.write::<Room>(vec![Write::update(self.room, count.clone())]).await
            })
            .await
    }

    /// Goes where the directory says, and asks it again when it meets the fence.
    async fn write(&self, mut directory: watch::Receiver<TenantStore>) {
        while !self.stop.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            loop {
                let place = directory.borrow_and_update().clone();
                match self.record(&place, number).await {
                    Ok(()) => {
                        let mut acknowledged = self.acknowledged.lock().expect("nobody panics");
                        assert!(acknowledged.insert(samples::message("t", number).id));
                        break;
                    }
                    Err(error) if error.is_fenced() => {
                        self.refused.fetch_add(1, Ordering::SeqCst);
                        // It may be lifted again; then nobody announces anything.
                        let pause = std::time::Duration::from_millis(20);
                        let _either = tokio::time::timeout(pause, directory.changed()).await;
                    }
                    Err(StoreError::Contended { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    }

    /// Never asks the directory again: what passes after the flip is lost.
    async fn stale(&self, place: &TenantStore, directory: watch::Receiver<TenantStore>) {
        let mut number = 5_000_000;
        while !self.stop.load(Ordering::SeqCst) {
            let flipped = directory.has_changed().unwrap_or(true);
            number += 1;
            match self.record(place, number).await {
                Ok(()) if flipped => drop(self.stale_passed.fetch_add(1, Ordering::SeqCst)),
                Ok(()) => drop(
                    self.acknowledged.lock().expect("nobody panics").insert(samples::message("t", number).id),
                ),
                Err(error) if error.is_fenced() => tokio::task::yield_now().await,
                Err(StoreError::Contended { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_a_busy_tenant_moves_to_another_cluster() {
    let other = OwnMongod::start("relocate-load").await.expect("a MongoDB of our own starts");
    let there = World::on(&other.uri()).await;
    let mut here = World::start().await;
    // A connection for each: like processes, they do not wait for each other's.
    here.store = Store::connect(&here.uri, &here.prefix, 32).await.expect("the URI is valid");
    let source = here.tenant("t", Placement::Shared).await;
    let target = there.place("t", Placement::Dedicated);
    here.tenant("neighbour", Placement::Shared).await;
    here.fill("t", Placement::Shared, 5, 3_000).await;
    let room = source.collection::<Room>().find_one(doc! {}).await.expect("read").expect("filled").id;
    let at_first = here.contents("t", Placement::Shared).await.len();

    let (flip, directory) = watch::channel(source.clone());
    let load = Load {
        room,
        next: AtomicU32::new(100_000),
        stop: AtomicBool::new(false),
        acknowledged: Mutex::default(),
        refused: AtomicU64::new(0),
        stale_passed: AtomicU64::new(0),
    };
    let written = || load.acknowledged.lock().expect("nobody panics").len();
    let the_move = async {
        while written() < 50 {
            tokio::task::yield_now().await;
        }
        let mut checkpoint = Checkpoint::new();
        while checkpoint.stage < Stage::Verify {
            let mut budget = Budget::batches(&Still, 20);
            let progress = relocate::fence(&source, &target, checkpoint, FENCE_LIMIT, &mut budget).await;
            checkpoint = progress.expect("moves").checkpoint().clone();
        }
        flip.send(target.clone()).expect("somebody listens");
        let at_the_flip = written();
        while written() < at_the_flip + 50 {
            tokio::task::yield_now().await;
        }
        let checkpoint = run_to(&source, &target, checkpoint, 100, Stage::CleanUp).await;
        load.stop.store(true, Ordering::SeqCst);
        checkpoint
    };
    let writers = join_all((0..WRITERS).map(|_| load.write(directory.clone())));
    let stale = load.stale(&source, directory.clone());
    let neighbour = async {
        let (place, mut number) = (here.place("neighbour", Placement::Shared), 0);
        while !load.stop.load(Ordering::SeqCst) {
            number += 1;
            let message = Message {
                id: derived(&["neighbour", &number.to_string()]),
                ..samples::message("neighbour", number)
            };
            place.collection::<Message>().insert(&message).await.expect("neighbours never wait");
        }
        u64::from(number)
    };
    let (checkpoint, _, (), neighbours) = tokio::join!(the_move, writers, stale, neighbour);

    assert_eq!(load.stale_passed.load(Ordering::SeqCst), 0, "a stale writer passed the fence");
    assert!(load.refused.load(Ordering::SeqCst) > 0, "nobody met the fence");
    assert!(checkpoint.measured.changes > 0, "nothing changed meanwhile");
    let acknowledged = load.acknowledged.lock().expect("nobody panics").clone();
    let messages =
        there.database_of(target.tenant_id(), Placement::Dedicated).collection::<Document>("messages");
    let arrived = messages.distinct("_id", doc! {}).await.expect("read");
    let arrived: BTreeSet<ObjectId> = arrived.iter().filter_map(bson::Bson::as_object_id).collect();
    assert_eq!(acknowledged.difference(&arrived).count(), 0, "lost");
    assert_eq!(
        there.contents("t", Placement::Dedicated).await.len(),
        at_first + acknowledged.len(),
        "doubled"
    );
    let room = target.collection::<Room>().get(room).await.expect("read").expect("moved");
    assert_eq!(room.statistics.total_messages, i64::try_from(acknowledged.len()).expect("few"));
    let messages = here.place("neighbour", Placement::Shared).collection::<Message>();
    assert_eq!(messages.count(doc! {}).await.expect("counted"), neighbours);
    run_to(&source, &target, checkpoint, 100, Stage::Done).await;
    assert_eq!(here.contents("t", Placement::Shared).await, Contents::new());
}
