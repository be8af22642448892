//! Thumbnails from the preview that LINE keeps of a picture or video: the original, which may be large,
//! never has to be in memory for one, and videos have one too.

use std::time::Duration;

use futures::TryStreamExt;
use matome_line::client::{Content, LineChannel, LineError};

use crate::picture;

/// What a thumbnail is made from is no larger: LINE's own limit for the preview of a picture that is sent to it.
pub const MAX_BYTES: usize = 1024 * 1024;
/// For the whole preview: a thumbnail is not worth waiting for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// LINE failed or refused.
    #[error(transparent)]
    Line(#[from] LineError),
    /// LINE is still making it.
    #[error("LINE is preparing the preview")]
    Preparing,
    /// LINE has none.
    #[error("LINE has no preview")]
    None,
    /// It would take too much memory.
    #[error("the preview is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// LINE hangs.
    #[error("the preview did not come within {} s", PATIENCE.as_secs())]
    Late(#[from] tokio::time::error::Elapsed),
    /// It is not what a preview should be.
    #[error("the preview is no picture, or too large to decode")]
    Unreadable,
}

impl Missing {
    /// Whether there may be one later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Line(error) => error.is_transient(),
            Self::Preparing | Self::Late(_) => true,
            Self::None | Self::TooLarge | Self::Unreadable => false,
        }
    }
}

/// A JPEG of at most 240 pixels a side.
///
/// # Errors
/// [`Missing`].
pub async fn thumbnail(line: &LineChannel, line_message_id: &str) -> Result<Vec<u8>, Missing> {
    let preview = tokio::time::timeout(PATIENCE, fetch(line, line_message_id)).await??;
    picture::thumbnail(&preview).ok_or(Missing::Unreadable)
}

async fn fetch(line: &LineChannel, line_message_id: &str) -> Result<Vec<u8>, Missing> {
    let mut stream = match line.content_preview(line_message_id).await? {
        Content::Ready { stream, .. } => stream,
        Content::Preparing => return Err(Missing::Preparing),
        Content::Gone => return Err(Missing::None),
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
