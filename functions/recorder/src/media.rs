//! Content of messages: from LINE to the bucket, and out of it again when it is unsent.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use bytes::Bytes;
use futures::TryStreamExt;
use matome_domain::ids::ChannelId;
use matome_domain::limits::Limit;
use matome_domain::queue::MediaJob;
use matome_line::client::{Content, ContentStream, LineChannel, Transcoding};
use matome_runtime::blobs::{BlobKey, Blobs, MediaPart};
use matome_runtime::lambda::Chain;
use matome_store::TenantStore;
use matome_store::entities::{MediaStatus, Message};
use matome_store::id::object_id;
use matome_store::time::date;

use crate::context::Context;
use crate::error::RecordError;
use crate::seen::Seen;
use crate::{picture, preview};

/// LINE's largest video or file is 200 MB; some more, so that the limit is theirs.
const MAX_BYTES: u64 = 300 * 1024 * 1024;
/// After so many attempts (about a day) it is given up. An outage of LINE or S3 is over by then, and staff
/// have put right a channel whose secret LINE refused.
const MAX_ATTEMPTS: i64 = 100;

/// Fetches or erases one message's content, whichever it needs. Done twice, it does nothing. A tenant
/// that moves meanwhile has the content fetched again, under the same key, and noted in its new place.
///
/// Content that cannot be fetched yet, whoever refuses it, is asked for again later and later, until it is
/// given up. Erasing is never given up.
///
/// # Errors
/// [`RecordError`]: the job goes back to the queue.
pub async fn run(context: &Context, job: &MediaJob) -> Result<(), RecordError> {
    context.tenants.wherever_it_lives(&job.tenant_id, async || attempt(context, job).await).await
}

async fn attempt(context: &Context, job: &MediaJob) -> Result<(), RecordError> {
    let store = context.tenants.store(&job.tenant_id).await?;
    let id = object_id(&job.message_id).ok_or(RecordError::BadId)?;
    let Some(message) = store.collection::<Message>().get(id).await? else { return Ok(()) };
    let Some(media) = &message.media else { return Ok(()) };
    match media.status {
        MediaStatus::Pending => fetch(context, &store, job, &message, Goal::Content).await,
        MediaStatus::Stored if media.thumbnail_due => {
            fetch(context, &store, job, &message, Goal::Thumbnail).await
        }
        MediaStatus::Erasing => erase(context, &store, job, id).await,
        _ => Ok(()),
    }
}

/// What is to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// The content, and its thumbnail with it.
    Content,
    /// The thumbnail alone: the content is stored.
    Thumbnail,
}

impl Goal {
    /// `media.status` while it is wanted.
    fn status(self) -> &'static str {
        match self {
            Self::Content => "pending",
            Self::Thumbnail => "stored",
        }
    }

    /// What is noted when it is given up.
    fn given_up(self) -> Document {
        match self {
            Self::Content => doc! { "media.status": "failed" },
            Self::Thumbnail => doc! { "media.thumbnailDue": false },
        }
    }
}

/// What an attempt at fetching came to.
enum Found {
    /// Stored: these fields tell where and what, and whether the thumbnail is still due.
    Stored(Document),
    /// LINE is still preparing it.
    Preparing,
    /// LINE could not prepare it, and will not.
    Unprepared,
    /// LINE no longer has it.
    Gone,
}

async fn fetch(
    context: &Context,
    store: &TenantStore,
    job: &MediaJob,
    message: &Message,
    goal: Goal,
) -> Result<(), RecordError> {
    if context.blobs.is_none() {
        return Err(RecordError::NoBucket);
    }
    let attempts = message.media.as_ref().map_or(0, |m| m.attempts) + 1;
    if attempts > MAX_ATTEMPTS {
        return give_up(context, store, job, message, goal).await;
    }
    // Before it is made, so that one counts that takes the whole function with it.
    let this_one = doc! { "_id": message.id, "media.status": goal.status() };
    let set = doc! { "media.attempts": attempts, "updatedAt": date(context.clock.now()) };
    if !store.collection::<Message>().update(this_one, doc! { "$set": set }).await? {
        return Ok(());
    }
    match find(context, job, message, goal).await {
        Ok(Found::Stored(set)) => {
            let again = set.get_bool("media.thumbnailDue").unwrap_or(false);
            settle(context, store, job, message.id, goal, set).await?;
            if again { later(context, job, attempts).await } else { Ok(()) }
        }
        Ok(Found::Gone) => {
            metrics::counter!("MediaGone").increment(1);
            settle(context, store, job, message.id, goal, doc! { "media.status": "gone" }).await
        }
        Ok(Found::Unprepared) => give_up(context, store, job, message, goal).await,
        Ok(Found::Preparing) => later(context, job, attempts).await,
        Err(error) if error.is_of_content() => {
            let for_good = error.is_final();
            metrics::counter!("MediaFailed").increment(1);
            tracing::warn!(
                tenant.id = %job.tenant_id, message.id = %job.message_id, attempt = attempts, for_good,
                error = %Chain(&error), "content not fetched"
            );
            if for_good {
                give_up(context, store, job, message, goal).await
            } else {
                later(context, job, attempts).await
            }
        }
        Err(error) => Err(error),
    }
}

/// Asks LINE, and stores what it has.
async fn find(
    context: &Context,
    job: &MediaJob,
    message: &Message,
    goal: Goal,
) -> Result<Found, RecordError> {
    let blobs = &blobs(context, job).await?;
    let channel = ChannelId::new(message.channel_id.clone()).map_err(|_| RecordError::BadId)?;
    let line = context.channels.line(&context.tenants, &job.tenant_id, &channel).await?;
    if goal == Goal::Thumbnail {
        return Ok(Found::Stored(thumbnail(blobs, &line, job, message, None).await?));
    }
    match line.content(&message.line_message_id).await? {
        Content::Ready { content_type, stream, .. } => {
            let set = download(blobs, &line, job, message, content_type, stream).await?;
            context.faults.boundary("media.uploaded")?;
            Ok(Found::Stored(set))
        }
        Content::Preparing => preparing(&line, message).await,
        Content::Gone => Ok(Found::Gone),
    }
}

/// The bucket, with the rights of the job's tenant.
async fn blobs(context: &Context, job: &MediaJob) -> Result<Blobs, RecordError> {
    Ok(context.blobs.as_ref().ok_or(RecordError::NoBucket)?.of(&job.tenant_id).await?)
}

/// LINE is not ready: for video and audio it says whether it ever will be.
async fn preparing(line: &LineChannel, message: &Message) -> Result<Found, RecordError> {
    if !matches!(message.message_type.as_str(), "video" | "audio") {
        return Ok(Found::Preparing);
    }
    Ok(match line.transcoding(&message.line_message_id).await? {
        Some(Transcoding::Failed) => Found::Unprepared,
        Some(_) => Found::Preparing,
        None => Found::Gone,
    })
}

async fn give_up(
    context: &Context,
    store: &TenantStore,
    job: &MediaJob,
    message: &Message,
    goal: Goal,
) -> Result<(), RecordError> {
    match goal {
        Goal::Content => metrics::counter!("MediaGivenUp").increment(1),
        Goal::Thumbnail => metrics::counter!("ThumbnailsMissing").increment(1),
    }
    settle(context, store, job, message.id, goal, goal.given_up()).await
}

async fn later(context: &Context, job: &MediaJob, attempts: i64) -> Result<(), RecordError> {
    Ok(context.queues.send_delayed(job, delay(attempts)).await?)
}

/// 5 s, 10 s, 20 s … up to SQS's quarter of an hour.
fn delay(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 10) - 1).unwrap_or(0);
    Duration::from_secs((5 << doublings).min(900))
}

/// Stores the content as it comes, whatever its size: what is held of it is a part for S3 and what says how
/// large it is in pixels.
async fn download(
    blobs: &Blobs,
    line: &LineChannel,
    job: &MediaJob,
    message: &Message,
    content_type: Option<String>,
    stream: ContentStream,
) -> Result<Document, RecordError> {
    let key = BlobKey::media(&job.tenant_id, &job.message_id, MediaPart::Original);
    let media_type = content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    let mut seen = Seen::of(&message.message_type);
    let stream = stream.inspect_ok(|chunk| seen.see(chunk));
    let stored = blobs.put_stream(&key, &media_type, MAX_BYTES, stream).await?;
    let mut set = doc! {
        "media.status": "stored", "media.key": key.as_str(), "media.mimeType": media_type,
        "media.fileSize": i64::try_from(stored.size).unwrap_or(i64::MAX), "media.sha256": stored.sha256,
    };
    if let Some((width, height)) = seen.dimensions() {
        set.insert("media.dimensions", doc! { "width": i64::from(width), "height": i64::from(height) });
    }
    if matches!(message.message_type.as_str(), "image" | "video") {
        set.extend(thumbnail(blobs, line, job, message, seen.whole_picture(stored.size)).await?);
    }
    Ok(set)
}

/// Stores a thumbnail, and returns what is to be noted of it. It is made from LINE's preview or, without one,
/// from the picture itself, where that is `whole` in memory and small enough. LINE is asked again for a preview
/// that may come yet.
async fn thumbnail(
    blobs: &Blobs,
    line: &LineChannel,
    job: &MediaJob,
    message: &Message,
    whole: Option<Vec<u8>>,
) -> Result<Document, RecordError> {
    let made = preview::thumbnail(line, &message.line_message_id).await;
    let small = match made.or_else(|why| whole.as_deref().and_then(picture::thumbnail).ok_or(why)) {
        Ok(small) => small,
        Err(why) => {
            let due = why.may_pass();
            if !due {
                metrics::counter!("ThumbnailsMissing").increment(1);
            }
            tracing::warn!(
                tenant.id = %job.tenant_id, message.id = %job.message_id, due, error = %Chain(&why),
                "no thumbnail"
            );
            return Ok(doc! { "media.thumbnailDue": due });
        }
    };
    let key = BlobKey::media(&job.tenant_id, &job.message_id, MediaPart::Thumbnail);
    let stored = blobs.put(&key, "image/jpeg", Bytes::from(small)).await?;
    Ok(doc! {
        "media.thumbnailDue": false, "media.thumbnailKey": key.as_str(),
        "media.thumbnailSize": i64::try_from(stored.size).unwrap_or(i64::MAX),
    })
}

/// Notes the outcome, unless the message was unsent meanwhile: then what was stored goes again.
async fn settle(
    context: &Context,
    store: &TenantStore,
    job: &MediaJob,
    id: ObjectId,
    goal: Goal,
    mut set: Document,
) -> Result<(), RecordError> {
    let now = context.clock.now();
    set.insert("updatedAt", date(now));
    let still_wanted = doc! { "_id": id, "media.status": goal.status() };
    let mut update = doc! { "$set": set, "$inc": { "__v": 1 } };
    if update.get_document("$set").is_ok_and(|set| set.contains_key("media.key"))
        && context.tenants.organization(&job.tenant_id).await?.levels_at(now).is_full(Limit::Storage)
    {
        // LINE would not keep it for us: it is stored all the same.
        update.insert("$addToSet", doc! { "overLimits": Limit::Storage.as_str() });
    }
    if store.collection::<Message>().update(still_wanted, update).await? {
        return Ok(());
    }
    context.faults.boundary("media.unsent_meanwhile")?;
    let now = store.collection::<Message>().get(id).await?.and_then(|m| m.media).map(|m| m.status);
    match now {
        Some(MediaStatus::Erasing | MediaStatus::Erased) => erase(context, store, job, id).await,
        // Somebody else stored the same content under the same key.
        _ => Ok(()),
    }
}

async fn erase(
    context: &Context,
    store: &TenantStore,
    job: &MediaJob,
    id: ObjectId,
) -> Result<(), RecordError> {
    let blobs = blobs(context, job).await?;
    for part in [MediaPart::Original, MediaPart::Thumbnail] {
        blobs.erase(&BlobKey::media(&job.tenant_id, &job.message_id, part)).await?;
    }
    context.faults.boundary("media.erased")?;
    let update = doc! {
        "$set": { "media.status": "erased", "updatedAt": date(context.clock.now()) },
        "$unset": { "media.key": "", "media.thumbnailKey": "", "media.thumbnailSize": "" },
        "$inc": { "__v": 1 },
    };
    store.collection::<Message>().update(doc! { "_id": id, "media.status": "erasing" }, update).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (1..=12).map(|a| delay(a).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]);
    }

    #[test]
    fn it_is_given_up_after_about_a_day() {
        let hours = (1..=MAX_ATTEMPTS).map(|a| delay(a).as_secs()).sum::<u64>() / 3_600;
        assert_eq!(hours, 23);
    }
}
