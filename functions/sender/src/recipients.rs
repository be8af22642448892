//! Who a message reaches, and what a push to them costs: one message a recipient.

use bson::doc;
use matome_line::client::{LineChannel, LineError};
use matome_store::TenantStore;
use matome_store::entities::{OutboxEntry, RoomMember};

use crate::error::SendError;

/// The kind of conversation an id of LINE's names, by its first letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One person.
    User,
    /// A group.
    Group,
    /// A multi-person chat.
    Room,
}

impl Kind {
    pub(crate) fn of(conversation_id: &str) -> Self {
        match conversation_id.as_bytes().first() {
            Some(b'C') => Self::Group,
            Some(b'R') => Self::Room,
            _ => Self::User,
        }
    }
}

/// What a push of `entry` costs. LINE counts the members; where it does not tell (403 or 404, as
/// for accounts that are not verified), those we have seen in the room do.
pub(crate) async fn cost(
    store: &TenantStore,
    line: &LineChannel,
    entry: &OutboxEntry,
) -> Result<i64, SendError> {
    if entry.cost > 0 {
        return Ok(entry.cost);
    }
    let id = &entry.conversation_id;
    let count = match Kind::of(id) {
        Kind::User => return Ok(1),
        Kind::Group => line.group_member_count(id).await,
        Kind::Room => line.room_member_count(id).await,
    };
    match count {
        Ok(Some(count)) => Ok(i64::from(count).max(1)),
        Ok(None) | Err(LineError::Forbidden) => seen(store, entry).await,
        Err(error) => Err(error.into()),
    }
}

async fn seen(store: &TenantStore, entry: &OutboxEntry) -> Result<i64, SendError> {
    let Some(room) = entry.room_id else { return Ok(1) };
    let members = store.collection::<RoomMember>();
    let count = members.count(doc! { "roomId": room, "status": "active" }).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX).max(1))
}
