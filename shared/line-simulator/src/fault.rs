//! What can be made to go wrong.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// Nothing is done; LINE answers with this status, such as 500.
    Status(u16),
    /// Nothing is done; 429 for too many calls, with `Retry-After` in seconds if given.
    RateLimited(Option<u32>),
    /// Nothing is done, and no answer ever comes: the caller runs into its timeout.
    Hang,
    /// Nothing is done, and the connection breaks.
    DropBefore,
    /// The call is done (a message is delivered), but the connection breaks before the answer.
    DropAfter,
}

/// Faults that wait for their calls.
#[derive(Debug, Default)]
pub(crate) struct Faults(HashMap<Endpoint, VecDeque<Fault>>);

impl Faults {
    pub(crate) fn add(&mut self, endpoint: Endpoint, fault: Fault, times: usize) {
        self.0.entry(endpoint).or_default().extend(std::iter::repeat_n(fault, times));
    }

    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        self.0.get_mut(&endpoint)?.pop_front()
    }
}
