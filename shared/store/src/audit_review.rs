//! Going through an organization's audit trail for its people: whether it is whole, and which changes were
//! begun of which nobody knows how they ended.

use std::collections::BTreeMap;

use bson::doc;
use futures::TryStreamExt;
use matome_domain::audit::{Known, Verdict, Verifier};

use crate::entities::{AuditEntry, AuditPhase};
use crate::error::StoreError;
use crate::store::TenantStore;
use crate::value::{Id, Time};

/// So many entries without an end are told at most.
const MOST_OPEN: usize = 100;

/// What going through has shown.
#[derive(Debug)]
pub struct Review {
    /// Whether it is whole.
    pub verdict: Verdict,
    /// The oldest entries that were begun before the given time and have no end, oldest first.
    pub without_end: Vec<AuditEntry>,
    /// How many there are of them.
    pub without_end_count: u64,
}

impl TenantStore {
    /// Goes through the whole trail in order, with one entry in memory at a time and those that have no end
    /// yet. An entry begun after `settled` may still be worked on and is not told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_audit(&self, known: Known, settled: Time) -> Result<Review, StoreError> {
        let entries = self.collection::<AuditEntry>();
        let mut entries = entries.inner.find(entries.scoped(doc! {})).sort(doc! { "seq": 1 }).await?;
        let mut verifier = Verifier::new(known);
        let mut open = BTreeMap::<i64, AuditEntry>::new();
        let mut places = std::collections::HashMap::<Id, i64>::new();
        while let Some(entry) = entries.try_next().await? {
            verifier.see(&entry);
            match (entry.record.phase, entry.record.begun_id) {
                (AuditPhase::Begun, _) => {
                    places.insert(entry.id, entry.record.seq);
                    open.insert(entry.record.seq, entry);
                }
                (AuditPhase::Ended, Some(begun)) => {
                    places.remove(&begun).and_then(|place| open.remove(&place));
                }
                (AuditPhase::Ended, None) => {}
            }
        }
        open.retain(|_, entry| entry.record.created_at < settled);
        Ok(Review {
            verdict: verifier.verdict(),
            without_end_count: u64::try_from(open.len()).unwrap_or(u64::MAX),
            without_end: open.into_values().take(MOST_OPEN).collect(),
        })
    }
}
