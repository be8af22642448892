//! Media of a tenant that comes to a bucket of its own, or leaves it: copied before the fence, then what came to
//! the old bucket until nobody writes there any more, and at last erased there. What was exported about people
//! does not come along: it is there to be fetched for a while, and can be asked for again.

use std::collections::HashSet;

use bson::{Document, doc};
use futures::future::try_join_all;
use matome_domain::ids::DocumentId;
use matome_runtime::blobs::{BlobKey, BlobPrefix, Blobs};
use matome_store::TenantStore;
use matome_store::entities::Message;
use matome_store::id::{document_id, object_id};

use super::route::{Route, StackChange};
use crate::error::ProvisionError;
use crate::stack;
use crate::step::{Progress, Work};

/// Requests to S3 at a time.
pub(in crate::operations) const AT_ONCE: usize = 8;

/// The old bucket and the new one.
struct Buckets {
    old: Blobs,
    new: Blobs,
}

impl Buckets {
    /// `None` where the move changes nothing about the bucket.
    async fn of(work: &Work<'_>, route: &Route) -> Result<Option<Self>, ProvisionError> {
        if route.stack == StackChange::None {
            return Ok(None);
        }
        let own = stack::resources(work.context, work.tenant).await?;
        let own = own.ok_or_else(|| ProvisionError::NotYet("the tenant's stack is not ready".to_owned()))?;
        let shared = work.context.blobs.clone().ok_or_else(|| ProvisionError::Refused {
            field: Blobs::SETTING,
            reason: "is needed to move a tenant to or from a bucket of its own".to_owned(),
        })?;
        let own = shared.in_bucket(&own.bucket);
        Ok(Some(match route.stack {
            StackChange::Left => Self { old: own, new: shared },
            _ => Self { old: shared, new: own },
        }))
    }
}

/// Copies what there is while the tenant is served where it was.
pub(in crate::operations) async fn media(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let Some(Buckets { old, new }) = Buckets::of(work, &route).await? else { return Ok(Progress::done()) };
    let messages = route.ends(work).await?.source;
    bring(work, &messages, &old, &new).await
}

/// Copies what the old bucket got since, and the new one has not; then takes out of the new one what was
/// unsent since it was copied.
pub(in crate::operations) async fn media_rest(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let Some(Buckets { old, new }) = Buckets::of(work, &route).await? else { return Ok(Progress::done()) };
    let messages = route.ends(work).await?.target;
    if !work.detail.get_bool("brought").unwrap_or(false) {
        return Ok(match bring(work, &messages, &old, &new).await? {
            Progress::Done(mut detail) => {
                detail.insert("brought", true);
                Progress::Again(detail)
            }
            other => other,
        });
    }
    prune(work, &messages, &new).await
}

/// Erases what is left in the old bucket.
pub(in crate::operations) async fn media_left(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let Some(Buckets { old, .. }) = Buckets::of(work, &route).await? else { return Ok(Progress::done()) };
    let prefix = BlobPrefix::tenant(work.tenant);
    for _ in 0..work.context.slice {
        if old.erase_under(&prefix).await? {
            return Ok(Progress::done());
        }
    }
    Ok(Progress::Again(doc! {}))
}

/// The way back: erases the copies from the new bucket. Nothing else is touched: only what the old one has too.
pub(super) async fn unmedia(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    // Never begun: then the stack may not be there either.
    if !work.operation.steps.iter().any(|step| step.name == "media") {
        return Ok(Progress::done());
    }
    let Some(Buckets { old, new }) = Buckets::of(work, &route).await? else { return Ok(Progress::done()) };
    let mut detail = work.detail.clone();
    for _ in 0..work.context.slice {
        for key in page(work, &new, &mut detail).await? {
            if old.size(&key).await?.is_some() {
                new.erase(&key).await?;
            }
        }
        if is_last(&detail) {
            return Ok(Progress::Done(detail));
        }
    }
    Ok(Progress::Again(detail))
}

/// Copies every object whose message was not unsent and that the new bucket lacks.
async fn bring(
    work: &Work<'_>,
    messages: &TenantStore,
    old: &Blobs,
    new: &Blobs,
) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    for _ in 0..work.context.slice {
        let mut keys = page(work, old, &mut detail).await?;
        let unsent = unsent(messages, &keys).await?;
        keys.retain(|key| !key.is_export() && key.message().is_none_or(|id| !unsent.contains(&id)));
        let mut copied = detail.get_i64("copied").unwrap_or_default();
        for some in keys.chunks(AT_ONCE) {
            let new_ones = try_join_all(some.iter().map(|key| bring_one(old, new, key))).await?;
            copied += new_ones.into_iter().map(i64::from).sum::<i64>();
        }
        detail.insert("copied", copied);
        work.context.faults.boundary("media.page")?;
        if is_last(&detail) {
            return Ok(Progress::Done(detail));
        }
    }
    Ok(Progress::Again(detail))
}

/// Whether it was copied. An object is never changed: one of the same size is the same.
async fn bring_one(old: &Blobs, new: &Blobs, key: &BlobKey) -> Result<bool, ProvisionError> {
    let (ours, theirs) = futures::try_join!(old.size(key), new.size(key))?;
    Ok(ours != theirs && new.copy_from(old, key, key).await?)
}

/// Erases every object whose message was unsent: it may have been copied just before.
async fn prune(work: &Work<'_>, messages: &TenantStore, new: &Blobs) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    for _ in 0..work.context.slice {
        let keys = page(work, new, &mut detail).await?;
        let unsent = unsent(messages, &keys).await?;
        for key in keys.iter().filter(|key| key.message().is_some_and(|id| unsent.contains(&id))) {
            new.erase(key).await?;
        }
        if is_last(&detail) {
            return Ok(Progress::Done(detail));
        }
    }
    Ok(Progress::Again(detail))
}

/// A page of the tenant's objects in a bucket; the detail remembers where the next one begins.
async fn page(
    work: &Work<'_>,
    bucket: &Blobs,
    detail: &mut Document,
) -> Result<Vec<BlobKey>, ProvisionError> {
    let text = |field| detail.get_str(field).ok().map(str::to_owned);
    let after = text("after").map(|key| (key, text("afterVersion")));
    let page = bucket.versions_under(&BlobPrefix::tenant(work.tenant), after.as_ref()).await?;
    detail.remove("after");
    detail.remove("afterVersion");
    if let Some((key, version)) = page.next {
        detail.insert("after", key);
        if let Some(version) = version {
            detail.insert("afterVersion", version);
        }
    }
    let current = page.versions.iter().filter(|version| version.is_current);
    Ok(current.filter_map(|version| BlobKey::of_tenant(work.tenant, &version.key)).collect())
}

/// Whether the page before was the last one.
fn is_last(detail: &Document) -> bool {
    !detail.contains_key("after")
}

/// Of the messages whose media these are, those that were unsent.
pub(in crate::operations) async fn unsent(
    messages: &TenantStore,
    keys: &[BlobKey],
) -> Result<HashSet<DocumentId>, ProvisionError> {
    let ids: HashSet<_> = keys.iter().filter_map(|key| object_id(&key.message()?)).collect();
    let filter = doc! {
        "_id": { "$in": ids.into_iter().collect::<Vec<_>>() },
        "media.status": { "$in": ["erasing", "erased"] },
    };
    let found = messages.collection::<Message>().ids(filter).await?;
    Ok(found.into_iter().map(document_id).collect())
}
