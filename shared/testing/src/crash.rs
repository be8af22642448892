//! Crashes at step boundaries: first find them all, then die once at each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use matome_domain::fault::Faults;

/// The boundaries a run came by.
#[derive(Debug, Clone, Default)]
pub struct Boundaries(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Boundaries {
    /// Faults that only take notes.
    #[must_use]
    pub fn watch(&self) -> Faults {
        let seen = Arc::clone(&self.0);
        Faults::at(move |name| {
            *seen.lock().expect("no test panics while it holds this").entry(name).or_default() += 1;
            false
        })
    }

    /// Every boundary that was come by, as often as it was: `(name, which time, from 1)`.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, usize)> {
        let seen = self.0.lock().expect("no test panics while it holds this");
        seen.iter().flat_map(|(name, times)| (1..=*times).map(|time| (*name, time))).collect()
    }
}

/// Dies when `boundary` is come by for the `time`-th time, and never again.
#[must_use]
pub fn once_at(boundary: &'static str, time: usize) -> Faults {
    let count = AtomicUsize::new(0);
    Faults::at(move |name| name == boundary && count.fetch_add(1, Ordering::SeqCst) + 1 == time)
}
