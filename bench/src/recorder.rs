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
    /// Seconds a recorder works on a batch of one message.
    pub(crate) single: f64,
}

pub(crate) async fn measure() -> anyhow::Result<Recorder> {
    let system = TestSystem::start().await;
    Ok(Recorder {
        one_room: throughput(&system, false).await?,
        ten_rooms: throughput(&system, true).await?,
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

async fn throughput(system: &TestSystem, mixed: bool) -> anyhow::Result<f64> {
    let tenant = system.tenant(Placement::Shared).await;
    let mut of_recorder: Vec<Vec<Vec<Inbound>>> = vec![Vec::new(); RECORDERS];
    // A room's batches go to one recorder, in order, as a FIFO group's do.
    let rooms_each = ROOMS / RECORDERS;
    for (r, batches) in of_recorder.iter_mut().enumerate() {
        let rooms: Vec<usize> = (0..rooms_each).map(|i| r * rooms_each + i).collect();
        for round in 0..BATCHES_PER_ROOM {
            if mixed {
                for ten in rooms.chunks(BATCH) {
                    for n in 0..BATCH {
                        let n = round * BATCH + n;
                        batches.push(ten.iter().map(|room| message(&tenant, *room, n)).collect());
                    }
                }
            } else {
                for room in &rooms {
                    batches.push((0..BATCH).map(|n| message(&tenant, *room, round * BATCH + n)).collect());
                }
            }
        }
    }
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
    let total = ROOMS * BATCHES_PER_ROOM * BATCH;
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
        ]
    }
}
