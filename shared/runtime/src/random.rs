//! Randomness that is handed in, so that a test can have the same "random" ids twice.

use std::time::Duration;

use uuid::Uuid;

/// A source of random bytes and what is made of them.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// A version 4 UUID.
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A duration in `0..=max`, to spread retries ("full jitter").
    fn jitter(&self, max: Duration) -> Duration {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        max.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }
}

/// The operating system's random source, fit for keys and nonces.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("aws-lc aborts rather than run out of entropy");
    }
}

/// The same sequence for the same seed: for tests only, never for keys.
#[cfg(any(test, feature = "test-support"))]
#[derive(Debug)]
pub struct SeededRandom(std::sync::Mutex<u64>);

#[cfg(any(test, feature = "test-support"))]
impl SeededRandom {
    /// Starts the sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(std::sync::Mutex::new(seed))
    }

    /// The next number of the sequence (SplitMix64).
    pub fn next_u64(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; `bound` must not be 0.
    pub fn below(&self, bound: usize) -> usize {
        // usize is 64 bits wide on both of Lambda's architectures.
        (self.next_u64() % bound as u64) as usize
    }
}

#[cfg(any(test, feature = "test-support"))]
impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_ids_differ_and_are_version_4() {
        let (a, b) = (SystemRandom.uuid(), SystemRandom.uuid());
        assert_ne!(a, b);
        assert_eq!(a.get_version_num(), 4);
    }

    #[test]
    fn a_seed_repeats_itself() {
        assert_eq!(SeededRandom::new(7).uuid(), SeededRandom::new(7).uuid());
        assert_ne!(SeededRandom::new(7).uuid(), SeededRandom::new(8).uuid());
    }

    #[test]
    fn jitter_stays_in_its_bounds() {
        let (random, max) = (SeededRandom::new(1), Duration::from_millis(100));
        let all: Vec<_> = (0..100).map(|_| random.jitter(max)).collect();
        assert!(all.iter().all(|d| *d <= max));
        assert!(all.iter().any(|d| *d > max / 2) && all.iter().any(|d| *d < max / 2));
    }
}
