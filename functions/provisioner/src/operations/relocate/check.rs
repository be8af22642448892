//! Whether the tenant can be moved to where it is to go.

use matome_store::entities::{Organization, OrganizationStatus};
use matome_tenancy::TenancyError;
use matome_tenancy::operations::{Move, Request};

use super::route::{Route, Spot, refused};
use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Work};

/// The first step of kind `Move`.
pub(super) async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = Move::from_document(&work.operation.input)
        .map_err(|_| refused("input", "is not a placement and a cell"))?;
    let organization = standing::organization(work.context, work.tenant).await?;
    let cell = input.cell.unwrap_or_else(|| organization.cell.clone());
    let route = check_route(work, &organization, Spot { placement: input.placement, cell }).await?;
    Ok(Progress::Done(route.detail()?))
}

/// The way from where the tenant lives to `to`, which may be the same place.
pub(in crate::operations) async fn check_route(
    work: &Work<'_>,
    organization: &Organization,
    to: Spot,
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
    Ok(Route { from, to, status })
}
