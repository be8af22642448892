//! Stops all writes of one tenant in a placement, at the server, while every other tenant goes on.
//!
//! A process may believe in an outdated directory for as long as its cache lasts, or longer if it was
//! frozen; no waiting is long enough to be sure. So the server itself refuses: the validator of each of
//! the tenant's collections excludes its id, and inserts, updates, upserts, replacements and bulk writes
//! fail from the moment `collMod` returns, inside transactions as well ([`StoreError::Fenced`]).
//! `collMod` takes the collection exclusively: a transaction that has touched it is waited for, one that
//! comes later sees the fence. A transaction that has written elsewhere and meets the fence fails whole.
//!
//! Deletes pass: validators look at what is written. Matome deletes tenants' documents by TTL and by
//! erasing whole tenants only, and a move ([`crate::relocate`]) bears with both.

use bson::{Bson, Document};

use crate::entities::tenant_declarations;
use crate::error::StoreError;
use crate::store::TenantStore;
use crate::validators::{self, Change};

impl TenantStore {
    /// Makes the server refuse every further write of this tenant here. Once this has returned, none
    /// succeeds, whoever sends it. Harmless when repeated.
    ///
    /// # Errors
    /// [`StoreError`]; the tenant may then be fenced in some of its collections: repeat it, or
    /// [`Self::unfence`].
    pub async fn fence(&self) -> Result<(), StoreError> {
        self.change_validators(Change::Fence(&self.tenant)).await
    }

    /// Lets writes of this tenant pass again. Harmless when there is no fence; makes no collections.
    ///
    /// # Errors
    /// [`StoreError`]; repeat it.
    pub async fn unfence(&self) -> Result<(), StoreError> {
        self.change_validators(Change::Unfence(&self.tenant)).await
    }

    /// Whether every collection of the tenant is fenced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_fenced(&self) -> Result<bool, StoreError> {
        Ok(self.count_fences().await? == tenant_declarations().len())
    }

    /// In how many of its collections the tenant is fenced.
    pub(crate) async fn count_fences(&self) -> Result<usize, StoreError> {
        let declarations = tenant_declarations();
        let collections: Vec<_> = declarations.iter().map(|d| (self.name_of(d), d)).collect();
        validators::count_fences(&self.database, &collections, &self.tenant).await
    }

    pub(crate) async fn change_validators(&self, change: Change<'_>) -> Result<(), StoreError> {
        let declarations = tenant_declarations();
        let collections: Vec<_> = declarations.iter().map(|d| (self.name_of(d), d)).collect();
        validators::bring_about(&self.database, &collections, change).await
    }
}

/// Whether the server's account of a failed validation (`errInfo`) names the fence: the only part of
/// our validators that says `$nin`.
pub(crate) fn refused(account: &Document) -> bool {
    account.iter().any(|(key, value)| match value {
        Bson::String(text) => key == "operatorName" && text == "$nin",
        Bson::Document(inner) => refused(inner),
        Bson::Array(list) => list.iter().filter_map(Bson::as_document).any(refused),
        _ => false,
    })
}
