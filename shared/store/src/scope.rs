//! What may not be asked of a tenant's collections, because it could reach beyond the tenant.
//!
//! Reading is kept inside by the filter, to which `tenantId` is added: whatever else it says is asked
//! on top of that. A write could still *give* a document to another tenant, by naming it in the
//! document or in an update, and a stage of a pipeline could read or write another collection.
//! Both are refused before anything is sent.

use bson::{Bson, Document};
use matome_domain::ids::TenantId;

use crate::error::StoreError;

/// The field that says whose a document is.
pub(crate) const TENANT: &str = "tenantId";

/// Operators that may write the tenant's own id into its own documents.
const SETTERS: [&str; 2] = ["$set", "$setOnInsert"];

/// Stages that see nothing but the documents they are given. A join is [`crate::transaction::LookUp::join`].
const STAGES: [&str; 11] = [
    "$addFields",
    "$count",
    "$group",
    "$limit",
    "$match",
    "$project",
    "$set",
    "$setWindowFields",
    "$skip",
    "$sort",
    "$unwind",
];

/// A document that is to be stored says whose it is, and is the tenant's.
pub(crate) fn check_document(
    tenant: &TenantId,
    collection: &str,
    document: &Document,
) -> Result<(), StoreError> {
    if document.get(TENANT).is_some_and(|id| is(tenant, id)) {
        return Ok(());
    }
    Err(beyond(collection, TENANT))
}

/// An update leaves whose the document is as it is. One without operators is a whole document.
pub(crate) fn check_update(tenant: &TenantId, collection: &str, update: &Document) -> Result<(), StoreError> {
    if !update.keys().any(|key| key.starts_with('$')) {
        return check_document(tenant, collection, update);
    }
    for (operator, fields) in update {
        // Anything but a document is refused by the server.
        for (path, value) in fields.as_document().into_iter().flatten() {
            let own = path == TENANT && SETTERS.contains(&operator.as_str()) && is(tenant, value);
            let renamed = operator == "$rename" && value.as_str().is_some_and(names_tenant);
            if renamed || (names_tenant(path) && !own) {
                return Err(beyond(collection, &format!("{operator}.{TENANT}")));
            }
        }
    }
    Ok(())
}

/// A stage sees nothing but the documents it is given.
pub(crate) fn check_stage(collection: &str, stage: &Document) -> Result<(), StoreError> {
    match stage.keys().find(|key| !STAGES.contains(&key.as_str())) {
        None => Ok(()),
        Some(name) => Err(beyond(collection, name)),
    }
}

fn is(tenant: &TenantId, id: &Bson) -> bool {
    id.as_str() == Some(tenant.as_str())
}

fn names_tenant(path: &str) -> bool {
    path.strip_prefix(TENANT).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn beyond(collection: &str, field: &str) -> StoreError {
    StoreError::BeyondTenant { collection: collection.to_owned(), field: field.to_owned() }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn update(update: Document) -> Result<(), String> {
        let tenant = TenantId::new("ours").unwrap();
        check_update(&tenant, "rooms", &update).map_err(|e| e.to_string())
    }

    #[test]
    fn the_tenants_own_id_may_be_written_and_no_other() {
        for fine in [
            doc! { "$set": { "name": "x", "tenantIdea": 1, "settings.tenantId": "theirs" }, "$inc": { "n": 1 } },
            doc! { "$set": { "tenantId": "ours" } },
            doc! { "$setOnInsert": { "tenantId": "ours" } },
            doc! { "tenantId": "ours", "name": "whole" },
        ] {
            assert_eq!(update(fine.clone()), Ok(()), "{fine}");
        }
        for (forged, field) in [
            (doc! { "$set": { "tenantId": "theirs" } }, "$set.tenantId"),
            (doc! { "$set": { "tenantId": ["ours"] } }, "$set.tenantId"),
            (doc! { "$set": { "tenantId.x": "ours" } }, "$set.tenantId"),
            (doc! { "$setOnInsert": { "tenantId": "theirs" } }, "$setOnInsert.tenantId"),
            (doc! { "$inc": { "n": 1 }, "$unset": { "tenantId": "" } }, "$unset.tenantId"),
            (doc! { "$max": { "tenantId": "ours" } }, "$max.tenantId"),
            (doc! { "$rename": { "name": "tenantId" } }, "$rename.tenantId"),
            (doc! { "$rename": { "tenantId": "name" } }, "$rename.tenantId"),
            (doc! { "tenantId": "theirs" }, "tenantId"),
            (doc! { "name": "nobody's" }, "tenantId"),
            (doc! {}, "tenantId"),
        ] {
            let told = format!("a request on rooms reaches beyond its tenant: {field}");
            assert_eq!(update(forged.clone()), Err(told), "{forged}");
        }
    }

    #[test]
    fn a_stage_that_reaches_other_collections_is_refused_by_name() {
        assert!(check_stage("rooms", &doc! { "$project": { "_id": 1 } }).is_ok());
        for name in
            ["$lookup", "$unionWith", "$graphLookup", "$facet", "$out", "$merge", "$documents", "$new"]
        {
            let refused = check_stage("rooms", &doc! { name: {} }).unwrap_err().to_string();
            assert!(refused.ends_with(name), "{refused}");
        }
    }
}
