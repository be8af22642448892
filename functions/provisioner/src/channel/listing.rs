//! The channel as the hot path sees it: its item in the directory.

use std::time::Duration;

use matome_domain::clock::Timestamp;
use matome_domain::ids::ChannelId;
use matome_runtime::directory::{ChannelRecord, PreviousSecret, TenantRecord, secret_field};
use matome_runtime::keys::{KeyError, Sealed};
use matome_tenancy::TenancyError;
use secrecy::{ExposeSecret, SecretString};

use crate::channel::document;
use crate::context::Context;
use crate::error::ProvisionError;
use crate::stack;
use crate::step::Work;

/// How long webhooks that were signed with the secret before are taken: LINE may deliver again what
/// it could not deliver.
pub(crate) const KEEP_PREVIOUS: Duration = Duration::from_secs(60 * 60);

/// The tenant's item as it stands.
pub(crate) async fn tenant(work: &Work<'_>) -> Result<TenantRecord, ProvisionError> {
    let record = work.context.tenants.directory().newest_tenant(work.tenant).await?;
    Ok(record.ok_or_else(|| TenancyError::UnknownTenant(work.tenant.clone()))?)
}

/// The channel's item as it stands.
///
/// # Errors
/// [`ProvisionError::Refused`] when it is another tenant's.
pub(crate) async fn find(
    work: &Work<'_>,
    channel: &ChannelId,
) -> Result<Option<ChannelRecord>, ProvisionError> {
    let record = work.context.tenants.directory().newest_channel(channel).await?;
    if record.as_ref().is_some_and(|r| r.tenant_id != *work.tenant) {
        return Err(document::taken());
    }
    Ok(record)
}

/// Lists the channel with this secret, or gives it this secret. One that it takes the place of is
/// good for [`KEEP_PREVIOUS`] yet.
pub(crate) async fn put(
    work: &Work<'_>,
    channel: &ChannelId,
    bot_user_id: &str,
    secret: &SecretString,
) -> Result<(), ProvisionError> {
    let tenant = tenant(work).await?;
    let stored = find(work, channel).await?;
    let seal = async |text: &SecretString| {
        let field = secret_field(channel);
        work.context.keys.seal(work.tenant, &tenant.key, &field, text.expose_secret()).await
    };
    let previous_secret = match &stored {
        None => None,
        Some(stored) => match open(work.context, stored, &stored.secret).await? {
            // An item that does not open is repaired.
            None => None,
            Some(old) if old.expose_secret() == secret.expose_secret() => {
                still_good(work.context, stored, &tenant).await?
            }
            Some(old) => {
                let until = work.context.clock.now().plus(KEEP_PREVIOUS);
                Some(PreviousSecret { secret: seal(&old).await?, until })
            }
        },
    };
    let record = ChannelRecord {
        channel_id: channel.clone(),
        tenant_id: work.tenant.clone(),
        bot_user_id: bot_user_id.to_owned(),
        secret: seal(secret).await?,
        previous_secret,
        inbound_queue_url: inbound_queue(work, &tenant, stored.as_ref()).await?,
        version: stored.map_or(1, |s| s.version + 1),
        key: tenant.key,
        placement: tenant.placement,
        cell: tenant.cell,
        status: tenant.status,
    };
    Ok(work.context.tenants.directory().put_channel(&record).await?)
}

/// Seals what the item holds under the tenant's key, where it is not; whether it was not. The item is
/// written as one: whoever reads it finds secrets and the key that opens them.
pub(crate) async fn reseal(
    work: &Work<'_>,
    channel: &ChannelId,
    tenant: &TenantRecord,
) -> Result<bool, ProvisionError> {
    let Some(stored) = find(work, channel).await? else { return Ok(false) };
    if stored.key == tenant.key {
        return Ok(false);
    }
    let field = secret_field(channel);
    let keys = &work.context.keys;
    let secret = keys.open(work.tenant, &stored.key, &field, &stored.secret).await?;
    let record = ChannelRecord {
        secret: keys.seal(work.tenant, &tenant.key, &field, secret.expose_secret()).await?,
        previous_secret: still_good(work.context, &stored, tenant).await?,
        key: tenant.key.clone(),
        version: stored.version + 1,
        ..stored
    };
    work.context.tenants.directory().put_channel(&record).await?;
    Ok(true)
}

/// The item's secret before, if it is still taken, under the tenant's key.
async fn still_good(
    context: &Context,
    stored: &ChannelRecord,
    tenant: &TenantRecord,
) -> Result<Option<PreviousSecret>, ProvisionError> {
    let now: Timestamp = context.clock.now();
    let Some(previous) = stored.previous_secret.as_ref().filter(|p| now < p.until) else { return Ok(None) };
    let Some(text) = open(context, stored, &previous.secret).await? else { return Ok(None) };
    let field = secret_field(&stored.channel_id);
    let secret = context.keys.seal(&stored.tenant_id, &tenant.key, &field, text.expose_secret()).await?;
    Ok(Some(PreviousSecret { secret, until: previous.until }))
}

/// One of the item's secrets; `None` when it can never be opened.
async fn open(
    context: &Context,
    stored: &ChannelRecord,
    sealed: &Sealed,
) -> Result<Option<SecretString>, KeyError> {
    let field = secret_field(&stored.channel_id);
    match context.keys.open(&stored.tenant_id, &stored.key, &field, sealed).await {
        Ok(secret) => Ok(Some(secret)),
        Err(error @ (KeyError::Kms { .. } | KeyError::NoKeyId)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The queue its events go to, where that is not the deployment's: the one it has, its
/// tenant's own, or its cell's.
async fn inbound_queue(
    work: &Work<'_>,
    tenant: &TenantRecord,
    stored: Option<&ChannelRecord>,
) -> Result<Option<String>, ProvisionError> {
    if let Some(url) = stored.and_then(|s| s.inbound_queue_url.clone()) {
        return Ok(Some(url));
    }
    stack::inbound_queue(work.context, work.tenant, tenant.placement, &tenant.cell).await
}
