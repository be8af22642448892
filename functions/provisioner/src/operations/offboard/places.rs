//! Where a tenant's documents are, and where they could be.

use bson::doc;
use matome_domain::placement::Placement;
use matome_store::TenantStore;

use super::grace::find_organization;
use crate::error::ProvisionError;
use crate::step::Work;

/// Where the tenant lives; `None` when it was never given a place.
pub(super) async fn home(work: &Work<'_>) -> Result<Option<TenantStore>, ProvisionError> {
    let record = work.context.tenants.directory().newest_tenant(work.tenant).await?;
    let (placement, cell) = match record {
        Some(record) => (record.placement, record.cell),
        None => match find_organization(work).await? {
            Some(organization) => (organization.placement, organization.cell),
            None => return Ok(None),
        },
    };
    let cell = work.context.tenants.cells().store(&cell).await?;
    Ok(Some(cell.tenant(work.tenant, placement)))
}

/// Every place there is: each placement in each cell. A move that was given up may have left
/// something anywhere.
pub(super) async fn all(work: &Work<'_>) -> Result<Vec<TenantStore>, ProvisionError> {
    let cells = work.context.tenants.cells();
    let mut places = Vec::new();
    for name in cells.names() {
        let cell = cells.store(name).await?;
        for placement in [Placement::Shared, Placement::CollectionSet, Placement::Dedicated] {
            places.push(cell.tenant(work.tenant, placement));
        }
    }
    Ok(places)
}

/// What every document of the tenant carries.
pub(super) fn of_tenant(work: &Work<'_>) -> bson::Document {
    doc! { "tenantId": work.tenant.as_str() }
}
