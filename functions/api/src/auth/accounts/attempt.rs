//! Attempts at a password or a code. One is counted before it is looked at, so that many at once are not
//! more than many in a row.

use bson::doc;
use matome_domain::access::lockout;
use matome_domain::clock::Timestamp;
use matome_store::entities::Credentials;
use matome_store::{Id, Time};

use super::{Accounts, AuthError};

/// Attempts that meet others this often are refused.
const COLLISIONS: usize = 5;

/// An attempt that may be made.
pub(super) struct Attempt {
    /// As they were before it.
    pub(super) credentials: Credentials,
    counted: i64,
}

impl Accounts {
    /// Counts an attempt at an account; `None` when none may be made now, or there is no such account.
    pub(super) async fn attempt(&self, account: Id) -> Result<Option<Attempt>, AuthError> {
        let (now, at) = self.now();
        for _ in 0..COLLISIONS {
            let found = self.credentials().find_one(doc! { "_id": account }).await?;
            let Some(credentials) = found else { return Ok(None) };
            if credentials.locked_until.is_some_and(|until| now < Timestamp::from(until)) {
                return Ok(None);
            }
            let counted = credentials.failed_attempts.saturating_add(1);
            let locked = lockout::locked_until(u32::try_from(counted).unwrap_or(u32::MAX), now);
            let mut set = doc! { "failedAttempts": counted, "lastFailedAt": at, "updatedAt": at };
            if let Some(until) = locked {
                set.insert("lockedUntil", Time::from(until));
            }
            let update = doc! { "$set": set };
            let filter = doc! { "_id": account, "failedAttempts": credentials.failed_attempts };
            if self.credentials().update_one(filter, update).await?.matched_count == 1 {
                return Ok(Some(Attempt { credentials, counted }));
            }
        }
        Ok(None)
    }

    /// It was right, and they are who they say: the count begins anew.
    pub(super) async fn succeeded(&self, attempt: &Attempt) -> Result<(), AuthError> {
        self.settle(attempt, 0).await
    }

    /// It was right, and a second factor is still awaited: what failed before still counts.
    pub(super) async fn half_succeeded(&self, attempt: &Attempt) -> Result<(), AuthError> {
        self.settle(attempt, attempt.credentials.failed_attempts).await
    }

    async fn settle(&self, attempt: &Attempt, count: i64) -> Result<(), AuthError> {
        // Another one that was counted in between stays counted.
        let filter = doc! { "_id": attempt.credentials.id, "failedAttempts": attempt.counted };
        let update =
            doc! { "$set": { "failedAttempts": count }, "$unset": { "lockedUntil": "", "lastFailedAt": "" } };
        self.credentials().update_one(filter, update).await?;
        Ok(())
    }
}
