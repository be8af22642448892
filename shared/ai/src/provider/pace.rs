//! Waiting between attempts: exponential, with jitter so that many functions that failed together
//! do not come back together. Injected, so that tests neither wait nor roll dice.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// How time passes between attempts.
pub trait Pace: Send + Sync + 'static {
    /// A number from 0 to 1, another each time.
    fn jitter(&self) -> f64;
    /// Waits.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Real time, real dice.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealPace;

impl Pace for RealPace {
    fn jitter(&self) -> f64 {
        rand::random()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);

/// How long to wait before attempt `retry` (1 is the first repeat): half of it fixed, half by dice.
/// The provider's own wish counts as a minimum, but not beyond [`LONGEST`]: a function's time is money.
pub(crate) fn wait(retry: u32, jitter: f64, wish: Option<Duration>) -> Duration {
    let grown =
        FIRST.saturating_mul(1_u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX)).min(LONGEST);
    let own = grown.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
    own.max(wish.unwrap_or_default()).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_limits_and_honour_the_provider() {
        assert_eq!(wait(1, 1.0, None), Duration::from_millis(500));
        assert_eq!(wait(1, 0.0, None), Duration::from_millis(250));
        assert_eq!(wait(3, 1.0, None), Duration::from_secs(2));
        assert_eq!(wait(60, 1.0, None), LONGEST);
        assert_eq!(wait(1, 0.0, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(wait(1, 0.0, Some(Duration::from_secs(900))), LONGEST);
    }
}
