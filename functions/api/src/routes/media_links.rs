//! Links to media that expire: signed with the rights of one tenant, so that a wrong key meets IAM too.

use std::time::Duration;

use matome_runtime::blobs::{BlobKey, Blobs};
use matome_runtime::scoped::TenantAccess;
use matome_store::entities::{Media, MediaStatus, Message};
use matome_store::time::date;
use matome_store::value::Time;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::context::App;
use crate::guard::Tenant;
use crate::http::Problem;

/// How long a link holds: as long as the session that signs it surely lives.
pub(super) const VALID_FOR: Duration = TenantAccess::REMAINING;

/// Where a message's picture, video, voice or file can be fetched for a while.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = links_example())]
pub(super) struct MediaLinks {
    /// Whoever has it can read the file: not for logs.
    url: String,
    /// Its small picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    /// Media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<String>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<i64>,
    /// When the links end; absent for what is held elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
}

fn links_example() -> Value {
    json!({
        "url": "https://bucket.s3.ap-northeast-1.amazonaws.com/tenants/671f0a2b9d3c4e5f60718290/media/671f0a2b9d3c4e5f60718299/original?X-Amz-Signature=…",
        "mimeType": "image/jpeg", "fileSize": 48213, "expiresAt": "2026-11-20T09:35:00.000Z",
    })
}

/// A link to one of the tenant's blobs and when it ends.
pub(super) async fn link(
    app: &App,
    blobs: &Blobs,
    key: &BlobKey,
    name: &str,
    media_type: &str,
) -> Result<(String, Time), Problem> {
    let url = blobs.presigned_get(key, VALID_FOR, name, media_type).await.map_err(Problem::unavailable)?;
    Ok((url, date(app.clock.now().plus(VALID_FOR)).into()))
}

/// The links to a message's media; `None` where there are none to be had.
pub(super) async fn of_message(
    app: &App,
    tenant: &Tenant,
    message: &Message,
) -> Result<Option<MediaLinks>, Problem> {
    let Some(media) = &message.media else { return Ok(None) };
    match media.status {
        MediaStatus::Stored => stored(app, tenant, message, media).await,
        MediaStatus::External => Ok(media.original_url.clone().map(|url| MediaLinks {
            url,
            thumbnail_url: media.preview_url.clone(),
            mime_type: media.mime_type.clone(),
            file_size: media.file_size,
            expires_at: None,
        })),
        MediaStatus::Pending
        | MediaStatus::Gone
        | MediaStatus::Failed
        | MediaStatus::Erasing
        | MediaStatus::Erased => Ok(None),
    }
}

async fn stored(
    app: &App,
    tenant: &Tenant,
    message: &Message,
    media: &Media,
) -> Result<Option<MediaLinks>, Problem> {
    let key = |stored: &Option<String>| stored.as_deref().and_then(|key| BlobKey::of_tenant(&tenant.id, key));
    let Some(original) = key(&media.key) else { return Ok(None) };
    let blobs = app.blobs(&tenant.id).await?;
    let media_type = media.mime_type.as_deref().unwrap_or_default();
    let (url, expires_at) = link(app, &blobs, &original, &name(message, media), media_type).await?;
    let thumbnail_url = match key(&media.thumbnail_key) {
        Some(small) => Some(link(app, &blobs, &small, "thumbnail.jpg", "image/jpeg").await?.0),
        None => None,
    };
    Ok(Some(MediaLinks {
        url,
        thumbnail_url,
        mime_type: media.mime_type.clone(),
        file_size: media.file_size,
        expires_at: Some(expires_at),
    }))
}

/// As the sender called it; else by the message's id, with the ending that its type usually has.
fn name(message: &Message, media: &Media) -> String {
    let sent = message.file_data.as_ref().map(|file| file.file_name.clone());
    sent.or_else(|| media.file_name.clone()).unwrap_or_else(|| {
        let ending = match media.mime_type.as_deref() {
            Some("image/jpeg") => ".jpg",
            Some("image/png") => ".png",
            Some("image/gif") => ".gif",
            Some("video/mp4") => ".mp4",
            Some("audio/x-m4a" | "audio/mp4" | "audio/m4a") => ".m4a",
            _ => "",
        };
        format!("{}{ending}", message.id.to_hex())
    })
}
