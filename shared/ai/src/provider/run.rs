//! What one summary may spend and has spent. Parts of it are asked for at once: what a request will
//! take counts until it is known what it took.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Failure;

/// What a summary has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) requests: u32,
}

/// One summary being written.
pub(crate) struct Run {
    /// Tokens that may be spent; `None` = no limit.
    remaining: Option<u64>,
    account: Mutex<Account>,
}

#[derive(Default)]
struct Account {
    spent: Spent,
    /// Estimated tokens of requests without an answer yet.
    underway: u64,
}

/// A request without an answer yet.
pub(crate) struct Underway<'r> {
    run: &'r Run,
    estimate: u64,
}

impl Run {
    /// Nothing is spent yet.
    pub(crate) fn new(remaining: Option<u64>) -> Self {
        Self { remaining, account: Mutex::default() }
    }

    pub(crate) fn spent(&self) -> Spent {
        self.account().spent
    }

    /// Begins a request of about so many tokens, if they are left.
    pub(crate) fn begin(&self, estimate: u64) -> Result<Underway<'_>, Failure> {
        let mut account = self.account();
        let taken = account.spent.input_tokens + account.spent.output_tokens + account.underway;
        if self.remaining.is_some_and(|limit| taken + estimate > limit) {
            return Err(Failure::TokenLimit);
        }
        account.underway += estimate;
        account.spent.requests += 1;
        Ok(Underway { run: self, estimate })
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Underway<'_> {
    /// The answer came, and tells what it took.
    pub(crate) fn took(self, input_tokens: u64, output_tokens: u64) {
        let mut account = self.run.account();
        account.spent.input_tokens += input_tokens;
        account.spent.output_tokens += output_tokens;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.run.account().underway -= self.estimate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_underway_counts_until_it_is_known_what_it_took() {
        let run = Run::new(Some(1_000));
        let first = run.begin(600).ok().unwrap();
        assert!(matches!(run.begin(600), Err(Failure::TokenLimit)), "both together are too much");
        first.took(300, 50);
        let second = run.begin(600).ok().unwrap();
        drop(second);
        assert_eq!(run.spent(), Spent { input_tokens: 300, output_tokens: 50, requests: 2 });
        assert!(run.begin(650).is_ok());
        assert!(run.begin(651).is_err());
    }
}
