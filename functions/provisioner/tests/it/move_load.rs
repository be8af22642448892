//! Moves while messages keep arriving, through the recorder as it is.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, SummaryJob};
use matome_local_stack::shared::OwnMongod;
use matome_provisioner::operations::steps;
use matome_runtime::clock::ManualClock;
use matome_runtime::directory::HOME_CELL;
use matome_runtime::queue::Recording;
use matome_store::Store;
use matome_store::entities::{Message, Operation, OperationKind, OperationState, Session, SessionStatus};
use matome_store::id::document_id;
use matome_tenancy::Tenants;
use matome_testing::counts::{all, assert_counts_are_exact};
use matome_testing::crash::Boundaries;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};
use tokio::sync::watch;

use crate::mover::{Mover, Standing, documents};

/// One environment of the recorder, and the FIFO groups whose messages it is handed.
struct Worker<'a> {
    context: matome_recorder::Context,
    sent: Recording,
    tenant: &'a TestTenant,
    name: &'static str,
    queue: VecDeque<Inbound>,
    made: u32,
    returned: usize,
    slowest: Duration,
}

impl<'a> Worker<'a> {
    fn start(mover: &Mover, tenant: &'a TestTenant, name: &'static str, tenants: Tenants) -> Self {
        let (context, sent) = mover.recorder(tenants);
        let queue = VecDeque::new();
        Self { context, sent, tenant, name, queue, made: 0, returned: 0, slowest: Duration::ZERO }
    }

    fn next(&mut self) -> Inbound {
        let n = self.made;
        self.made += 1;
        let group = format!("C{}{}", self.name, n % 2);
        let talk = Talk {
            tenant: self.tenant,
            group: Some(&group),
            user: ["Uaoi", "Ubun", "Uchai"][n as usize % 3],
        };
        let at = BEGIN.plus(Duration::from_millis(u64::from(n) * 10));
        talk.text(&format!("{}{n}", self.name), at, "hi")
    }

    /// Takes batches until there are no more, and returns what fails to the head of the queue, as SQS does
    /// with a group. Some batches come twice.
    async fn work(&mut self, recorded: &watch::Sender<usize>, stop: &Cell<bool>) {
        for turn in 0_u32.. {
            while !stop.get() && self.queue.len() < 5 {
                let message = self.next();
                self.queue.push_back(message);
            }
            let batch: Vec<Inbound> = self.queue.drain(..self.queue.len().min(10)).collect();
            if batch.is_empty() {
                return;
            }
            let times = if turn % 7 == 3 { 2 } else { 1 };
            for _ in 0..times {
                let begun = Instant::now();
                let response = matome_recorder::handle(sqs::batch(&batch), &self.context).await.unwrap();
                self.slowest = self.slowest.max(begun.elapsed());
                let returned = sqs::returned(&response);
                self.returned += returned.len();
                for position in returned.into_iter().rev() {
                    self.queue.push_front(batch[position].clone());
                }
            }
            recorded.send_modify(|n| *n += batch.len());
        }
    }
}

struct Moved {
    operation: Operation,
    returned: usize,
    slowest: Duration,
}

/// Moves the tenant while four recorders work for it, one of which never looks into the directory again
/// by itself, and one for a neighbour. The provisioner may die.
async fn move_under_load(
    mover: &Mover,
    to: Placement,
    cell: Option<&str>,
    target: &Store,
    faults: Faults,
) -> Moved {
    let system = &mover.world.system;
    let neighbour = system.tenant(Placement::Shared).await;
    let frozen = system.tenants_at(Arc::new(ManualClock::at(BEGIN)));
    let mut workers = vec![
        Worker::start(mover, &mover.tenant, "a", system.tenants()),
        Worker::start(mover, &mover.tenant, "b", system.tenants()),
        Worker::start(mover, &mover.tenant, "c", system.tenants()),
        Worker::start(mover, &mover.tenant, "frozen", frozen),
        Worker::start(mover, &neighbour, "n", system.tenants()),
    ];
    let (recorded, mut progress) = watch::channel(0_usize);
    let (stop, done) = (Cell::new(false), Cell::new(false));
    let more = async |progress: &mut watch::Receiver<usize>| {
        let goal = *progress.borrow() + 200;
        progress.wait_for(|n| *n >= goal).await.unwrap();
    };
    let provisioner = async {
        more(&mut progress).await;
        let job = mover.ask(to, cell).await;
        let begun = |name: &'static str| move |o: &Operation| o.steps.iter().any(|s| s.name == name);
        mover.world.drive_until(&job, faults.clone(), begun("verify")).await;
        more(&mut progress).await;
        mover.world.drive_until(&job, faults.clone(), begun("grace")).await;
        more(&mut progress).await;
        stop.set(true);
        let operation = mover.world.drive_with(&job, faults).await;
        done.set(true);
        operation
    };
    // Time passes for everybody, and jumps where the provisioner waits for minutes.
    let time = async {
        while !done.get() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            system.clock.advance(Duration::from_millis(5));
        }
    };
    let work = join_all(workers.iter_mut().map(|worker| worker.work(&recorded, &stop)));
    let (operation, (), _) = tokio::join!(provisioner, time, work);

    assert_eq!(operation.state, OperationState::Done, "{operation:?}");
    let cell = cell.unwrap_or(HOME_CELL);
    assert_eq!(mover.standing().await, Standing::settled(to, cell));
    let neighbours = workers.pop().unwrap();
    assert_eq!(neighbours.returned, 0, "neighbours do not notice");
    assert_recorded_once(&neighbour.store, &[&neighbours]).await;
    let workers: Vec<&Worker<'_>> = workers.iter().collect();
    assert_recorded_once(&target.tenant(&mover.tenant.id, to), &workers).await;
    Moved {
        operation,
        returned: workers.iter().map(|worker| worker.returned).sum(),
        slowest: workers.iter().map(|worker| worker.slowest).max().unwrap(),
    }
}

/// Every message is there once, in the session and the order it belongs to; what was to be set off was.
async fn assert_recorded_once(store: &matome_store::TenantStore, workers: &[&Worker<'_>]) {
    let messages: Vec<Message> = all(store, "timestamp").await;
    let sent: BTreeSet<String> =
        workers.iter().flat_map(|w| (0..w.made).map(move |n| format!("{}{n}", w.name))).collect();
    assert_eq!(messages.len(), sent.len(), "none is doubled");
    assert_eq!(
        messages.iter().map(|m| m.line_message_id.clone()).collect::<BTreeSet<_>>(),
        sent,
        "none is lost"
    );
    assert_counts_are_exact(store).await;
    let sessions: Vec<Session> = all(store, "sessionNumber").await;
    let numbers: BTreeMap<_, _> = sessions.iter().map(|s| (s.id, s.session_number)).collect();
    let mut last = BTreeMap::new();
    for message in &messages {
        let number = numbers[&message.session_id];
        let before = last.insert(message.room_id, number);
        assert!(before.is_none_or(|before| before <= number), "a room's messages are in order");
    }
    let asked: BTreeSet<String> = workers
        .iter()
        .flat_map(|w| w.sent.sent::<SummaryJob>())
        .map(|job| job.session_id.to_string())
        .collect();
    for session in sessions.iter().filter(|s| s.status == SessionStatus::Summarizing) {
        assert!(asked.contains(&document_id(session.id).to_string()), "a full session is to be summarized");
    }
}

async fn within_the_home_cell(from: Placement, to: Placement) {
    let mover = Mover::start(from).await;
    let moved = move_under_load(&mover, to, None, &mover.world.system.store, Faults::none()).await;
    assert!(mover.documents(from).await.is_empty(), "nothing is left in the source");
    tell(from, to, &moved);
}

fn tell(from: Placement, to: Placement, moved: &Moved) {
    let fence = moved.operation.detail("fence").unwrap().get_document("measured").unwrap();
    let closed = moved.operation.detail("flip").unwrap().get_i64("closedMs").unwrap();
    let Moved { returned, slowest, .. } = moved;
    println!(
        "{from:?} to {to:?}: closed {closed} ms, {fence}; {returned} returned, slowest batch {slowest:?}"
    );
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_from_shared_to_a_set() {
    within_the_home_cell(Placement::Shared, Placement::CollectionSet).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_from_shared_to_dedicated() {
    within_the_home_cell(Placement::Shared, Placement::Dedicated).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_from_a_set_to_dedicated() {
    within_the_home_cell(Placement::CollectionSet, Placement::Dedicated).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_from_a_set_to_shared() {
    within_the_home_cell(Placement::CollectionSet, Placement::Shared).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_from_dedicated_to_a_set() {
    within_the_home_cell(Placement::Dedicated, Placement::CollectionSet).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_from_dedicated_to_shared() {
    within_the_home_cell(Placement::Dedicated, Placement::Shared).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_though_the_provisioner_dies_at_every_step_of_one_move() {
    let mover = Mover::start(Placement::Shared).await;
    let (boundaries, to) = (Boundaries::default(), Placement::CollectionSet);
    let store = &mover.world.system.store;
    let moved = move_under_load(&mover, to, None, store, boundaries.die_once_at_each()).await;
    assert!(mover.documents(Placement::Shared).await.is_empty(), "nothing is left in the source");
    let died: BTreeSet<&str> = boundaries.all().into_iter().map(|(name, _)| name).collect();
    for step in steps(OperationKind::Move) {
        assert!(died.contains(step.name), "it never died at {}: {died:?}", step.name);
    }
    tell(Placement::Shared, to, &moved);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_the_way_to_another_cluster() {
    let mongod = OwnMongod::start("move-cell").await.expect("a MongoDB of our own starts");
    let mut system = TestSystem::start().await;
    let target = system.add_cell("other", &mongod.uri()).await;
    let mover = Mover::over(system, Placement::Shared).await;
    let moved = move_under_load(&mover, Placement::Shared, Some("other"), &target, Faults::none()).await;
    assert!(mover.documents(Placement::Shared).await.is_empty(), "nothing is left in the source");
    assert!(!documents(&target, &mover.tenant, Placement::Shared).await.is_empty());
    tell(Placement::Shared, Placement::Shared, &moved);
}
