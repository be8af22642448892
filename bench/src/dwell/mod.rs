//! How long messages wait when one tenant sends much more than the others.
//!
//! What SQS and Lambda do cannot be had here, so it is simulated in virtual time: FIFO groups, twenty
//! environments, batches of ten; recording takes as long as this bench has measured. Everything is
//! computed from fixed numbers, so a run says what every run says.

mod machine;
mod queue;
mod traffic;

use anyhow::ensure;
use matome_domain::lane::LANES;

pub(crate) use machine::Cost;
use queue::{Choice, LOOK_AHEAD};
pub(crate) use traffic::{Noise, Traffic, mix};

use crate::figure::{Figure, Limit, quantile};

/// The issue's.
pub(crate) const TENANTS: u32 = 1_000;
/// Rooms in which a tenant's customers talk at the same time.
const ROOMS: u32 = 20;

/// How conversations are put into FIFO groups.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Groups {
    /// One each.
    Conversation,
    /// So many for a tenant.
    Bounded(u32),
}

/// Seconds from a message's arrival until it is recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dwell {
    /// The median over all messages of the tenants that are alike.
    pub(crate) median: f64,
    /// The 99th percentile over the same messages.
    pub(crate) p99: f64,
    /// The 99th percentile of the tenant among them that waits longest.
    pub(crate) worst: f64,
    /// The noisy tenant's own 99th percentile.
    pub(crate) noisy: f64,
    /// The most messages that waited at a time.
    pub(crate) most_waiting: usize,
}

impl Dwell {
    /// What the issue limits to 2: the worst tenant's 99th percentile in medians.
    pub(crate) fn ratio(&self) -> f64 {
        self.worst / self.median
    }
}

/// Traffic that keeps the machine busy for `load` (0 to 1) of its time, the noisy tenant included, until
/// each of the others has sent about `each` messages.
pub(crate) fn traffic(cost: &Cost, load: f64, noise: Option<Noise>, each: f64) -> Traffic {
    let senders = f64::from(TENANTS) + noise.map_or(0.0, |n| n.times);
    let rate = load * cost.capacity() / senders;
    Traffic { tenants: TENANTS, rooms: ROOMS, rate, noise, duration: each / rate }
}

/// Lets it come.
pub(crate) fn simulate(traffic: &Traffic, groups: Groups, choice: Choice, cost: &Cost) -> Dwell {
    let noisy_rooms = traffic.noise.map_or(0, |n| n.rooms);
    let of_tenant = match groups {
        Groups::Conversation => traffic.rooms.max(noisy_rooms),
        Groups::Bounded(most) => most,
    };
    let group_of = |message: &traffic::Message| {
        let own = match groups {
            Groups::Conversation => message.room,
            Groups::Bounded(most) => {
                let conversation = u64::from(message.tenant) << 32 | u64::from(message.room);
                (mix(conversation) % u64::from(most)) as u32
            }
        };
        message.tenant * of_tenant + own
    };
    let messages = traffic.messages();
    let all_groups = (traffic.tenants + 1) * of_tenant;
    let outcome = machine::record(&messages, all_groups as usize, group_of, choice, cost);
    let mut by_tenant = vec![Vec::new(); traffic.tenants as usize + 1];
    for (message, dwell) in messages.iter().zip(&outcome.dwell) {
        by_tenant[message.tenant as usize].push(*dwell);
    }
    let noisy = by_tenant.pop().map_or(f64::NAN, |mut dwell| quantile(&mut dwell, 0.99));
    let worst = by_tenant.iter_mut().map(|dwell| quantile(dwell, 0.99)).fold(0.0, f64::max);
    let mut alike: Vec<f64> = by_tenant.into_iter().flatten().collect();
    let (median, p99) = (quantile(&mut alike, 0.5), quantile(&mut alike, 0.99));
    Dwell { median, p99, worst, noisy, most_waiting: outcome.most_waiting }
}

/// How much of the machine's time is planned for, the noisy tenant included. Two cores that recorders share with
/// mongod keep the rule up to about 0.2 even without any noise; four cores up to 0.3 and more.
const LOAD: f64 = 0.15;
/// Messages of each of the other tenants: their 99th percentile is the tenth from above.
const EACH: f64 = 1_000.0;

/// What the noisy tenant does, in words and numbers.
const NOISES: [(&str, Noise); 3] = [
    ("in one room", Noise { times: 50.0, rooms: 1, in_bursts: false }),
    ("in 500 rooms", Noise { times: 50.0, rooms: 500, in_bursts: false }),
    ("in 500 rooms, a minute's within a second", Noise { times: 50.0, rooms: 500, in_bursts: true }),
];

/// The rule for a tenant that sends fifty times as much as each of a thousand others.
pub(crate) fn figures(cost: &Cost) -> anyhow::Result<Vec<Figure>> {
    let mut figures = vec![Figure::known(
        "dwell: simulated capacity of this machine, messages that come alone",
        "/s",
        cost.capacity(),
    )];
    for (what, noise) in NOISES {
        let lanes = worst(cost, LOAD, noise, Groups::Bounded(LANES as u32));
        let conversations = worst(cost, LOAD, noise, Groups::Conversation);
        // Beyond it SQS passes over groups, which is not simulated.
        ensure!(lanes.most_waiting.max(conversations.most_waiting) < LOOK_AHEAD, "too much waits");
        let of = |what: &str, text: &str| format!("dwell: {text}, one tenant sends 50 times as much {what}");
        figures.extend([
            Figure::known(of(what, "the others' median"), "ms", lanes.median * 1e3),
            Figure::known(of(what, "the others' p99"), "ms", lanes.p99 * 1e3),
            Figure::new(of(what, "worst tenant's p99 in medians"), Limit::AtMost(2.0), "", lanes.ratio()),
            Figure::known(of(what, "the same without lanes"), "", conversations.ratio()),
            Figure::known(of(what, "its own p99"), "ms", lanes.noisy * 1e3),
        ]);
    }
    Ok(figures)
}

/// With SQS's least favourable choice.
fn worst(cost: &Cost, load: f64, noise: Noise, groups: Groups) -> Dwell {
    let traffic = traffic(cost, load, Some(noise), EACH);
    let outcomes = [Choice::Oldest, Choice::GroupByGroup, Choice::Any]
        .map(|choice| simulate(&traffic, groups, choice, cost));
    let [first, others @ ..] = outcomes;
    others.into_iter().fold(first, |worst, next| if next.ratio() > worst.ratio() { next } else { worst })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About what two cores with mongod on them need.
    const COST: Cost =
        Cost { waiting: 0.0018, transaction: 0.001_44, room: 0.000_56, message: 0.0002, cores: 2.0 };
    /// Few enough for a test; the bench says it tenant by tenant.
    const EACH: f64 = 100.0;

    fn p99_in_medians(noise: Noise, groups: Groups, choice: Choice) -> f64 {
        let dwell = simulate(&traffic(&COST, 0.25, Some(noise), EACH), groups, choice, &COST);
        dwell.p99 / dwell.median
    }

    #[test]
    fn nobody_waits_for_a_tenant_that_sends_fifty_times_as_much_whatever_sqs_chooses() {
        for (what, noise) in NOISES {
            for choice in [Choice::Oldest, Choice::GroupByGroup, Choice::Any] {
                let ratio = p99_in_medians(noise, Groups::Bounded(LANES as u32), choice);
                assert!(ratio < 2.0, "{what}, {choice:?}: {ratio}");
            }
        }
    }

    /// Or the test above would show nothing.
    #[test]
    fn without_lanes_everybody_waits_for_a_burst_in_many_rooms() {
        let (_, mut burst) = NOISES[2];
        burst.times = 200.0;
        let ratio = |groups| p99_in_medians(burst, groups, Choice::Oldest);
        assert!(ratio(Groups::Conversation) > 20.0);
        assert!(ratio(Groups::Bounded(LANES as u32)) < 3.0);
    }
}
