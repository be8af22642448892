//! The conversation a group of queue messages is about, and the ids derived from it.

use bson::oid::ObjectId;
use matome_domain::ids::{ChannelId, ConversationId, TenantId};
use matome_store::id::derived;

/// One conversation of one channel of one tenant: a FIFO group, a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoomKey {
    /// Tenant.
    pub tenant: TenantId,
    /// Channel.
    pub channel: ChannelId,
    /// Conversation.
    pub conversation: ConversationId,
}

impl RoomKey {
    /// The room's `_id`.
    #[must_use]
    pub fn room_id(&self) -> ObjectId {
        derived(&["room", self.tenant.as_str(), self.channel.as_str(), self.conversation.as_str()])
    }

    /// The `_id` of a LINE message of this channel.
    #[must_use]
    pub fn message_id(&self, line_message_id: &str) -> ObjectId {
        derived(&["message", self.tenant.as_str(), self.channel.as_str(), line_message_id])
    }

    /// The `_id` of an event of this channel.
    #[must_use]
    pub fn event_id(&self, event_id: &str) -> ObjectId {
        derived(&["event", self.tenant.as_str(), self.channel.as_str(), event_id])
    }

    /// The `_id` of a person, whichever room they are in.
    #[must_use]
    pub fn user_id(&self, line_user_id: &str) -> ObjectId {
        derived(&["user", self.tenant.as_str(), line_user_id])
    }

    /// The `_id` of a person's membership of this room.
    #[must_use]
    pub fn member_id(&self, user: ObjectId) -> ObjectId {
        derived(&["member", &self.room_id().to_hex(), &user.to_hex()])
    }

    /// The `_id` of this room's session number `number`.
    #[must_use]
    pub fn session_id(&self, number: u64) -> ObjectId {
        derived(&["session", &self.room_id().to_hex(), &number.to_string()])
    }

    /// The `_id` of an outbox entry, by what caused it.
    #[must_use]
    pub fn outbox_id(&self, what: &str, cause: &str) -> ObjectId {
        derived(&["outbox", self.tenant.as_str(), self.channel.as_str(), what, cause])
    }
}
