//! Waiting for what the functions do by themselves.

use std::time::{Duration, Instant};

/// Cold starts of unoptimized functions on a machine that also runs other tests.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks until `look` finds something.
///
/// # Panics
/// When it has not come after two minutes.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    panic!("{what}: not after {} s (see .local/stacks/e2e/logs)", PATIENCE.as_secs());
}
