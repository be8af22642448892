//! The end of an audit trail, remembered before retention takes it: a trail in which nothing is written for as
//! long as its entries are kept loses all of them, and would begin anew.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::clock::Timestamp;

use crate::collection::encode;
use crate::entities::{AuditEntry, AuditRecord, AuditTail, Organization};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::{Store, TenantStore};

impl AuditTail {
    /// An entry as it is remembered.
    #[must_use]
    pub fn of(record: &AuditRecord) -> Self {
        Self { seq: record.seq, hash: record.hash.clone(), written_at: record.created_at.into() }
    }
}

impl TenantStore {
    /// The newest entry of the audit trail, if retention takes it before `until`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expiring_audit_tail(&self, until: Timestamp) -> Result<Option<AuditTail>, StoreError> {
        let entries = self.collection::<AuditEntry>();
        let newest = entries.inner.find_one(entries.scoped(doc! {})).sort(doc! { "seq": -1 }).await?;
        let expiring = newest.filter(|entry| entry.record.expires_at < until.into());
        Ok(expiring.map(|entry| AuditTail::of(&entry.record)))
    }
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
