//! The part of offboarding that cannot be taken back.

use bson::{Document, doc};
use matome_runtime::blobs::BlobPrefix;
use matome_runtime::directory::ChannelRecord;
use matome_store::StoreError;
use matome_store::entities::{Organization, StatusReason};
use matome_store::relocate::{self, Budget};
use matome_store::time::date;

use super::backup::{add, media_page};
use super::grace::find_organization;
use super::places;
use crate::error::ProvisionError;
use crate::stack;
use crate::standing;
use crate::step::{Progress, Work};

/// Takes the tenant's channels out of the directory, so that nothing of LINE's comes in any more, and
/// waits until no cache holds them.
///
/// At LINE nothing can be undone: its API sets another webhook URL but removes none, and a channel is
/// deleted in LINE's console only. What LINE goes on posting is refused as an unknown channel's.
pub(super) async fn disconnect(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    if !detail.contains_key("at") {
        let channels = standing::channels(work.context, work.tenant).await?;
        for ChannelRecord { channel_id, .. } in &channels {
            work.context.tenants.directory().remove_channel(channel_id).await?;
        }
        detail.insert("at", date(work.context.clock.now()));
    }
    Ok(Progress::when_forgotten(work, detail))
}

/// Has the server refuse further writes, then counts what there is.
pub(super) async fn inventory(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    if !detail.contains_key("documents") {
        let mut documents = Document::new();
        if let Some(home) = places::home(work).await? {
            home.ensure_collections().await?;
            home.fence().await?;
            for (collection, count) in relocate::count(&home).await? {
                documents.insert(collection, i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        let platform = work.context.tenants.platform();
        for (collection, count) in platform.count_on_platform(work.tenant, work.operation.id).await? {
            if count > 0 {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                documents.insert(format!("platform/{collection}"), count);
            }
        }
        detail.insert("documents", documents);
        let record = work.context.tenants.directory().newest_tenant(work.tenant).await?;
        detail.insert("keyVersion", record.map_or(0, |record| i64::from(record.key.key_version)));
        // The certificate names what outlives the stack, of which nobody knows any more by then.
        if let Some(own) = stack::resources(work.context, work.tenant).await? {
            detail.insert("own", doc! { "bucket": own.bucket, "keyArn": own.key_arn });
        }
        return Ok(Progress::Again(detail));
    }
    let buckets = stack::buckets(work.context, work.tenant).await?;
    let mut slice = work.context.slice;
    while let Some((_, page)) = media_page(work, &buckets, &mut detail).await? {
        add(&mut detail, "objects", page.versions.iter().filter(|v| v.is_current).count() as u64);
        add(&mut detail, "versions", page.versions.len() as u64);
        add(&mut detail, "bytes", page.versions.iter().map(|v| v.size).sum());
        slice = slice.saturating_sub(1);
        if slice == 0 {
            return Ok(Progress::Again(detail));
        }
    }
    Ok(Progress::Done(detail))
}

/// Erases the documents where the tenant lives; the fence stays, so that they stay erased.
pub(super) async fn database(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(home) = places::home(work).await? else { return Ok(Progress::done()) };
    let mut budget = Budget::batches(&*work.context.clock, work.context.slice);
    let is_done = relocate::erase_documents(&home, &mut budget).await?;
    Ok(if is_done { Progress::done() } else { Progress::Again(Document::new()) })
}

/// Erases every version of every object.
pub(super) async fn blobs(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    Ok(if erase_blobs(work).await? { Progress::done() } else { Progress::Again(Document::new()) })
}

/// A slice of it; whether nothing is left in any bucket.
async fn erase_blobs(work: &Work<'_>) -> Result<bool, ProvisionError> {
    let prefix = BlobPrefix::tenant(work.tenant);
    let mut slice = work.context.slice;
    for bucket in stack::buckets(work.context, work.tenant).await? {
        while !bucket.erase_under(&prefix).await? {
            slice = slice.saturating_sub(1);
            if slice == 0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Destroys the data key, whose only copy is in the directory: what was sealed under it and may still
/// lie in a backup of a database is noise from then on. Waits until nobody holds the tenant's record, and
/// whoever began work with it has ended: no fence keeps anybody from storing media.
pub(super) async fn key(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    if !detail.contains_key("at") {
        work.context.tenants.directory().remove_tenant(work.tenant).await?;
        detail.insert("at", date(work.context.clock.now()));
    }
    Ok(Progress::when_nobody_works_on_it(work, detail))
}

/// Erases what is left anywhere: media that came late, collections, databases, the fence, what the platform
/// knows. Of the organization a tombstone stays. Its own bucket can be reached for the last time here.
pub(super) async fn remains(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if !erase_blobs(work).await? {
        return Ok(Progress::Again(Document::new()));
    }
    let mut budget = Budget::batches(&*work.context.clock, work.context.slice);
    for place in places::all(work).await? {
        if !relocate::erase_place(&place, &mut budget).await? {
            return Ok(Progress::Again(Document::new()));
        }
    }
    let platform = work.context.tenants.platform();
    platform.erase_from_platform(work.tenant, work.operation.id).await?;
    if let Some(organization) = find_organization(work).await? {
        let now = work.context.clock.now();
        let reason = StatusReason {
            message: "its data were erased".to_owned(),
            operation_id: Some(work.operation.id),
            step: None,
            at: date(now),
        };
        let organizations = platform.platform_collection::<Organization>();
        let tombstone = organization.tombstone(reason, date(now));
        let replaced = organizations.replace_one(places::of_tenant(work), tombstone).await;
        replaced.map_err(StoreError::from)?;
    }
    Ok(Progress::done())
}
