//! Who takes part: channels, users, groups and rooms, as tests declare them.

use serde::{Deserialize, Serialize};

/// A channel to add. What is left out is made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewChannel {
    /// Ten digits at LINE.
    pub channel_id: Option<String>,
    /// 32 hexadecimal digits at LINE.
    pub channel_secret: Option<String>,
    /// The bot's user id, the `destination` of its webhooks.
    pub bot_user_id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Messages a month; `None` = no limit.
    pub quota: Option<u64>,
    /// Messages already sent this month.
    pub quota_used: u64,
}

/// A user to add. What is left out is made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewUser {
    /// `U` and 32 hexadecimal digits.
    pub user_id: Option<String>,
    /// Name.
    pub display_name: String,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// Picture.
    pub picture_url: Option<String>,
    /// Has not consented: events in groups and rooms come without `userId`.
    pub hides_user_id: bool,
}

impl NewUser {
    /// A user with this name.
    #[must_use]
    pub fn named(display_name: &str) -> Self {
        Self { display_name: display_name.to_owned(), ..Self::default() }
    }
}

/// A group or room to add. What is left out is made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewGroup {
    /// `C` (group) or `R` (room) and 32 hexadecimal digits.
    pub group_id: Option<String>,
    /// Name; rooms have none.
    pub name: String,
    /// Picture.
    pub picture_url: Option<String>,
    /// User ids of the members, bots not among them.
    pub members: Vec<String>,
    /// Channels whose bots are in it.
    pub channels: Vec<String>,
}

/// Where people talk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Place {
    /// The 1:1 chat with this user.
    User(String),
    /// A group.
    Group(String),
    /// A multi-person room.
    Room(String),
}

impl Place {
    /// The id that a push to the place is sent to.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Group(id) | Self::Room(id) => id,
        }
    }

    /// The place an id names, by its first letter.
    #[must_use]
    pub fn of_id(id: &str) -> Self {
        match id.as_bytes().first() {
            Some(b'C') => Self::Group(id.to_owned()),
            Some(b'R') => Self::Room(id.to_owned()),
            _ => Self::User(id.to_owned()),
        }
    }
}
