//! Crashes at step boundaries: first find them all, then die once at each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bson::oid::ObjectId;
use bson::{Bson, Document};
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

    /// Faults that take notes, and die at each boundary the first time it is come by.
    #[must_use]
    pub fn die_once_at_each(&self) -> Faults {
        let seen = Arc::clone(&self.0);
        Faults::at(move |name| {
            let mut seen = seen.lock().expect("no test panics while it holds this");
            let times = seen.entry(name).or_default();
            *times += 1;
            *times == 1
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

/// What ids that differ from run to run stand for, such as "session 2".
#[derive(Debug, Default)]
pub struct Names(BTreeMap<ObjectId, String>);

impl Names {
    /// Gives an id its name.
    pub fn give(&mut self, id: ObjectId, name: impl Into<String>) {
        self.0.insert(id, name.into());
    }

    /// The document with names in the place of ids: two runs that filed the same thing under the same things
    /// come to the same. An id that has no name is `?`.
    #[must_use]
    pub fn put_into(&self, document: Document) -> Document {
        document.into_iter().map(|(field, value)| (field, self.put_into_value(value))).collect()
    }

    fn put_into_value(&self, value: Bson) -> Bson {
        match value {
            Bson::ObjectId(id) => Bson::String(self.0.get(&id).cloned().unwrap_or_else(|| "?".to_owned())),
            Bson::Document(document) => Bson::Document(self.put_into(document)),
            Bson::Array(values) => {
                values.into_iter().map(|value| self.put_into_value(value)).collect::<Vec<_>>().into()
            }
            other => other,
        }
    }
}
