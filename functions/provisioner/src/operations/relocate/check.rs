//! Whether the tenant can be moved to where it is to go.

use matome_domain::placement::Placement;
use matome_domain::tier::Tier;
use matome_stacks::TenantStatus;
use matome_store::entities::{Organization, OrganizationStatus};
use matome_tenancy::TenancyError;
use matome_tenancy::operations::{Move, Request};

use super::route::{Route, Spot, StackChange, refused};
use crate::error::ProvisionError;
use crate::operations::stack;
use crate::standing;
use crate::step::{Progress, Work};

/// The first step of kind `Move`.
pub(super) async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = Move::from_document(&work.operation.input)
        .map_err(|_| refused("input", "is not a placement and a cell"))?;
    let organization = standing::organization(work.context, work.tenant).await?;
    let cell = input.cell.map_or_else(|| organization.cell.clone(), String::from);
    let to = Spot { placement: input.placement, cell };
    let route = check_route(work, &organization, to, organization.tier).await?;
    Ok(Progress::Done(route.detail()?))
}

/// The way from where the tenant lives to `to`, which may be the same place, and the tier that it has there.
pub(in crate::operations) async fn check_route(
    work: &Work<'_>,
    organization: &Organization,
    to: Spot,
    tier: Tier,
) -> Result<Route, ProvisionError> {
    let status = organization.status;
    if !matches!(status, OrganizationStatus::Active | OrganizationStatus::Suspended) {
        let reason = format!("is {status:?}; only an active or suspended tenant can be moved");
        return Err(refused("status", reason.to_lowercase()));
    }
    let from = Spot { placement: organization.placement, cell: organization.cell.clone() };
    let directory = work.context.tenants.directory();
    let Some(record) = directory.newest_tenant(work.tenant).await? else {
        return Err(refused("tenant", "is not in the directory"));
    };
    if (record.placement, &record.cell) != (from.placement, &from.cell) {
        return Err(refused("placement", "is another one in the directory than in the organization"));
    }
    let cells = work.context.tenants.cells();
    for (field, cell) in [("cell", &to.cell), ("organization.cell", &from.cell)] {
        match cells.store(cell).await {
            Ok(store) => store.ping().await?,
            Err(TenancyError::UnknownCell(name)) => {
                return Err(refused(field, format!("{name:?} is not among the cells of this deployment")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if cells.region(&to.cell)? != cells.region(&from.cell)? {
        return Err(refused("cell", "is in another region, which its data have to stay out of"));
    }
    let stack = stack_change(work, &from, &to, tier).await?;
    Ok(Route { from, to, status, stack })
}

/// A tenant that stays dedicated keeps what it has.
async fn stack_change(
    work: &Work<'_>,
    from: &Spot,
    to: &Spot,
    tier: Tier,
) -> Result<StackChange, ProvisionError> {
    let Some(stacks) = &work.context.stacks else { return Ok(StackChange::None) };
    let (was, is) = [from, to].map(|spot| spot.placement == Placement::Dedicated).into();
    if was == is || (is && !stack::has_own(work, tier).await?) {
        return Ok(StackChange::None);
    }
    Ok(match (stacks.status(work.tenant).await?, is) {
        (TenantStatus::Missing, true) => StackChange::Made,
        (_, true) => StackChange::Joined,
        (TenantStatus::Missing, false) => StackChange::None,
        (TenantStatus::Ready(_), false) => StackChange::Left,
        // Its bucket and its queues are to be emptied before the tenant can leave it.
        (TenantStatus::InProgress | TenantStatus::Failed { .. }, false) => {
            return Err(ProvisionError::NotYet("the tenant's stack is not ready".to_owned()));
        }
    })
}
