//! The recorder's environments and the cluster behind them, in virtual time.

use super::queue::{Choice, Queue};
use super::traffic::Message;

/// Environments at work at once: `MaximumConcurrency` of the recorder in `template.yaml`.
pub(crate) const ENVIRONMENTS: usize = 20;

/// What recording costs, measured by the bench. A batch is one transaction for each tenant in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Seconds that a batch waits for answers and the journal, however many there are.
    pub(crate) waiting: f64,
    /// Seconds of a core for a transaction, before anything is in it.
    pub(crate) transaction: f64,
    /// The same for each room in it.
    pub(crate) room: f64,
    /// The same for each message.
    pub(crate) message: f64,
    /// Cores that recorders and mongod share.
    pub(crate) cores: f64,
}

impl Cost {
    /// Messages a second that the machine can record when each comes alone.
    pub(crate) fn capacity(&self) -> f64 {
        self.cores / (self.transaction + self.room + self.message)
    }

    /// Seconds of a core for a batch of messages, each with its tenant and its room.
    fn of(&self, batch: &[(u32, u32)]) -> f64 {
        let mut rooms = batch.to_vec();
        rooms.sort_unstable();
        rooms.dedup();
        let mut tenants: Vec<u32> = rooms.iter().map(|(tenant, _)| *tenant).collect();
        tenants.dedup();
        self.transaction * tenants.len() as f64
            + self.room * rooms.len() as f64
            + self.message * batch.len() as f64
    }
}

/// A batch that is being recorded.
struct Running {
    messages: Vec<u32>,
    groups: Vec<u32>,
    waiting: f64,
    work: f64,
}

/// What came out.
pub(crate) struct Outcome {
    /// Seconds from arrival until it was recorded, for each message.
    pub(crate) dwell: Vec<f64>,
    /// The most messages that waited at a time.
    pub(crate) most_waiting: usize,
}

/// Records `messages`, which are in order of time, each in the FIFO group that `group_of` names.
pub(crate) fn record(
    messages: &[Message],
    groups: usize,
    group_of: impl Fn(&Message) -> u32,
    choice: Choice,
    cost: &Cost,
) -> Outcome {
    let mut queue = Queue::new(choice, groups);
    let mut running: Vec<Running> = Vec::with_capacity(ENVIRONMENTS);
    let mut dwell = vec![f64::NAN; messages.len()];
    let (mut now, mut next) = (0.0, 0);
    while next < messages.len() || !running.is_empty() {
        let speed = speed(&running, cost);
        let ends = running.iter().map(|r| r.until_change(speed)).fold(f64::INFINITY, f64::min);
        let arrives = messages.get(next).map_or(f64::INFINITY, |m| m.at - now);
        let passed = ends.min(arrives).max(0.0);
        now += passed;
        for batch in &mut running {
            batch.pass(passed, speed);
        }
        if arrives <= ends {
            queue.send(next as u32, group_of(&messages[next]));
            next += 1;
        }
        let mut at = 0;
        while at < running.len() {
            if running[at].is_done() {
                let done = running.swap_remove(at);
                for message in &done.messages {
                    dwell[*message as usize] = now - messages[*message as usize].at;
                }
                queue.done(&done.groups);
            } else {
                at += 1;
            }
        }
        while running.len() < ENVIRONMENTS
            && let Some((batch, groups)) = queue.receive()
        {
            let of = |message: &u32| {
                let Message { tenant, room, .. } = messages[*message as usize];
                (tenant, room)
            };
            let work = cost.of(&batch.iter().map(of).collect::<Vec<_>>());
            running.push(Running { messages: batch, groups, waiting: cost.waiting, work });
        }
    }
    Outcome { dwell, most_waiting: queue.most_waiting }
}

/// How much of a core each batch has that does not wait.
fn speed(running: &[Running], cost: &Cost) -> f64 {
    let working = running.iter().filter(|r| r.waiting <= 0.0).count();
    (cost.cores / working.max(1) as f64).min(1.0)
}

/// Less than this is nothing: sums of floats are never quite zero.
const NOTHING: f64 = 1e-12;

impl Running {
    fn until_change(&self, speed: f64) -> f64 {
        if self.waiting > 0.0 { self.waiting } else { self.work / speed }
    }

    fn pass(&mut self, seconds: f64, speed: f64) {
        let (left, done) =
            if self.waiting > 0.0 { (&mut self.waiting, seconds) } else { (&mut self.work, seconds * speed) };
        *left -= done;
        if *left < NOTHING {
            *left = 0.0;
        }
    }

    fn is_done(&self) -> bool {
        self.waiting <= 0.0 && self.work <= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Cost = Cost { waiting: 0.002, transaction: 0.001, room: 0.001, message: 0.001, cores: 2.0 };

    fn dwell(messages: &[Message], cost: &Cost) -> Vec<f64> {
        let outcome = record(messages, messages.len(), |m| m.room, Choice::Oldest, cost);
        outcome.dwell.iter().map(|seconds| (seconds * 1e6).round() / 1e3).collect()
    }

    fn at(at: f64, room: u32) -> Message {
        Message { at, tenant: 0, room }
    }

    #[test]
    fn a_message_takes_its_waiting_and_its_work_and_shares_cores_when_there_are_too_few() {
        assert_eq!(dwell(&[at(0.0, 0)], &COST), [5.0]);
        let three = [at(0.0, 0), at(0.0, 1), at(0.0, 2)];
        assert_eq!(dwell(&three[..2], &COST), [5.0, 5.0], "a core each");
        // Each has two thirds of a core.
        assert_eq!(dwell(&three, &COST), [6.5, 6.5, 6.5]);
    }

    #[test]
    fn what_comes_while_its_group_is_in_flight_waits_for_the_batch() {
        assert_eq!(dwell(&[at(0.0, 0), at(0.001, 0)], &COST), [5.0, 9.0]);
    }

    #[test]
    fn no_more_than_twenty_batches_are_recorded_at_a_time() {
        let plenty = Cost { cores: 1_000.0, ..COST };
        let messages: Vec<_> = (0..21).map(|room| at(0.0, room)).collect();
        let dwell = dwell(&messages, &plenty);
        assert_eq!((&dwell[..20], dwell[20]), ([5.0; 20].as_slice(), 10.0));
    }
}
