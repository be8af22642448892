//! Thumbnails from the preview that LINE keeps of a picture or video: the original, which may be large,
//! never has to be in memory for one, and videos have one too.

use std::time::Duration;

use futures::TryStreamExt;
use matome_domain::queue::MediaJob;
use matome_line::client::{Content, LineChannel, LineError};

use crate::picture;

/// LINE's own limit for the preview of a picture that is sent to it.
const MAX_BYTES: usize = 1024 * 1024;
/// For the whole preview: a thumbnail is not worth waiting for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is none.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("LINE has no preview")]
    None,
    #[error("the preview is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the preview did not come within {} s", PATIENCE.as_secs())]
    Late(#[from] tokio::time::error::Elapsed),
    #[error("the preview is no picture, or too large to decode")]
    Unreadable,
}

/// A JPEG of at most 240 pixels a side. `None`, logged and counted, when LINE has no preview or any step
/// fails: the content itself matters more than its thumbnail.
pub async fn thumbnail(line: &LineChannel, job: &MediaJob, line_message_id: &str) -> Option<Vec<u8>> {
    match shrink(line, line_message_id).await {
        Ok(thumbnail) => Some(thumbnail),
        Err(why) => {
            metrics::counter!("ThumbnailsMissing").increment(1);
            tracing::warn!(
                tenant.id = %job.tenant_id, message.id = %job.message_id,
                error = %matome_runtime::lambda::Chain(&why), "no thumbnail"
            );
            None
        }
    }
}

async fn shrink(line: &LineChannel, line_message_id: &str) -> Result<Vec<u8>, Missing> {
    let preview = tokio::time::timeout(PATIENCE, fetch(line, line_message_id)).await??;
    picture::thumbnail(&preview).ok_or(Missing::Unreadable)
}

async fn fetch(line: &LineChannel, line_message_id: &str) -> Result<Vec<u8>, Missing> {
    let Content::Ready { mut stream, .. } = line.content_preview(line_message_id).await? else {
        return Err(Missing::None);
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(Missing::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
