//! What people sent besides text. LINE keeps it for a while only, and prepares video and audio
//! before handing them out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;

use super::request::{Call, classify, refusal, segment};
use super::{LineChannel, LineError};

/// A message's content.
#[derive(Debug)]
pub enum Content {
    /// Here it is.
    Ready {
        /// Media type as LINE says.
        content_type: Option<String>,
        /// Bytes as LINE says; absent on chunked answers.
        content_length: Option<u64>,
        /// The bytes.
        stream: ContentStream,
    },
    /// LINE is still preparing it (202): ask again later.
    Preparing,
    /// Taken back, or kept no longer (404, 410).
    Gone,
}

/// The bytes of a content as they arrive. Ends with an error when LINE breaks off.
pub struct ContentStream(Pin<Box<dyn Stream<Item = Result<Bytes, LineError>> + Send>>);

impl fmt::Debug for ContentStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentStream")
    }
}

impl Stream for ContentStream {
    type Item = Result<Bytes, LineError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Whether video or audio is ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transcoding {
    /// Not yet.
    Processing,
    /// Yes.
    Succeeded,
    /// Never.
    Failed,
    /// A status newer than this code.
    #[serde(untagged)]
    Other(String),
}

#[derive(Deserialize)]
struct Status {
    status: Transcoding,
}

impl LineChannel {
    /// The bytes of a picture, video, voice message or file.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn content(&self, message_id: &str) -> Result<Content, LineError> {
        self.download(format!("/v2/bot/message/{}/content", segment("messageId", message_id)?)).await
    }

    /// A smaller picture of a picture or video.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn content_preview(&self, message_id: &str) -> Result<Content, LineError> {
        self.download(format!("/v2/bot/message/{}/content/preview", segment("messageId", message_id)?)).await
    }

    /// Whether video or audio is ready; `None` when it is gone.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn transcoding(&self, message_id: &str) -> Result<Option<Transcoding>, LineError> {
        let path = format!("/v2/bot/message/{}/content/transcoding", segment("messageId", message_id)?);
        match self.find("content transcoding", Call::data(path)).await {
            Ok(found) => Ok(found.map(|s: Status| s.status)),
            Err(LineError::Rejected { status: 410, .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn download(&self, path: String) -> Result<Content, LineError> {
        let response = self.call(&Call::data(path)).await?;
        match response.status() {
            StatusCode::OK => {
                let header = |name| response.headers().get(name)?.to_str().ok();
                let content_type = header(CONTENT_TYPE).map(str::to_owned);
                let content_length = header(CONTENT_LENGTH).and_then(|v| v.parse().ok());
                let stream = ContentStream(Box::pin(response.bytes_stream().map(|r| r.map_err(classify))));
                Ok(Content::Ready { content_type, content_length, stream })
            }
            StatusCode::ACCEPTED => Ok(Content::Preparing),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Content::Gone),
            _ => Err(refusal(response).await),
        }
    }
}
