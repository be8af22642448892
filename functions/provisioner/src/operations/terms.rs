//! What an organization and its owner may use, by the plan in force.

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::plan::Terms;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{Organization, OrganizationStatus, Owner};
use matome_store::time::date;
use matome_store::value::to_bson;

use crate::error::ProvisionError;
use crate::step::Work;

/// The fields of an organization that are a copy of its plan.
pub(super) fn copied(terms: &Terms) -> Result<Document, StoreError> {
    Ok(doc! { "limits": encode(&terms.limits)?, "features": encode(&terms.features)? })
}

/// An owner's plan is the highest that is in force among its organizations.
pub(super) async fn owner(work: &Work<'_>, id: ObjectId) -> Result<(), ProvisionError> {
    let platform = work.context.tenants.platform();
    let organizations = platform.platform_collection::<Organization>();
    let offboarded = to_bson(&OrganizationStatus::Offboarded)?;
    let filter = doc! { "ownerId": id, "status": { "$ne": offboarded } };
    let owned = organizations.find(filter).await.map_err(StoreError::from)?;
    let owned: Vec<Organization> = owned.try_collect().await.map_err(StoreError::from)?;
    let plan = owned.iter().map(Organization::plan).max().unwrap_or_default();
    let set = doc! {
        "plan": plan.as_str(),
        "limits": encode(&platform.terms(plan).await?.owner_limits)?,
        "updatedAt": date(work.context.clock.now()),
    };
    let changes = doc! { "_id": id, "plan": { "$ne": plan.as_str() } };
    let owners = platform.platform_collection::<Owner>();
    owners.update_one(changes, doc! { "$set": set, "$inc": { "__v": 1 } }).await.map_err(StoreError::from)?;
    Ok(())
}
