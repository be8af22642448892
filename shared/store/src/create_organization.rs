//! An organization arrives with its default room, or not at all (seed 000, `createOrganization`).

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::ids::TenantId;
use mongodb::ClientSession;

use crate::collection::encode;
use crate::entities::{Organization, Presence, Room, RoomMetadata, RoomSettings, RoomStatistics, RoomType};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::id::derived;
use crate::store::{Store, TenantStore};

/// How often a colliding creation is tried.
const ATTEMPTS: u32 = 8;

/// The id of a tenant's default room.
#[must_use]
pub fn default_room_id(tenant: &str) -> ObjectId {
    derived(&["default room", tenant])
}

/// The seed's default room, "General": staff can write in it, LINE does not know it, and nothing is
/// ever pushed to it.
#[must_use]
pub fn default_room(tenant: &str, now: DateTime) -> Room {
    Room {
        id: default_room_id(tenant),
        tenant_id: tenant.to_owned(),
        channel_id: Room::NO_CHANNEL.to_owned(),
        conversation_id: "general".to_owned(),
        room_type: RoomType::Group,
        line_room_id: None,
        line_group_id: None,
        line_user_id: None,
        name: Some("General".to_owned()),
        renamed: false,
        description: None,
        avatar: None,
        // 50 messages and 24 hours are inherited: the seed's defaults are ours.
        settings: RoomSettings {
            auto_close: Some(true),
            ai_enabled: Some(true),
            notification_enabled: Some(true),
            privacy: Some("private".to_owned()),
            ..RoomSettings::default()
        },
        metadata: RoomMetadata::default(),
        statistics: RoomStatistics {
            total_sessions: 0,
            total_messages: 0,
            total_images: 0,
            active_sessions: 0,
            last_activity_at: now,
        },
        usage: Vec::new(),
        over_limits: Vec::new(),
        status: "active".to_owned(),
        archived_at: None,
        presence: Presence::Absent,
        presence_at: now,
        mode: None,
        last_session_number: 0,
        waiting_summary_id: None,
        refresh_at: DateTime::MAX,
        deleted_at: None,
        deleted_by: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

impl Store {
    /// Writes an organization and its default room in one transaction; whether it was missing. An
    /// organization that is there is left as it is, and gets its room if that is missing.
    ///
    /// For a tenant whose data lives in this cluster. In another one there is no common transaction:
    /// call [`TenantStore::create_default_room`] there first, then
    /// [`Self::create_organization_only`]; each can be done again.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then.
    pub async fn create_organization(&self, organization: &Organization) -> Result<bool, StoreError> {
        let id = TenantId::new(organization.id.to_hex()).expect("hexadecimal digits are a valid id");
        let tenant = self.tenant(&id, organization.placement);
        let room = default_room(id.as_str(), organization.created_at);
        let platform = self.platform();
        let rooms = tenant.database.collection::<Document>(&tenant.name::<Room>());
        let organizations = platform.collection::<Document>(Organization::COLLECTION);
        let (organization, room) = (encode(organization)?, encode(&room)?);
        let mut attempts = 0;
        loop {
            let mut session = self.client.start_session().await?;
            session.start_transaction().await?;
            let outcome = async {
                let created = insert_once(&organizations, &organization, &mut session).await?;
                insert_once(&rooms, &room, &mut session).await?;
                session.commit_transaction().await?;
                Ok::<bool, StoreError>(created)
            };
            match outcome.await {
                Ok(created) => return Ok(created),
                Err(error) => {
                    // The server drops it anyway; the first error is the one that matters.
                    let _ = session.abort_transaction().await;
                    attempts += 1;
                    if !error.is_transient() || attempts >= ATTEMPTS {
                        return Err(error);
                    }
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(4 << attempts)).await;
        }
    }

    /// The organization alone; whether it was missing. See [`Self::create_organization`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_organization_only(&self, organization: &Organization) -> Result<bool, StoreError> {
        let organizations = self.platform().collection::<Document>(Organization::COLLECTION);
        let document = encode(organization)?;
        let filter = doc! { "_id": organization.id };
        let update = doc! { "$setOnInsert": document };
        Ok(organizations.update_one(filter, update).upsert(true).await?.upserted_id.is_some())
    }
}

impl TenantStore {
    /// The default room alone; whether it was missing. See [`Store::create_organization`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_default_room(&self, now: DateTime) -> Result<bool, StoreError> {
        let rooms = self.database.collection::<Document>(&self.name::<Room>());
        let room = default_room(self.tenant.as_str(), now);
        let filter = doc! { "_id": room.id };
        let update = doc! { "$setOnInsert": encode(&room)? };
        Ok(rooms.update_one(filter, update).upsert(true).await?.upserted_id.is_some())
    }
}

async fn insert_once(
    collection: &mongodb::Collection<Document>,
    document: &Document,
    session: &mut ClientSession,
) -> Result<bool, StoreError> {
    let filter = doc! { "_id": document.get("_id") };
    let update = doc! { "$setOnInsert": document.clone() };
    let outcome = collection.update_one(filter, update).upsert(true).session(session).await?;
    Ok(outcome.upserted_id.is_some())
}
