//! Where an event happened and who caused it.

use serde_json::Value;

/// `source` of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What kind of place.
    pub kind: SourceKind,
    /// Who; absent for people who have not consented, and for some older clients.
    pub user_id: Option<String>,
    /// The group, when the place is one.
    pub group_id: Option<String>,
    /// The multi-person room, when the place is one.
    pub room_id: Option<String>,
}

/// Kinds of places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A 1:1 chat.
    User,
    /// A group.
    Group,
    /// A multi-person room without a name.
    Room,
    /// A place newer than this code.
    Other(String),
}

impl Source {
    /// Reads a source; `None` only when it is not an object with a `type`.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let id = |name: &str| value.get(name)?.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
        let kind = match value.get("type")?.as_str()? {
            "user" => SourceKind::User,
            "group" => SourceKind::Group,
            "room" => SourceKind::Room,
            other => SourceKind::Other(other.to_owned()),
        };
        Some(Self { kind, user_id: id("userId"), group_id: id("groupId"), room_id: id("roomId") })
    }

    /// What the conversation is called: the group's id, else the room's, else the user's.
    #[must_use]
    pub fn conversation_id(&self) -> Option<&str> {
        self.group_id.as_deref().or(self.room_id.as_deref()).or(self.user_id.as_deref())
    }

    /// Whether more than one person can speak here.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.group_id.is_some() || self.room_id.is_some()
    }
}
