//! Another tier: its limits and terms, and the placement that goes with it, up or down. What is over the
//! new limits stays and is flagged (`matome_domain::limits`).

use bson::doc;
use matome_domain::tier::Tier;
use matome_store::time::date;
use matome_tenancy::operations::{ChangeTier, Request};

use super::relocate::{Spot, check_route, move_steps, refused};
use super::terms;
use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Step, Work};

/// The tier is written last: a move that is taken back leaves everything as it was.
pub(super) const STEPS: &[Step] = move_steps!(check, terms => give);

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
    detail.insert("trialEnded", organization.trial_ended_at.is_some());
    Ok(Progress::Done(detail))
}

/// Gives the organization what the tier brings now. One that had the tier already keeps what it has, for
/// an operator may have agreed on other limits; but one whose trial ended has what the free plan brings, and that ends.
async fn give(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let tier = tier(work)?;
    let check = work.operation.detail("check");
    let before = check.and_then(|check| check.get_str("tier").ok());
    let trial_ended = check.is_some_and(|check| check.get_bool("trialEnded").unwrap_or(false));
    if before == Some(tier.as_str()) && !trial_ended {
        return Ok(Progress::done());
    }
    let platform = work.context.tenants.platform();
    let terms = platform.terms(tier).await?;
    let now = date(work.context.clock.now());
    let mut set = terms::copied(&terms)?;
    set.extend(doc! {
        "tier": tier.as_str(), "auditRetentionDays": terms.audit_retention_days, "updatedAt": now,
    });
    let organization = standing::organization(work.context, work.tenant).await?;
    if terms.audit_retention_days > organization.audit_retention_days {
        set.insert("auditKeptSince", now);
    }
    let over: &[&str] = if trial_ended { &["trialEndsAt", "trialEndedAt"] } else { &[] };
    standing::change_organization(work.context, work.tenant, set, over).await?;
    work.context.faults.boundary("terms.organization")?;
    terms::owner(work, organization.owner_id).await?;
    Ok(Progress::Done(doc! { "from": before, "to": tier.as_str() }))
}
