//! A bounded in-memory cache with expiry and single flight. Written here because its time is the
//! injected [`Clock`], which the caches on the registry do not take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use matome_domain::clock::{Clock, Timestamp};

/// Values by key, each until its own time.
pub(crate) struct Cache<V> {
    clock: Arc<dyn Clock>,
    capacity: usize,
    slots: Mutex<HashMap<String, Arc<Slot<V>>>>,
}

/// One key's place; its lock is held while the value is fetched, so that many askers cause one fetch.
struct Slot<V> {
    value: tokio::sync::Mutex<Option<Held<V>>>,
    asked: Mutex<Timestamp>,
}

struct Held<V> {
    value: V,
    loaded: Timestamp,
    until: Timestamp,
}

/// A value and whether it was there already.
pub(crate) struct Found<V> {
    pub(crate) value: V,
    pub(crate) hit: bool,
}

impl<V: Clone> Cache<V> {
    pub(crate) fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, slots: Mutex::default() }
    }

    /// The cached value, or what `load` gives; `load` says for how long it may be kept. An error is
    /// not kept.
    pub(crate) async fn get_or_load<E>(
        &self,
        key: &str,
        load: impl Future<Output = Result<(V, Duration), E>>,
    ) -> Result<Found<V>, E> {
        let slot = self.slot(key);
        let mut held = slot.value.lock().await;
        if let Some(Held { value, until, .. }) = &*held
            && self.clock.now() < *until
        {
            return Ok(Found { value: value.clone(), hit: true });
        }
        let (value, keep) = load.await?;
        let loaded = self.clock.now();
        *held = Some(Held { value: value.clone(), loaded, until: loaded.plus(keep) });
        Ok(Found { value, hit: false })
    }

    /// Forgets a key whose value was loaded at least `age` ago; whether it did.
    pub(crate) async fn forget_older(&self, key: &str, age: Duration) -> bool {
        let slot = self.slot(key);
        let mut held = slot.value.lock().await;
        let is_older = held.as_ref().is_some_and(|held| self.clock.now().since(held.loaded) >= age);
        if is_older {
            *held = None;
        }
        is_older
    }

    /// Forgets a key.
    pub(crate) fn forget(&self, key: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn slot(&self, key: &str) -> Arc<Slot<V>> {
        let now = self.clock.now();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            *slot.asked.lock().unwrap_or_else(PoisonError::into_inner) = now;
            return Arc::clone(slot);
        }
        if slots.len() >= self.capacity {
            // Least recently asked for goes. A scan, but only when full, and capacities are small.
            let oldest = slots
                .iter()
                .min_by_key(|(_, slot)| *slot.asked.lock().unwrap_or_else(PoisonError::into_inner))
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                slots.remove(&oldest);
            }
        }
        let slot = Arc::new(Slot { value: tokio::sync::Mutex::new(None), asked: Mutex::new(now) });
        slots.insert(key.to_owned(), Arc::clone(&slot));
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::clock::ManualClock;

    const KEEP: Duration = Duration::from_secs(60);

    fn cache(capacity: usize) -> (Arc<ManualClock>, Cache<u32>) {
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        (clock.clone(), Cache::new(clock, capacity))
    }

    async fn hit(cache: &Cache<u32>, key: &str) -> bool {
        cache.get_or_load(key, async { Ok::<_, Infallible>((1, KEEP)) }).await.unwrap().hit
    }

    #[tokio::test]
    async fn a_value_is_kept_for_its_time_and_no_longer() {
        let (clock, cache) = cache(8);
        assert!(!hit(&cache, "a").await);
        clock.advance(KEEP - Duration::from_millis(1));
        assert!(hit(&cache, "a").await);
        clock.advance(Duration::from_millis(1));
        assert!(!hit(&cache, "a").await);
    }

    #[tokio::test]
    async fn an_error_is_not_kept() {
        let (_, cache) = cache(8);
        let failed = cache.get_or_load("a", async { Err::<(u32, Duration), _>("down") }).await;
        assert_eq!(failed.err(), Some("down"));
        assert!(!hit(&cache, "a").await);
    }

    #[tokio::test]
    async fn the_least_recently_asked_goes_when_full() {
        let (clock, cache) = cache(2);
        for key in ["a", "b", "a", "c"] {
            hit(&cache, key).await;
            clock.advance(Duration::from_millis(1));
        }
        assert_eq!(cache.slots.lock().unwrap().len(), 2);
        assert!(hit(&cache, "a").await);
        assert!(!hit(&cache, "b").await);
    }

    #[tokio::test]
    async fn many_askers_cause_one_load() {
        let (_, cache) = cache(8);
        let loads = AtomicU32::new(0);
        let ask = || {
            cache.get_or_load("a", async {
                loads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, Infallible>((1, KEEP))
            })
        };
        futures::future::join_all((0..20).map(|_| ask())).await;
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn only_what_is_old_enough_is_forgotten() {
        let (clock, cache) = cache(8);
        assert!(!cache.forget_older("a", Duration::ZERO).await);
        hit(&cache, "a").await;
        clock.advance(Duration::from_secs(4));
        assert!(!cache.forget_older("a", Duration::from_secs(5)).await);
        assert!(hit(&cache, "a").await);
        clock.advance(Duration::from_secs(1));
        assert!(cache.forget_older("a", Duration::from_secs(5)).await);
        assert!(!hit(&cache, "a").await);
    }

    #[tokio::test]
    async fn a_forgotten_key_is_loaded_again() {
        let (_, cache) = cache(8);
        hit(&cache, "a").await;
        cache.forget("a");
        assert!(!hit(&cache, "a").await);
    }
}
