//! The end of an audit trail, remembered before retention takes it: a trail in which nothing is written for as
//! long as its entries are kept loses all of them, and would begin anew.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::clock::Timestamp;

use crate::collection::encode;
use crate::entities::{AuditEntry, AuditRecord, AuditTail, Organization};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::{Store, TenantStore};
use crate::time::date;
use crate::transaction::LookUp;

/// An end is remembered so long before it goes: longer than the scheduler is ever down.
const BEFORE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl AuditTail {
    /// An entry as it is remembered.
    #[must_use]
    pub fn of(record: &AuditRecord) -> Self {
        Self { seq: record.seq, hash: record.hash.clone(), written_at: record.created_at.into() }
    }
}

/// The newest entry of the audit trail as [`AuditTail`], if retention takes it soon.
pub(crate) fn look_up(store: &TenantStore, now: Timestamp, into: &'static str) -> LookUp {
    LookUp::of::<AuditEntry>(store, doc! {}, into)
        .then(doc! { "$sort": { "seq": -1 } })
        .then(doc! { "$limit": 1 })
        .then(doc! { "$match": { "expiresAt": { "$lt": date(now.plus(BEFORE)) } } })
        .then(doc! { "$project": { "_id": 0, "seq": 1, "hash": 1, "writtenAt": "$createdAt" } })
}

impl Store {
    /// Remembers the end of an organization's trail, unless a later one is known. Leaves `updatedAt` and `__v`
    /// alone: nobody's edit is to collide with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember_audit_tail(
        &self,
        organization: ObjectId,
        tail: &AuditTail,
    ) -> Result<(), StoreError> {
        let earlier = doc! {
            "_id": organization,
            "$or": [{ "auditTail": null }, { "auditTail.seq": { "$lt": tail.seq } }],
        };
        let organizations = self.platform().collection::<Document>(Organization::COLLECTION);
        organizations.update_one(earlier, doc! { "$set": { "auditTail": encode(tail)? } }).await?;
        Ok(())
    }
}
