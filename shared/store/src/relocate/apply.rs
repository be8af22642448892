//! Brings documents of the source to the target as they are now: what copying collides with,
//! following and repairing all come down to.

use std::collections::BTreeSet;

use crate::relocate::checkpoint::Budget;
use crate::relocate::error::RelocateError;
use crate::relocate::place::{Id, Place};
use crate::schema::Declaration;
use crate::store::TenantStore;

/// How often documents that stand in each other's way are sorted out.
const ATTEMPTS: u32 = 8;

/// The same collection on both sides.
pub(super) struct Pair<'a> {
    pub(super) source: Place<'a>,
    pub(super) target: Place<'a>,
}

impl<'a> Pair<'a> {
    pub(super) fn new(source: &'a TenantStore, target: &'a TenantStore, of: &'a Declaration) -> Self {
        Self { source: Place::new(source, of), target: Place::new(target, of) }
    }

    /// Both sides are gone through in pages as large as the budget wants them.
    pub(super) fn in_pages_of(mut self, budget: &Budget<'_>) -> Self {
        (self.source.page_size, self.target.page_size) = (budget.page_size, budget.page_size);
        self
    }

    pub(super) fn collection(&self) -> &'static str {
        self.source.declaration.collection
    }

    /// Makes the target have these documents as the source has them now: replaced, or removed. How
    /// many the source has.
    ///
    /// The target is put together of documents read at different times, so that two of them can
    /// claim one unique key (a room's open session: the old one, read before it closed, and the new
    /// one). Whoever holds a key in the way is itself out of date: it is taken out and read again.
    pub(super) async fn refresh(&self, ids: BTreeSet<Id>) -> Result<u64, RelocateError> {
        let mut ids = ids;
        for _ in 0..ATTEMPTS {
            let current = self.source.get(&ids).await?;
            let gone: Vec<&Id> = ids.iter().filter(|id| !current.contains_key(id)).collect();
            if !gone.is_empty() {
                self.target.remove(gone).await?;
            }
            let holders = self.target.put(&current).await?;
            if holders.is_empty() {
                return Ok(current.len() as u64);
            }
            self.target.remove(&holders).await?;
            ids.extend(holders);
        }
        Err(RelocateError::Conflict { collection: self.collection() })
    }

    /// Of these ids, those the target has otherwise than the source, or only one side has.
    pub(super) async fn differing(&self, ids: &BTreeSet<Id>) -> Result<BTreeSet<Id>, RelocateError> {
        let (ours, theirs) = futures::try_join!(self.source.get(ids), self.target.get(ids))?;
        Ok(ids.iter().filter(|id| ours.get(id) != theirs.get(id)).cloned().collect())
    }
}
