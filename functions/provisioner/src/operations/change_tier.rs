//! Another tier: its limits and terms, and the placement that goes with it, up or down. What is over the
//! new limits stays and is flagged (`matome_domain::limits`).

use bson::doc;
use futures::TryStreamExt;
use matome_domain::tier::Tier;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{Organization, OrganizationStatus, Owner};
use matome_store::time::date;
use matome_store::value::to_bson;
use matome_tenancy::operations::{ChangeTier, Request};

use super::relocate::{Spot, check_route, move_steps, refused};
use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Step, Work};

/// The tier is written last: a move that is taken back leaves everything as it was.
pub(super) const STEPS: &[Step] = move_steps!(check, terms => terms);

fn tier(work: &Work<'_>) -> Result<Tier, ProvisionError> {
    let input = ChangeTier::from_document(&work.operation.input);
    Ok(input.map_err(|_| refused("tier", "must be free, basic, pro or enterprise"))?.tier)
}

/// A tenant that an operator placed elsewhere than its tier does stays there, unless the new tier has
/// another placement than the old one.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let tier = tier(work)?;
    let organization = standing::organization(work.context, work.tenant).await?;
    let same = organization.tier.placement() == tier.placement();
    let placement = if same { organization.placement } else { tier.placement() };
    let to = Spot { placement, cell: organization.cell.clone() };
    let mut detail = check_route(work, &organization, to, tier).await?.detail()?;
    detail.insert("tier", organization.tier.as_str());
    Ok(Progress::Done(detail))
}

/// Gives the organization what the tier brings now. One that had the tier already keeps what it has, for
/// an operator may have agreed on other limits.
async fn terms(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let tier = tier(work)?;
    let before = work.operation.detail("check").and_then(|check| check.get_str("tier").ok());
    if before == Some(tier.as_str()) {
        return Ok(Progress::done());
    }
    let platform = work.context.tenants.platform();
    let terms = platform.terms(tier).await?;
    let now = date(work.context.clock.now());
    let mut set = doc! {
        "tier": tier.as_str(),
        "limits": encode(&terms.limits)?,
        "auditRetentionDays": terms.audit_retention_days,
        "updatedAt": now,
    };
    let organization = standing::organization(work.context, work.tenant).await?;
    if terms.audit_retention_days > organization.audit_retention_days {
        set.insert("auditKeptSince", now);
    }
    standing::change_organization(work.context, work.tenant, set, &[]).await?;
    work.context.faults.boundary("terms.organization")?;
    owner(work, organization.owner_id).await?;
    Ok(Progress::Done(doc! { "from": before, "to": tier.as_str() }))
}

/// An owner's plan is the highest tier among its organizations.
async fn owner(work: &Work<'_>, id: bson::oid::ObjectId) -> Result<(), ProvisionError> {
    let platform = work.context.tenants.platform();
    let organizations = platform.platform_collection::<Organization>();
    let offboarded = to_bson(&OrganizationStatus::Offboarded)?;
    let filter = doc! { "ownerId": id, "status": { "$ne": offboarded } };
    let owned = organizations.find(filter).await.map_err(StoreError::from)?;
    let owned: Vec<Organization> = owned.try_collect().await.map_err(StoreError::from)?;
    let plan = owned.iter().map(|organization| organization.tier).max().unwrap_or_default();
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
