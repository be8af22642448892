//! Messages a second into one mongod, from batches of ten.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bson::doc;
use futures::future::try_join_all;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::Inbound;
use matome_recorder::Context;
use matome_runtime::queue::Queues;
use matome_store::entities::{Message, Room};
use matome_tenancy::HealthRecords;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::dwell::Cost;
use crate::figure::{Figure, Limit};

/// Recorders at work at once; Lambda would run as many environments.
const RECORDERS: usize = 8;
const ROOMS: usize = 160;
const BATCHES_PER_ROOM: usize = 15;
const BATCH: usize = 10;

/// What was measured.
pub(crate) struct Recorder {
    /// Messages a second when a batch is of one room, as SQS mostly hands them out under load.
    one_room: f64,
    /// The same when all ten are of different rooms.
    ten_rooms: f64,
    /// The same when each message comes alone.
    alone: f64,
    /// Seconds a recorder works on a batch of one message.
    pub(crate) single: f64,
}

/// What is in a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mix {
    /// Ten messages of one room.
    OneRoom,
    /// Ten messages of ten rooms.
    TenRooms,
    /// One message.
    Alone,
}

pub(crate) async fn measure() -> anyhow::Result<Recorder> {
    let system = TestSystem::start().await;
    Ok(Recorder {
        one_room: throughput(&system, Mix::OneRoom).await?,
        ten_rooms: throughput(&system, Mix::TenRooms).await?,
        alone: throughput(&system, Mix::Alone).await?,
        single: single(&system).await?,
    })
}

fn recorder(system: &TestSystem) -> Context {
    Context {
        tenants: system.tenants(),
        channels: system.channels("http://127.0.0.1:9"),
        health: HealthRecords::new(system.clock.clone()),
        queues: Queues::recording().0,
        blobs: None,
        clock: system.clock.clone(),
        random: system.random.clone(),
        faults: Faults::none(),
    }
}

fn message(tenant: &TestTenant, room: usize, n: usize) -> Inbound {
    let user = format!("U{room:032x}");
    let talk = Talk { tenant, group: None, user: &user };
    let at = BEGIN.plus(Duration::from_millis(n as u64 * 10));
    talk.text(&format!("{room}-{n}"), at, "明日の10時に駅の前で集合しましょう。#遠足 https://example.com/map")
}

async fn throughput(system: &TestSystem, mix: Mix) -> anyhow::Result<f64> {
    let tenant = system.tenant(Placement::Shared).await;
    let mut of_recorder: Vec<Vec<Vec<Inbound>>> = vec![Vec::new(); RECORDERS];
    // A room's batches go to one recorder, in order, as a FIFO group's do.
    let rooms_each = ROOMS / RECORDERS;
    for (r, batches) in of_recorder.iter_mut().enumerate() {
        let rooms: Vec<usize> = (0..rooms_each).map(|i| r * rooms_each + i).collect();
        for round in 0..BATCHES_PER_ROOM {
            let numbers = round * BATCH..(round + 1) * BATCH;
            match mix {
                Mix::TenRooms => {
                    for (ten, n) in rooms.chunks(BATCH).flat_map(|ten| numbers.clone().map(move |n| (ten, n)))
                    {
                        batches.push(ten.iter().map(|room| message(&tenant, *room, n)).collect());
                    }
                }
                Mix::OneRoom => {
                    for room in &rooms {
                        batches.push(numbers.clone().map(|n| message(&tenant, *room, n)).collect());
                    }
                }
                // A tenth of the messages takes as long.
                Mix::Alone => batches.extend(rooms.iter().map(|room| vec![message(&tenant, *room, round)])),
            }
        }
    }
    let total: usize = of_recorder.iter().flatten().map(Vec::len).sum();
    let begin = Instant::now();
    // One core for the recorders, the other for mongod.
    let running = of_recorder.into_iter().map(|batches| async move {
        let context = recorder(system);
        for batch in batches {
            let response = matome_recorder::handle(sqs::batch(&batch), &context).await?;
            ensure!(response.batch_item_failures.is_empty(), "messages were returned");
        }
        anyhow::Ok(())
    });
    try_join_all(running).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let stored = tenant.store.collection::<Message>().count(doc! {}).await?;
    ensure!(stored == total as u64, "{stored} messages are stored, not {total}");
    let rooms = tenant.store.collection::<Room>().find(doc! {}, doc! { "_id": 1 }, 0).await?;
    let counted: i64 = rooms.iter().map(|r| r.statistics.total_messages).sum();
    ensure!(counted == total as i64, "{counted} messages are counted, not {total}");
    Ok(total as f64 / seconds)
}

async fn single(system: &TestSystem) -> anyhow::Result<f64> {
    const TIMES: usize = 300;
    let tenant = system.tenant(Placement::Shared).await;
    let context = recorder(system);
    let mut begin = Instant::now();
    for n in 0..=TIMES {
        if n == 1 {
            // The first one warms the caches.
            begin = Instant::now();
        }
        let batch = sqs::batch(&[message(&tenant, 1, n)]);
        let response = matome_recorder::handle(batch, &context).await?;
        ensure!(response.batch_item_failures.is_empty(), "a message was returned");
    }
    let seconds = begin.elapsed().as_secs_f64();
    tenant.store.collection::<Room>().find_one(doc! {}).await?.context("the room is stored")?;
    Ok(seconds / TIMES as f64)
}

impl Recorder {
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let budget = Limit::AtLeast(5_000.0);
        vec![
            Figure::new(
                "recorder: messages into one mongod, batches of ten of one room",
                budget,
                "/s",
                self.one_room,
            ),
            Figure::new("recorder: the same, batches of ten rooms", budget, "/s", self.ten_rooms),
            Figure::known("recorder: the same, each message alone", "/s", self.alone),
        ]
    }

    /// What recording costs, for the simulation of many environments: three throughputs tell a
    /// transaction, a room and a message apart.
    pub(crate) fn cost(&self) -> anyhow::Result<Cost> {
        let cores = std::thread::available_parallelism()?.get() as f64;
        let ten = BATCH as f64;
        let (alone, one_room, ten_rooms) =
            (cores / self.alone, ten * cores / self.one_room, ten * cores / self.ten_rooms);
        // Noise can make a difference negative that is small.
        let message = ((one_room - alone) / (ten - 1.0)).max(0.0);
        let room = ((ten_rooms - one_room) / (ten - 1.0)).max(0.0);
        let transaction = (alone - room - message).max(0.0);
        Ok(Cost { waiting: (self.single - alone).max(0.0), transaction, room, message, cores })
    }
}
