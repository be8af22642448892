//! What is held of a person beside who they are: one list, which the export shows and the erasure goes by. A kind
//! that is added to it does not compile before both say what they do with it.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_store::entities::{AuditEntry, InboundEventRecord, Room, RoomMember, Summary, User};
use matome_store::{StoreError, TenantStore};
use strum::{IntoStaticStr, VariantArray};

/// A kind of it; written in camelCase it is the export's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "camelCase")]
pub(super) enum Kind {
    /// Their chats with the organization, which are called and described like them.
    Chats,
    /// What they are in rooms.
    Memberships,
    /// What they said and sent, and what was seen in their pictures.
    Messages,
    /// The sessions that they wrote in.
    Sessions,
    /// What summaries say of them.
    Summaries,
    /// What they thought of summaries.
    Ratings,
    /// What else LINE told of them: that they came, left, tapped on something.
    Events,
    /// What staff did about them.
    Audit,
}

impl Kind {
    /// As the export's list is called.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }
}

/// A person, and where to look for what is held of them.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) store: TenantStore,
    pub(super) user: User,
    pub(super) memberships: Vec<RoomMember>,
}

impl Held {
    pub(super) async fn of(store: &TenantStore, user: User) -> Result<Self, StoreError> {
        let theirs = doc! { "userId": user.id };
        let memberships = store.collection::<RoomMember>().find(theirs, doc! { "_id": 1 }, 0).await?;
        Ok(Self { store: store.clone(), user, memberships })
    }

    pub(super) async fn chats(&self) -> Result<Vec<ObjectId>, StoreError> {
        let alone = doc! {
            "_id": { "$in": self.rooms() }, "roomType": "individual", "lineUserId": &self.user.line_user_id,
        };
        self.store.collection::<Room>().ids(alone).await
    }

    /// Summaries, wherever they are or were: one can rate what one did not speak in.
    pub(super) async fn ratings(&self) -> Result<Vec<ObjectId>, StoreError> {
        self.store.collection::<Summary>().ids(self.in_rooms(doc! { "feedback.ratedBy": self.user.id })).await
    }

    /// Those of their events that `which` matches too.
    pub(super) async fn events(&self, which: Document) -> Result<Vec<ObjectId>, StoreError> {
        let mut theirs = self.in_rooms(which);
        theirs.insert("userId", self.user.id);
        self.store.collection::<InboundEventRecord>().ids(theirs).await
    }

    /// Entries about them, their memberships and their chats.
    pub(super) async fn audit(&self) -> Result<Vec<ObjectId>, StoreError> {
        let of_members = self.memberships.iter().map(|member| member.id);
        let targets = self.chats().await?.into_iter().chain(of_members).chain([self.user.id]);
        let targets: Vec<String> = targets.map(ObjectId::to_hex).collect();
        self.store.collection::<AuditEntry>().ids(doc! { "target.id": { "$in": targets } }).await
    }

    fn rooms(&self) -> Vec<ObjectId> {
        self.memberships.iter().map(|member| member.room_id).collect()
    }

    /// By the rooms, which is what these have an index on.
    fn in_rooms(&self, mut filter: Document) -> Document {
        filter.insert("roomId", doc! { "$in": self.rooms() });
        filter
    }
}
