//! What people do in LINE.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::people::Place;

/// Somebody does something somewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// Where.
    pub place: Place,
    /// Who; not needed for what happens to the bot itself (`Join`, `Leave`).
    pub user: Option<String>,
    /// What.
    pub act: Act,
}

impl Deed {
    /// A text by `user` in `place`.
    #[must_use]
    pub fn text(place: &Place, user: &str, text: &str) -> Self {
        Self::new(place, user, Act::text(text))
    }

    /// `act` by `user` in `place`.
    #[must_use]
    pub fn new(place: &Place, user: &str, act: Act) -> Self {
        Self { place: place.clone(), user: Some(user.to_owned()), act }
    }
}

/// What somebody does. Fields named as in LINE's webhook events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Act {
    /// Writes. `@Name` of a member, the bot, or `@All` becomes a mention.
    Text {
        /// The words.
        text: String,
        /// The message this one quotes.
        #[serde(default)]
        quoted_message_id: Option<String>,
    },
    /// Sends a picture.
    Image {
        /// The picture.
        #[serde(flatten)]
        media: Media,
        /// `{id, index, total}` when sent with others.
        #[serde(default)]
        image_set: Option<Value>,
    },
    /// Sends a video.
    Video {
        /// The video.
        #[serde(flatten)]
        media: Media,
        /// Milliseconds.
        duration: u64,
    },
    /// Sends a voice message.
    Audio {
        /// The recording.
        #[serde(flatten)]
        media: Media,
        /// Milliseconds.
        duration: u64,
    },
    /// Sends a file.
    File {
        /// The file.
        #[serde(flatten)]
        media: Media,
        /// Its name.
        file_name: String,
    },
    /// Sends a place.
    Location {
        /// Name.
        title: String,
        /// Address.
        address: String,
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
    },
    /// Sends a sticker.
    Sticker {
        /// Package.
        package_id: String,
        /// Sticker.
        sticker_id: String,
        /// LINE's words for it.
        #[serde(default)]
        keywords: Vec<String>,
    },
    /// Takes a message back: its content is gone (410).
    Unsend {
        /// The message.
        message_id: String,
    },
    /// Edits a text.
    Edit {
        /// The message.
        message_id: String,
        /// The new words.
        text: String,
    },
    /// Adds or unblocks the account.
    Follow,
    /// Blocks the account.
    Unfollow,
    /// The bot joins the group or room.
    Join,
    /// The bot leaves the group or room.
    Leave,
    /// People join.
    MemberJoined {
        /// Who.
        user_ids: Vec<String>,
    },
    /// People leave.
    MemberLeft {
        /// Who.
        user_ids: Vec<String>,
    },
    /// Taps a postback button.
    Postback {
        /// The button's data.
        data: String,
        /// What a date picker adds.
        #[serde(default)]
        params: Option<Map<String, Value>>,
    },
    /// Comes near a beacon.
    Beacon {
        /// The beacon.
        hwid: String,
        /// `enter`, `banner` or `stay`.
        kind: String,
    },
    /// Anything else, also what LINE has not invented yet: the event's `type`, and fields that are
    /// put over the usual ones (`null` removes one).
    Raw {
        /// `type`.
        event_type: String,
        /// Fields.
        #[serde(default)]
        fields: Map<String, Value>,
    },
}

impl Act {
    /// Writes.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text { text: text.to_owned(), quoted_message_id: None }
    }

    /// Taps a postback button.
    #[must_use]
    pub fn tap(data: &str) -> Self {
        Self::Postback { data: data.to_owned(), params: None }
    }
}

/// What a message carries besides text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Media {
    /// The bytes, base64 in JSON.
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
    /// Media type.
    pub content_type: String,
    /// How many requests are answered 202 before the content is ready.
    pub preparing: u32,
    /// It is never ready: LINE answers 202, and says that preparing it failed.
    pub unprepared: bool,
    /// LINE has it no more (404).
    pub expired: bool,
    /// The preview that LINE makes of a picture or video, base64 in JSON. When empty, a picture is its own
    /// preview and a video has none (404).
    #[serde(with = "base64_bytes")]
    pub preview: Vec<u8>,
}

impl Media {
    /// Content that is ready at once.
    #[must_use]
    pub fn new(content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), content_type: content_type.to_owned(), ..Self::default() }
    }
}

mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}
