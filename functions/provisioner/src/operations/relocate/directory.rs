//! What a move writes about the tenant where others read it.

use bson::doc;
use matome_runtime::directory::{Relocation, TenantRecord};
use matome_store::StoreError;
use matome_store::entities::{Organization, OrganizationStatus};
use matome_store::time::date;
use matome_store::value::to_bson;
use matome_tenancy::TenancyError;

use super::route::Spot;
use crate::error::ProvisionError;
use crate::step::Work;

/// Says in the directory that the tenant lives in `place` and how it stands. Written only where it says
/// something else.
pub(super) async fn tell(
    work: &Work<'_>,
    place: &Spot,
    relocation: Relocation,
) -> Result<(), ProvisionError> {
    write(work, place, relocation, |_| {}).await
}

/// As [`tell`], and what `change` changes besides.
pub(super) async fn write(
    work: &Work<'_>,
    place: &Spot,
    relocation: Relocation,
    change: impl FnOnce(&mut TenantRecord),
) -> Result<(), ProvisionError> {
    let directory = work.context.tenants.directory();
    let found = directory.newest_tenant(work.tenant).await?;
    let found = found.ok_or_else(|| TenancyError::UnknownTenant(work.tenant.clone()))?;
    let (placement, cell) = (place.placement, place.cell.clone());
    let mut wanted = TenantRecord { placement, cell, relocation, ..found.clone() };
    change(&mut wanted);
    if wanted != found {
        directory.put_tenant(&TenantRecord { version: found.version + 1, ..wanted }).await?;
    }
    Ok(())
}

/// Changes the organization's status from one to another; nothing when it is neither.
pub(super) async fn change_status(
    work: &Work<'_>,
    from: OrganizationStatus,
    to: OrganizationStatus,
) -> Result<(), ProvisionError> {
    let organizations = work.context.tenants.platform().platform_collection::<Organization>();
    let name = |status| to_bson(&status);
    let update = doc! {
        "$set": { "status": name(to)?, "updatedAt": date(work.context.clock.now()) },
        "$inc": { "__v": 1 },
    };
    let filter = doc! { "tenantId": work.tenant.as_str(), "status": name(from)? };
    organizations.update_one(filter, update).await.map_err(StoreError::from)?;
    Ok(())
}
