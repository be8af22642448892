//! Which rooms are hidden from somebody who does not see all of them.

use std::collections::BTreeSet;

use bson::doc;
use bson::oid::ObjectId;

use crate::entities::{Room, RoomMember};
use crate::error::StoreError;
use crate::store::TenantStore;

/// See the module. The ids of rooms; private rooms are few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HiddenRooms {
    /// Rooms not to be known of: private ones that the account is no member of.
    pub rooms: Vec<ObjectId>,
    /// Rooms whose talk is not to be read: those, and rooms where the account may not view history.
    pub talk: Vec<ObjectId>,
}

impl TenantStore {
    /// What is hidden from an account; two round trips at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hidden_rooms(&self, account: ObjectId) -> Result<HiddenRooms, StoreError> {
        let (rooms, members) = (self.collection::<Room>(), self.collection::<RoomMember>());
        let private = rooms.ids(doc! { "settings.privacy": "private" });
        let membership =
            members.find(doc! { "userId": account, "status": "active", "deletedAt": null }, doc! {}, 0);
        let (private, membership) = futures::try_join!(private, membership)?;
        let member_of: BTreeSet<ObjectId> = membership.iter().map(|member| member.room_id).collect();
        let hidden: Vec<ObjectId> = private.into_iter().filter(|room| !member_of.contains(room)).collect();
        let silent = membership.iter().filter(|member| !member.permissions.can_view_history);
        let talk = hidden.iter().copied().chain(silent.map(|member| member.room_id)).collect();
        Ok(HiddenRooms { rooms: hidden, talk })
    }
}
