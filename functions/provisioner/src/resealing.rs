//! Everything of a tenant that is kept sealed for longer than a day, and how it comes under the tenant's current
//! data key: the channels' items in the directory, the channels' documents, the secrets in operations' inputs.
//! Who adds a sealed field to some collection adds it here.
//!
//! The answers that the API keeps for a day to repeat them (`matome_runtime::idempotency`) stay as they are: once
//! the key before is forgotten, a repeat hears that its request was done and its answer is not kept (409).

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::ids::ChannelId;
use matome_runtime::directory::{TenantRecord, access_token_field, secret_field};
use matome_runtime::keys::{KeyError, Sealed};
use matome_store::StoreError;
use matome_store::entities::{Channel, Connection, Operation};
use secrecy::ExposeSecret;

use crate::channel::listing;
use crate::error::ProvisionError;
use crate::step::Work;

/// Channels, and then operations, of one slice.
const SLICE: i64 = 20;

/// How far a pass over everything came.
pub(crate) struct Slice {
    /// Where it goes on; `None` when it is through.
    pub(crate) next: Option<Document>,
    /// What was found under another key in the pass so far.
    pub(crate) resealed: i64,
}

/// One slice of a pass; `from` is the `next` of the slice before, empty at first.
pub(crate) async fn slice(
    work: &Work<'_>,
    tenant: &TenantRecord,
    from: &Document,
) -> Result<Slice, ProvisionError> {
    let mut resealed = from.get_i64("resealed").unwrap_or_default();
    let channels = channels_after(work, from.get_object_id("after").ok()).await?;
    for channel in &channels {
        if reseal_channel(work, tenant, channel).await? {
            resealed += 1;
        }
        work.context.faults.boundary("rotate_data_key.channel")?;
    }
    if let Some(last) = channels.last() {
        return Ok(Slice { next: Some(doc! { "after": last.id, "resealed": resealed }), resealed });
    }
    let operations = operations(work, tenant).await?;
    for operation in &operations {
        reseal_operation(work, tenant, operation).await?;
        resealed += 1;
        work.context.faults.boundary("rotate_data_key.operation")?;
    }
    let mut next = from.clone();
    next.insert("resealed", resealed);
    Ok(Slice { next: (!operations.is_empty()).then_some(next), resealed })
}

async fn channels_after(work: &Work<'_>, after: Option<ObjectId>) -> Result<Vec<Channel>, StoreError> {
    let mut filter = doc! { "tenantId": work.tenant.as_str() };
    if let Some(after) = after {
        filter.insert("_id", doc! { "$gt": after });
    }
    let channels = work.context.tenants.platform().platform_collection::<Channel>();
    let page = channels.find(filter).sort(doc! { "_id": 1 }).limit(SLICE).await?;
    Ok(page.try_collect().await?)
}

/// The item first: it is the one that people wait for.
async fn reseal_channel(
    work: &Work<'_>,
    tenant: &TenantRecord,
    channel: &Channel,
) -> Result<bool, ProvisionError> {
    let id = ChannelId::new(channel.channel_id.as_str())?;
    let in_directory = listing::reseal(work, &id, tenant).await.map_err(|e| named(&id, e))?;
    work.context.faults.boundary("rotate_data_key.item")?;
    let Connection::Line(line) = &channel.connection;
    let (mut held, mut set) = (doc! { "_id": channel.id, "tenantId": work.tenant.as_str() }, Document::new());
    let fields = [
        ("channelSecret", line.channel_secret.as_ref(), secret_field(&id)),
        ("channelAccessToken", line.channel_access_token.as_ref(), access_token_field(&id)),
    ];
    for (name, stored, field) in fields {
        let Some(stored) = stored else { continue };
        let sealed = Sealed::from(stored.clone());
        let again = reseal(work, tenant, &field, &sealed).await.map_err(|e| named(&id, e))?;
        if let Some(again) = again {
            held.insert(name, stored);
            set.insert(name, again.as_str());
        }
    }
    if set.is_empty() {
        return Ok(in_directory);
    }
    // Whoever changed it meanwhile has sealed what they wrote; the next pass looks at it.
    let channels = work.context.tenants.platform().platform_collection::<Channel>();
    channels.update_one(held, doc! { "$set": set }).await.map_err(StoreError::from)?;
    Ok(true)
}

/// A channel whose secret cannot be opened is named: somebody has to connect it again.
fn named(channel: &ChannelId, error: ProvisionError) -> ProvisionError {
    match error {
        ProvisionError::Key(error) if !is_passing(&error) => {
            ProvisionError::Refused { field: "channelId", reason: format!("{channel}: {error}") }
        }
        other => other,
    }
}

/// Operations whose secret is under another key, or was never sealed under any.
async fn operations(work: &Work<'_>, tenant: &TenantRecord) -> Result<Vec<Operation>, StoreError> {
    let filter = doc! {
        "tenantId": work.tenant.as_str(),
        "input.secret": { "$exists": true, "$not": under(tenant) },
    };
    let operations = work.context.tenants.platform().platform_collection::<Operation>();
    Ok(operations.find(filter).limit(SLICE).await?.try_collect().await?)
}

/// Matches what is sealed under the tenant's current key.
fn under(tenant: &TenantRecord) -> Document {
    doc! { "$regex": format!("^{}", Sealed::prefix(tenant.key.key_version).replace('.', r"\.")) }
}

/// An ended operation may be asked for again, and needs its secret then. One that does not open is of
/// no use to anybody, and would keep the rotation from ending for ever: it is dropped.
async fn reseal_operation(
    work: &Work<'_>,
    tenant: &TenantRecord,
    operation: &Operation,
) -> Result<(), ProvisionError> {
    let stored = operation.input.get_str("secret").unwrap_or_default();
    let channel = operation.input.get_str("channelId").ok().and_then(|id| ChannelId::new(id).ok());
    let again = match channel {
        Some(channel) => {
            reseal(work, tenant, &secret_field(&channel), &Sealed::from(stored.to_owned())).await
        }
        None => Ok(None),
    };
    let again = match again {
        Ok(again) => again,
        Err(ProvisionError::Key(error)) if !is_passing(&error) => None,
        Err(error) => return Err(error),
    };
    let update = match &again {
        Some(again) => doc! { "$set": { "input.secret": again.as_str() } },
        None => doc! { "$unset": { "input.secret": "" } },
    };
    let operations = work.context.tenants.platform().platform_collection::<Operation>();
    operations.update_one(doc! { "_id": operation.id }, update).await.map_err(StoreError::from)?;
    Ok(())
}

/// The same secret under the tenant's current key; `None` where it is already.
async fn reseal(
    work: &Work<'_>,
    tenant: &TenantRecord,
    field: &str,
    sealed: &Sealed,
) -> Result<Option<Sealed>, ProvisionError> {
    let key = tenant.key_of(sealed)?;
    if *key == tenant.key {
        return Ok(None);
    }
    let keys = &work.context.keys;
    let secret = keys.open(work.tenant, key, field, sealed).await?;
    Ok(Some(keys.seal(work.tenant, &tenant.key, field, secret.expose_secret()).await?))
}

fn is_passing(error: &KeyError) -> bool {
    matches!(error, KeyError::Kms { .. } | KeyError::NoKeyId)
}
