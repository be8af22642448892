//! A tenant's standing in the directory: its own item and those of its channels say whether it is served.

use std::collections::BTreeSet;

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::{ChannelId, TenantId};
use matome_runtime::directory::{ChannelRecord, Status};
use matome_store::StoreError;
use matome_store::entities::{Channel, Operation, Organization};

use crate::context::Context;
use crate::error::ProvisionError;

/// Writes `status` wherever the directory names the tenant; the tenant itself comes last when it is
/// served again, so that nothing is sent before everything can be. How many channels it has.
///
/// # Errors
/// [`ProvisionError::NotYet`] when the directory does not know the tenant.
pub async fn set(context: &Context, tenant: &TenantId, status: Status) -> Result<usize, ProvisionError> {
    let directory = context.tenants.directory();
    let Some(mut record) = directory.newest_tenant(tenant).await? else {
        return Err(ProvisionError::NotYet(format!("tenant {tenant} is not in the directory")));
    };
    if status == Status::Suspended && record.status != status {
        record.status = status;
        record.version += 1;
        directory.put_tenant(&record).await?;
    }
    let channels = channels(context, tenant).await?;
    for channel in &channels {
        if channel.status != status {
            let version = channel.version + 1;
            directory.put_channel(&ChannelRecord { status, version, ..channel.clone() }).await?;
        }
    }
    if record.status != status {
        record.status = status;
        record.version += 1;
        directory.put_tenant(&record).await?;
    }
    Ok(channels.len())
}

/// The tenant's channels as the directory has them now, also those that an operation only began to
/// connect: the platform's documents and the inputs of operations tell where to look.
///
/// # Errors
/// [`StoreError`] or the directory's failure.
pub async fn channels(context: &Context, tenant: &TenantId) -> Result<Vec<ChannelRecord>, ProvisionError> {
    let mut found = Vec::new();
    for id in channel_ids(context, tenant).await? {
        let record = context.tenants.directory().newest_channel(&id).await?;
        found.extend(record.filter(|record| record.tenant_id == *tenant));
    }
    Ok(found)
}

/// Every channel id that was ever named together with the tenant. Another tenant may have it by now.
///
/// # Errors
/// [`StoreError`].
pub async fn channel_ids(context: &Context, tenant: &TenantId) -> Result<BTreeSet<ChannelId>, StoreError> {
    let platform = context.tenants.platform();
    let of_tenant = doc! { "tenantId": tenant.as_str() };
    let channels = platform.platform_collection::<Channel>().clone_with_type::<Document>();
    let named = channels.distinct("channelId", of_tenant.clone()).await?;
    let operations = platform.platform_collection::<Operation>();
    let begun = operations.distinct("input.channelId", of_tenant).await?;
    let ids = named.iter().chain(&begun).filter_map(Bson::as_str);
    Ok(ids.filter_map(|id| ChannelId::new(id).ok()).collect())
}

/// The tenant's organization as it stands now.
///
/// # Errors
/// [`ProvisionError::Refused`] when there is none.
pub async fn organization(context: &Context, tenant: &TenantId) -> Result<Organization, ProvisionError> {
    let organizations = context.tenants.platform().platform_collection::<Organization>();
    let found = organizations.find(doc! { "tenantId": tenant.as_str() }).limit(1).await;
    let found = found.map_err(StoreError::from)?.try_next().await.map_err(StoreError::from)?;
    found.ok_or_else(|| ProvisionError::Refused {
        field: "tenantId",
        reason: "no organization has this id".to_owned(),
    })
}

/// Changes the tenant's organization.
///
/// # Errors
/// [`StoreError`].
pub async fn change_organization(
    context: &Context,
    tenant: &TenantId,
    set: Document,
    unset: &[&str],
) -> Result<(), StoreError> {
    let mut update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
    if !unset.is_empty() {
        let unset: Document = unset.iter().map(|field| ((*field).to_owned(), Bson::from(""))).collect();
        update.insert("$unset", unset);
    }
    let organizations = context.tenants.platform().platform_collection::<Organization>();
    organizations.update_one(doc! { "tenantId": tenant.as_str() }, update).await?;
    Ok(())
}
