//! What a summarizer reads: a session's talk, freed from how it was stored or where it came from
//! (LINE webhook, LINE's "export chat history", an evaluation file).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// One session's talk in time order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dialogue {
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
    /// Minutes east of UTC in which the people in the talk say "tomorrow"; 0 when unknown.
    #[serde(default)]
    pub utc_offset_minutes: i32,
}

/// One message of the talk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// The message's id; summaries cite it. Unique within the dialogue.
    pub id: String,
    /// Who spoke.
    pub speaker: Speaker,
    /// When, if known.
    pub at: Option<Timestamp>,
    /// What was sent.
    pub content: TurnContent,
}

/// Who spoke: the id tells people of one name apart, the name is what readers know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Speaker {
    /// Stable id of the person within the dialogue.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// What a turn carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum TurnContent {
    /// Plain text.
    Text {
        /// The words.
        text: String,
    },
    /// A picture; `data` only where the provider can see and the picture was stored.
    Image {
        /// What an earlier look at it found, if any.
        description: Option<String>,
        /// The picture itself.
        #[serde(skip)]
        data: Option<ImageData>,
    },
    /// A video.
    Video,
    /// A voice message.
    Audio,
    /// A file.
    File {
        /// Its name.
        name: String,
    },
    /// A sticker.
    Sticker {
        /// LINE's keywords for it.
        keywords: Vec<String>,
    },
    /// A place.
    Location {
        /// Title or address as sent.
        label: String,
    },
}

impl TurnContent {
    /// The words of a text turn, `None` for every other kind.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            _ => None,
        }
    }
}

/// A picture's bytes for a provider that can see.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageData {
    /// Media type, such as `image/jpeg`.
    pub media_type: String,
    /// Encoded picture.
    pub bytes: Vec<u8>,
}
