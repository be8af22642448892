//! Sending to SQS: typed, in batches, and never silent about a message that could not be queued.

mod entry;
mod own;
#[cfg(any(test, feature = "test-support"))]
mod recording;
mod redrive;
mod sqs;
mod visibility;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use matome_domain::fault::InjectedFault;
use matome_domain::queue::{QueueMessage, url_variable};

use self::entry::Entry;
pub use self::own::own_queue_url;
#[cfg(any(test, feature = "test-support"))]
pub use self::recording::{Hidden, Recorded, Recording, Refuse};
pub use self::redrive::{RedriveError, redrive};
use crate::aws::Aws;
use crate::config::{ConfigError, Env};
use crate::random::Random;

/// SQS's limit for one message and for one batch together, in bytes (1 MiB since August 2025).
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const MAX_BYTES: usize = 1_048_576;

/// SQS's limit for the messages of one batch.
pub const MAX_ENTRIES: usize = 10;

/// SQS's longest delay of a message.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// How often entries that SQS refused through no fault of ours are sent again. Few, because the
/// webhook's caller gives up after 2 s; whole requests are retried by the SDK already.
const RETRIES: u32 = 2;

/// The longest wait before the first of these retries; it doubles.
const BACKOFF: Duration = Duration::from_millis(60);

/// Why something could not be queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The function was not given this queue ([`Queues::with`]).
    #[error("queue {queue} is not configured for this function")]
    NotConfigured {
        /// [`QueueMessage::QUEUE`].
        queue: &'static str,
    },
    /// A message could not be written as JSON.
    #[error("a message for {queue} could not be serialized")]
    Serialize {
        /// The queue.
        queue: &'static str,
        /// What serde said.
        #[source]
        source: serde_json::Error,
    },
    /// A message is larger than SQS takes; sending it again cannot help. Nothing was sent.
    #[error("message {index} for {queue} has {bytes} bytes, more than SQS's {MAX_BYTES}")]
    TooLarge {
        /// The queue.
        queue: &'static str,
        /// Its place in the slice given.
        index: usize,
        /// Its size.
        bytes: usize,
    },
    /// A delay for one message of a FIFO queue, which SQS does not have.
    #[error("{queue} is a FIFO queue: its messages cannot be delayed one by one")]
    DelayOnFifo {
        /// The queue.
        queue: &'static str,
    },
    /// SQS did not take the request, after the SDK's own retries.
    #[error("the request to {queue} failed")]
    Request {
        /// The queue.
        queue: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// SQS did not tell how many messages a queue holds.
    #[error("the messages of a queue could not be counted")]
    Uncounted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Some entries were not queued; the others were.
    #[error(transparent)]
    Batch(#[from] BatchFailure),
    /// A test made this step fail.
    #[error(transparent)]
    Injected(#[from] InjectedFault),
}

/// Entries of a batch that were not queued. Entries before and between them were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of {total} messages for {queue} were not queued ({})", .not_queued.len(), .codes.join(", "))]
pub struct BatchFailure {
    /// The queue.
    pub queue: &'static str,
    /// How many messages there were.
    pub total: usize,
    /// Which were not queued: places in the slice given, ascending.
    pub not_queued: Vec<usize>,
    /// SQS's error codes, each once.
    pub codes: Vec<String>,
}

/// The queues one function sends to.
#[derive(Clone)]
pub struct Queues {
    transport: Transport,
    urls: HashMap<&'static str, String>,
    random: Arc<dyn Random>,
}

#[derive(Clone)]
enum Transport {
    Sqs(aws_sdk_sqs::Client),
    #[cfg(any(test, feature = "test-support"))]
    Recording(Recording),
}

/// What SQS said about one entry it did not take.
struct Refusal {
    /// Its place in the request.
    position: usize,
    code: String,
    /// Our fault: sending it again cannot help.
    permanent: bool,
}

impl Queues {
    /// No queue yet; add each with [`Queues::with`].
    #[must_use]
    pub fn new(aws: &Aws, random: Arc<dyn Random>) -> Self {
        Self::from_client(aws.sqs(), random)
    }

    /// As [`Queues::new`], over a client made elsewhere (tests, tools).
    #[must_use]
    pub fn from_client(client: aws_sdk_sqs::Client, random: Arc<dyn Random>) -> Self {
        Self { transport: Transport::Sqs(client), urls: HashMap::new(), random }
    }

    /// Adds `M`'s queue, whose URL is in the variable that
    /// [`url_variable`] names.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name when it is missing.
    pub fn with<M: QueueMessage>(self, env: &Env) -> Result<Self, ConfigError> {
        let url = env.required(&url_variable(M::QUEUE))?;
        Ok(self.with_url::<M>(url))
    }

    /// Adds `M`'s queue at `url`.
    #[must_use]
    pub fn with_url<M: QueueMessage>(mut self, url: impl Into<String>) -> Self {
        self.urls.insert(M::QUEUE, url.into());
        self
    }

    /// Queues that remember what they were sent and fail where told, all of them configured.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn recording() -> (Self, Recording) {
        Self::recording_with(matome_domain::fault::Faults::none())
    }

    /// As [`Queues::recording`]; asks `faults` at `queue.send.before` and `queue.send.after` each
    /// request: a crash before it leaves nothing queued, a crash after it leaves all of it queued.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn recording_with(faults: matome_domain::fault::Faults) -> (Self, Recording) {
        let recording = Recording::new(faults);
        let random = Arc::new(crate::random::SeededRandom::new(0));
        let queues =
            Self { transport: Transport::Recording(recording.clone()), urls: HashMap::new(), random };
        (queues, recording)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// [`QueueError`]; the message is not queued then, unless the answer was lost on the way.
    pub async fn send<M: QueueMessage>(&self, message: &M) -> Result<(), QueueError> {
        self.send_batch(std::slice::from_ref(message)).await
    }

    /// Sends one message that becomes visible after `delay` (whole seconds, at most
    /// [`MAX_DELAY`]; longer ones are cut to it).
    ///
    /// # Errors
    /// [`QueueError::DelayOnFifo`] on a FIFO queue; otherwise as [`Queues::send`].
    pub async fn send_delayed<M: QueueMessage>(
        &self,
        message: &M,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let queue = M::QUEUE;
        if queue.ends_with(".fifo") {
            return Err(QueueError::DelayOnFifo { queue });
        }
        let mut entry = Entry::of(message, 0, &*self.random)?;
        entry.delay = delay.min(MAX_DELAY);
        self.send_entries(queue, self.url(queue)?, vec![entry]).await
    }

    /// Sends messages in the order given, ten at a time at most.
    ///
    /// # Errors
    /// [`QueueError::Batch`] names those not queued: after the first ten of which one could not be
    /// queued, no more are sent, so that a FIFO group is not overtaken by its own later messages.
    pub async fn send_batch<M: QueueMessage>(&self, messages: &[M]) -> Result<(), QueueError> {
        self.send_to_url(self.url(M::QUEUE)?, messages).await
    }

    /// As [`Queues::send_batch`], to a tenant's own queue of that kind where `url` has one.
    ///
    /// # Errors
    /// As [`Queues::send_batch`].
    pub async fn send_batch_to<M: QueueMessage>(
        &self,
        url: Option<&str>,
        messages: &[M],
    ) -> Result<(), QueueError> {
        match url {
            Some(url) => self.send_to_url(url, messages).await,
            None => self.send_batch(messages).await,
        }
    }

    /// About how many messages a queue holds: waiting, being worked on, delayed. SQS counts on many
    /// machines: an answer may be a minute old.
    ///
    /// # Errors
    /// [`QueueError::Uncounted`].
    pub async fn held(&self, url: &str) -> Result<u64, QueueError> {
        match &self.transport {
            Transport::Sqs(client) => sqs::held(client, url).await,
            #[cfg(any(test, feature = "test-support"))]
            Transport::Recording(recording) => Ok(recording.held(url)),
        }
    }

    async fn send_to_url<M: QueueMessage>(&self, url: &str, messages: &[M]) -> Result<(), QueueError> {
        let entries = messages
            .iter()
            .enumerate()
            .map(|(index, message)| Entry::of(message, index, &*self.random))
            .collect::<Result<Vec<_>, _>>()?;
        self.send_entries(M::QUEUE, url, entries).await
    }

    fn url(&self, queue: &'static str) -> Result<&str, QueueError> {
        #[cfg(any(test, feature = "test-support"))]
        if matches!(self.transport, Transport::Recording(_)) {
            return Ok(self.urls.get(queue).map_or(queue, String::as_str));
        }
        self.urls.get(queue).map(String::as_str).ok_or(QueueError::NotConfigured { queue })
    }

    async fn send_entries(
        &self,
        queue: &'static str,
        url: &str,
        entries: Vec<Entry>,
    ) -> Result<(), QueueError> {
        let total = entries.len();
        let mut chunks = entry::chunks(entries).into_iter();
        while let Some(chunk) = chunks.next() {
            let (mut not_queued, codes) = self.send_chunk(queue, url, chunk).await?;
            if !not_queued.is_empty() {
                not_queued.extend(chunks.flatten().map(|entry| entry.index));
                not_queued.sort_unstable();
                return Err(BatchFailure { queue, total, not_queued, codes }.into());
            }
        }
        Ok(())
    }

    /// Sends one request's worth, again for what SQS may take later; returns the indices that
    /// stayed out and why. An entry taken late comes behind later ones of its group that were taken
    /// at once: SQS has no "all or none". LINE promises no order either, so the recorder has its own.
    async fn send_chunk(
        &self,
        queue: &'static str,
        url: &str,
        mut chunk: Vec<Entry>,
    ) -> Result<(Vec<usize>, Vec<String>), QueueError> {
        let mut out = Vec::new();
        let mut codes = Vec::new();
        for attempt in 0..=RETRIES {
            if attempt > 0 {
                tokio::time::sleep(self.random.jitter(BACKOFF * 2_u32.pow(attempt - 1))).await;
            }
            let refused = self.request(queue, url, &chunk).await?;
            let last = attempt == RETRIES;
            let mut again = Vec::new();
            for refusal in refused {
                if refusal.permanent || last {
                    out.push(chunk[refusal.position].index);
                    if !codes.contains(&refusal.code) {
                        codes.push(refusal.code);
                    }
                } else {
                    again.push(refusal.position);
                }
            }
            if again.is_empty() {
                break;
            }
            let mut position = 0;
            chunk.retain(|_| {
                position += 1;
                again.contains(&(position - 1))
            });
        }
        Ok((out, codes))
    }

    async fn request(
        &self,
        queue: &'static str,
        url: &str,
        chunk: &[Entry],
    ) -> Result<Vec<Refusal>, QueueError> {
        metrics::counter!("SqsSendRequests").increment(1);
        match &self.transport {
            Transport::Sqs(client) => sqs::send(client, queue, url, chunk).await,
            #[cfg(any(test, feature = "test-support"))]
            Transport::Recording(recording) => recording.send(queue, url, chunk),
        }
    }
}

#[cfg(test)]
mod tests;
