//! All documents of a tenant in one place, for whoever backs up or erases a tenant: read untouched,
//! counted, erased.

use std::collections::BTreeMap;

use bson::raw::RawDocumentBuf;
use bson::{Document, doc};

use crate::entities::tenant_declarations;
use crate::relocate::checkpoint::Budget;
use crate::relocate::clean_up;
use crate::relocate::error::RelocateError;
use crate::relocate::place::{Id, Place};
use crate::schema::Declaration;
use crate::store::TenantStore;

/// Some of a tenant's documents as they are stored, and the key to go on after.
#[derive(Debug, Clone, PartialEq)]
pub struct RawPage {
    /// A thousand, or 8 MB, at most.
    pub documents: Vec<RawDocumentBuf>,
    /// Absent after the last ones.
    pub next: Option<Document>,
}

/// The documents of one collection after the key `after`; from the first one without.
///
/// # Errors
/// [`RelocateError`].
pub async fn page(
    store: &TenantStore,
    declaration: &Declaration,
    after: Option<&Document>,
) -> Result<RawPage, RelocateError> {
    let page = Place::new(store, declaration).page(after).await?;
    Ok(RawPage { documents: page.documents, next: page.next })
}

/// How many documents the tenant has in a place, by collection.
///
/// # Errors
/// [`RelocateError`].
pub async fn count(store: &TenantStore) -> Result<BTreeMap<&'static str, u64>, RelocateError> {
    let mut counts = BTreeMap::new();
    for declaration in &tenant_declarations() {
        let place = Place::new(store, declaration);
        let of_tenant = doc! { "tenantId": place.tenant() };
        counts.insert(declaration.collection, place.documents().count_documents(of_tenant).await?);
    }
    Ok(counts)
}

/// Erases the tenant's documents and leaves collections, and a fence, as they are; `false` when the
/// budget was spent before the end.
///
/// # Errors
/// [`RelocateError`].
pub async fn erase_documents(store: &TenantStore, budget: &mut Budget<'_>) -> Result<bool, RelocateError> {
    for declaration in &tenant_declarations() {
        let place = Place::new(store, declaration);
        loop {
            let page = place.page(None).await?;
            if page.documents.is_empty() {
                break;
            }
            let ids: Vec<Id> = page.documents.iter().map(|d| Id::of(d)).collect::<Result<_, _>>()?;
            place.remove(&ids).await?;
            budget.spend();
            if budget.is_spent() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Erases whatever a place has of the tenant: documents, collections and a database of its own, a
/// fence, what moves wrote down. Only for a tenant that nobody can reach any more. `false` when the
/// budget was spent before the end.
///
/// # Errors
/// [`RelocateError`].
pub async fn erase_place(store: &TenantStore, budget: &mut Budget<'_>) -> Result<bool, RelocateError> {
    if !clean_up::empty(store, budget).await? {
        return Ok(false);
    }
    store.unfence().await?;
    Ok(true)
}
