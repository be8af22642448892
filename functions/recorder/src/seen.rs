//! What is kept of content that streams by, to tell how large it is in pixels.

use crate::picture;
use crate::preview;
use crate::video::Video;

/// Of a picture's beginning: its size in pixels is read from it (a JPEG says it after its camera's notes: 64 KB a
/// piece, a few pieces), and the thumbnail made, where it is the whole picture.
const HEAD: usize = preview::MAX_BYTES;

/// By the kind of message.
#[derive(Debug)]
pub enum Seen {
    /// A picture's beginning.
    Picture(Vec<u8>),
    /// A video's description.
    Video(Video),
    /// Sound and files are not looked at.
    Nothing,
}

impl Seen {
    /// Nothing yet, of the content of a message of LINE's `message_type`.
    #[must_use]
    pub fn of(message_type: &str) -> Self {
        match message_type {
            "image" => Self::Picture(Vec::new()),
            "video" => Self::Video(Video::default()),
            _ => Self::Nothing,
        }
    }

    /// Takes the next bytes.
    pub fn see(&mut self, bytes: &[u8]) {
        match self {
            Self::Picture(head) => head.extend_from_slice(&bytes[..bytes.len().min(HEAD - head.len())]),
            Self::Video(video) => video.see(bytes),
            Self::Nothing => {}
        }
    }

    /// Width and height in pixels, where the content says so.
    #[must_use]
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        match self {
            Self::Picture(head) => picture::dimensions(head),
            Self::Video(video) => video.dimensions(),
            Self::Nothing => None,
        }
    }

    /// The whole of a picture of `size` bytes, where no more than that was seen of it.
    #[must_use]
    pub fn whole_picture(self, size: u64) -> Option<Vec<u8>> {
        match self {
            Self::Picture(head) => (head.len() as u64 == size).then_some(head),
            Self::Video(_) | Self::Nothing => None,
        }
    }
}
