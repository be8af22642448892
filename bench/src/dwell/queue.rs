//! What SQS does with a FIFO queue: one batch of a group in flight, ten messages a receive, and a choice
//! among the groups that is not documented.
//!
//! Documented is that as many messages of one group as possible are returned first, and that messages
//! of groups in flight are passed over among the first 120,000
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html>,
//! …/avoid-backlog-with-the-same-message-group-id.html).

use std::collections::{BTreeSet, VecDeque};

use super::traffic::mix;

/// Messages a receive.
const BATCH: usize = 10;
/// So far SQS looks for a message of a group that is not in flight.
pub(crate) const LOOK_AHEAD: usize = 120_000;

/// Which of the groups that are not in flight is served next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The ten oldest messages, of whatever groups: who sends much at once is always first.
    Oldest,
    /// The group with the oldest message, as much of it as fits, then the next group: documented.
    GroupByGroup,
    /// Any group, as much of it as fits.
    Any,
}

/// Messages are numbers in order of arrival, groups are numbers from 0.
pub(crate) struct Queue {
    choice: Choice,
    groups: Vec<VecDeque<u32>>,
    /// Groups that are not in flight and have messages, by what is served first.
    ready: BTreeSet<(u64, u32)>,
    in_flight: Vec<bool>,
    waiting: usize,
    /// The most messages that waited at a time; beyond [`LOOK_AHEAD`] SQS would pass over groups.
    pub(crate) most_waiting: usize,
}

impl Queue {
    pub(crate) fn new(choice: Choice, groups: usize) -> Self {
        Self {
            choice,
            groups: vec![VecDeque::new(); groups],
            ready: BTreeSet::new(),
            in_flight: vec![false; groups],
            waiting: 0,
            most_waiting: 0,
        }
    }

    pub(crate) fn send(&mut self, message: u32, group: u32) {
        let place = group as usize;
        self.groups[place].push_back(message);
        self.waiting += 1;
        self.most_waiting = self.most_waiting.max(self.waiting);
        if self.groups[place].len() == 1 && !self.in_flight[place] {
            self.make_ready(group);
        }
    }

    /// Up to ten messages and their groups, which are in flight from then on.
    pub(crate) fn receive(&mut self) -> Option<(Vec<u32>, Vec<u32>)> {
        let (mut messages, mut groups) = (Vec::with_capacity(BATCH), Vec::new());
        while messages.len() < BATCH
            && let Some((_, group)) = self.ready.pop_first()
        {
            let queue = &mut self.groups[group as usize];
            let most = if self.choice == Choice::Oldest { 1 } else { BATCH - messages.len() };
            messages.extend(queue.drain(..most.min(queue.len())));
            if !groups.contains(&group) {
                groups.push(group);
            }
            if self.choice == Choice::Oldest {
                self.make_ready(group);
            }
        }
        for group in &groups {
            self.in_flight[*group as usize] = true;
            // One that has more than was taken.
            if let Some(key) = self.key(*group) {
                self.ready.remove(&(key, *group));
            }
        }
        self.waiting -= messages.len();
        (!messages.is_empty()).then_some((messages, groups))
    }

    /// The batch with these groups is done.
    pub(crate) fn done(&mut self, groups: &[u32]) {
        for group in groups {
            self.in_flight[*group as usize] = false;
            self.make_ready(*group);
        }
    }

    fn make_ready(&mut self, group: u32) {
        if let Some(key) = self.key(group) {
            self.ready.insert((key, group));
        }
    }

    fn key(&self, group: u32) -> Option<u64> {
        let oldest = u64::from(*self.groups[group as usize].front()?);
        Some(if self.choice == Choice::Any { mix(oldest) } else { oldest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(choice: Choice, groups: &[u32]) -> Queue {
        let mut queue = Queue::new(choice, 3);
        for (message, group) in groups.iter().enumerate() {
            queue.send(message as u32, *group);
        }
        queue
    }

    #[test]
    fn nothing_of_a_group_in_flight_is_handed_out_and_its_order_is_kept() {
        for choice in [Choice::Oldest, Choice::GroupByGroup, Choice::Any] {
            let mut queue = filled(choice, &[0; 25]);
            let (first, groups) = queue.receive().expect("there are messages");
            assert_eq!((first, groups.as_slice()), ((0..10).collect(), [0].as_slice()));
            assert!(queue.receive().is_none(), "the group is in flight");
            queue.send(25, 0);
            assert!(queue.receive().is_none());
            queue.done(&groups);
            assert_eq!(queue.receive().expect("it is ready again").0, (10..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_oldest_are_taken_over_all_groups_or_group_by_group() {
        let sent = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
        let (oldest, _) = filled(Choice::Oldest, &sent).receive().expect("there are messages");
        assert_eq!(oldest, (0..10).collect::<Vec<_>>());
        let (one_first, _) = filled(Choice::GroupByGroup, &sent).receive().expect("there are messages");
        assert_eq!(one_first, [0, 2, 4, 6, 8, 10, 1, 3, 5, 7]);
    }
}
