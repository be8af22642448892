//! What one message looks like to SQS, and how messages are cut into requests. Pure.

use std::time::Duration;

use aws_lc_rs::digest;
use matome_domain::queue::QueueMessage;

use super::{MAX_BYTES, MAX_ENTRIES, QueueError};
use crate::random::Random;

/// SQS's limit for group and deduplication ids, in characters.
const MAX_ID: usize = 128;

/// One message, ready to be sent as often as needed: its deduplication id does not change.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its place in the slice the caller gave.
    pub(super) index: usize,
    pub(super) body: String,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    pub(super) delay: Duration,
}

impl Entry {
    pub(super) fn of<M: QueueMessage>(
        message: &M,
        index: usize,
        random: &dyn Random,
    ) -> Result<Self, QueueError> {
        let queue = M::QUEUE;
        let body =
            serde_json::to_string(message).map_err(|source| QueueError::Serialize { queue, source })?;
        let body = escape_noncharacters(body);
        if body.len() > MAX_BYTES {
            return Err(QueueError::TooLarge { queue, index, bytes: body.len() });
        }
        let fifo = queue.ends_with(".fifo");
        let deduplication = || message.deduplication_id().unwrap_or_else(|| random.uuid().to_string());
        Ok(Self {
            index,
            body,
            group: message.group_id().map(short),
            deduplication: fifo.then(deduplication).map(short),
            delay: Duration::ZERO,
        })
    }
}

/// SQS takes the characters of XML 1.0. JSON escapes the control characters that XML lacks, but
/// not these two, and one of them in a chat must not make its event impossible to queue.
fn escape_noncharacters(json: String) -> String {
    if json.contains(['\u{fffe}', '\u{ffff}']) {
        json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        json
    }
}

/// An id SQS takes: a longer one becomes its digest, which is as good for telling two apart.
fn short(id: String) -> String {
    if id.len() <= MAX_ID {
        return id;
    }
    digest::digest(&digest::SHA256, id.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Cuts entries into requests of at most [`MAX_ENTRIES`] and [`MAX_BYTES`], in order.
pub(super) fn chunks(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut chunks: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < MAX_ENTRIES && bytes + entry.body.len() <= MAX_BYTES => {
                bytes += entry.body.len();
                chunk.push(entry);
            }
            _ => {
                bytes = entry.body.len();
                chunks.push(vec![entry]);
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sizes: &[usize]) -> Vec<Entry> {
        let entry = |(index, size): (usize, &usize)| Entry {
            index,
            body: "x".repeat(*size),
            group: None,
            deduplication: None,
            delay: Duration::ZERO,
        };
        sizes.iter().enumerate().map(entry).collect()
    }

    fn cut(sizes: &[usize]) -> Vec<Vec<usize>> {
        chunks(entries(sizes)).into_iter().map(|c| c.into_iter().map(|e| e.index).collect()).collect()
    }

    #[test]
    fn requests_keep_to_the_limits_and_the_order() {
        assert_eq!(cut(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(cut(&[1; 11]), vec![(0..10).collect::<Vec<_>>(), vec![10]]);
        assert_eq!(cut(&[MAX_BYTES, 1, MAX_BYTES - 1, 1]), vec![vec![0], vec![1, 2], vec![3]]);
    }

    #[test]
    fn characters_that_sqs_refuses_are_escaped_and_come_back() {
        let text = "a\u{fffe}b\u{ffff}c\u{0}d";
        let escaped = escape_noncharacters(serde_json::to_string(text).unwrap());
        assert!(escaped.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }

    #[test]
    fn a_long_id_becomes_its_digest() {
        assert_eq!(short("x".repeat(128)), "x".repeat(128));
        let long = short("x".repeat(129));
        assert_eq!(long.len(), 64);
        assert_ne!(long, short("x".repeat(130)));
    }
}
