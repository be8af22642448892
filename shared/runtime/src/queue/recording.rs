//! Queues for tests: they remember what they were sent, and refuse or die where told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use matome_domain::fault::Faults;
use matome_domain::queue::QueueMessage;

use super::entry::Entry;
use super::{QueueError, Refusal};
use crate::batch::Receipt;

/// A message as it reached the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// [`QueueMessage::QUEUE`].
    pub queue: &'static str,
    /// Where it was sent; the queue's name when no URL was configured.
    pub url: String,
    /// JSON.
    pub body: String,
    /// FIFO group.
    pub group: Option<String>,
    /// FIFO deduplication id.
    pub deduplication: Option<String>,
    /// Delay of a standard queue.
    pub delay: Duration,
}

/// A message whose visibility was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Its queue; the queue's name when no URL was configured.
    pub url: String,
    /// Of the receive.
    pub handle: String,
    /// Until it is delivered again.
    pub visibility: Duration,
}

/// A refusal to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuse {
    /// The whole request fails, as when SQS cannot be reached.
    Request,
    /// The entry at this place of the request is not taken; SQS calls it its own fault, so it is
    /// worth another try.
    Entry(usize),
    /// The entry at this place of the request is not taken, and never will be.
    EntryForGood(usize),
}

/// The other end of [`super::Queues::recording`].
#[derive(Clone)]
pub struct Recording {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    sent: Vec<Recorded>,
    refusals: Vec<Refuse>,
    requests: usize,
    held: HashMap<String, u64>,
    hidden: Vec<Hidden>,
}

impl Recording {
    pub(super) fn new(faults: Faults) -> Self {
        Self { state: Arc::default(), faults }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next requests fail, one refusal each, in this order.
    pub fn refuse(&self, refusals: impl IntoIterator<Item = Refuse>) {
        self.state().refusals.extend(refusals);
    }

    /// Everything that was queued, in order, repeats included.
    #[must_use]
    pub fn entries(&self) -> Vec<Recorded> {
        self.state().sent.clone()
    }

    /// The messages of one kind that were queued, in order, repeats included.
    ///
    /// # Panics
    /// When a body does not parse: then what was sent could not have been read either.
    #[must_use]
    pub fn sent<M: QueueMessage>(&self) -> Vec<M> {
        let parse =
            |r: &Recorded| serde_json::from_str(&r.body).expect("a sent message parses as its own type");
        self.state().sent.iter().filter(|r| r.queue == M::QUEUE).map(parse).collect()
    }

    /// As [`Recording::sent`], without what a FIFO queue would have dropped as a repeat.
    #[must_use]
    pub fn distinct<M: QueueMessage>(&self) -> Vec<M> {
        let mut seen = HashSet::new();
        let first = |r: &&Recorded| r.deduplication.as_ref().is_none_or(|id| seen.insert(id.clone()));
        let parse =
            |r: &Recorded| serde_json::from_str(&r.body).expect("a sent message parses as its own type");
        self.state().sent.iter().filter(|r| r.queue == M::QUEUE).filter(first).map(parse).collect()
    }

    /// Requests made, the failed ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// Says how many messages a queue holds from now on; none unless a test says so.
    pub fn hold(&self, url: &str, messages: u64) {
        self.state().held.insert(url.to_owned(), messages);
    }

    pub(super) fn held(&self, url: &str) -> u64 {
        self.state().held.get(url).copied().unwrap_or_default()
    }

    /// Every change of a message's visibility, in order.
    #[must_use]
    pub fn hidden(&self) -> Vec<Hidden> {
        self.state().hidden.clone()
    }

    pub(super) fn hide(
        &self,
        queue: &'static str,
        url: String,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let mut state = self.state();
        if !state.refusals.is_empty() {
            state.refusals.remove(0);
            return Err(QueueError::Request { queue, source: "refused by the test".into() });
        }
        state.hidden.push(Hidden { url, handle: receipt.handle.clone(), visibility });
        Ok(())
    }

    /// Forgets what was sent.
    pub fn clear(&self) {
        self.state().sent.clear();
    }

    pub(super) fn send(
        &self,
        queue: &'static str,
        url: &str,
        chunk: &[Entry],
    ) -> Result<Vec<Refusal>, QueueError> {
        self.faults.boundary("queue.send.before")?;
        let refused = self.take(queue, url, chunk)?;
        self.faults.boundary("queue.send.after")?;
        Ok(refused)
    }

    fn take(&self, queue: &'static str, url: &str, chunk: &[Entry]) -> Result<Vec<Refusal>, QueueError> {
        let mut state = self.state();
        state.requests += 1;
        let refusal = if state.refusals.is_empty() { None } else { Some(state.refusals.remove(0)) };
        let (out, permanent) = match refusal {
            None => (None, false),
            Some(Refuse::Request) => {
                return Err(QueueError::Request { queue, source: "refused by the test".into() });
            }
            Some(Refuse::Entry(position)) => (Some(position), false),
            Some(Refuse::EntryForGood(position)) => (Some(position), true),
        };
        let taken = chunk.iter().enumerate().filter(|(position, _)| Some(*position) != out);
        state.sent.extend(taken.map(|(_, entry)| Recorded {
            queue,
            url: url.to_owned(),
            body: entry.body.clone(),
            group: entry.group.clone(),
            deduplication: entry.deduplication.clone(),
            delay: entry.delay,
        }));
        let refused = out.filter(|position| *position < chunk.len());
        Ok(refused
            .map(|position| Refusal { position, code: "InternalError".to_owned(), permanent })
            .into_iter()
            .collect())
    }
}
