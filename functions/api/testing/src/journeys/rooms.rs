//! Rooms, who is in them, and what was said there.

use bson::doc;
use matome_domain::clock::Clock;
use matome_runtime::blobs::{BlobKey, MediaPart};
use matome_store::entities::{Media, MediaStatus, Message, Session, SessionStatus};
use matome_store::id::{derived, document_id};
use matome_store::time::date;
use matome_testing::fixtures;
use serde_json::{Value, json};

use super::traveller::{Messenger, Traveller, id};

pub(super) async fn rooms(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let room = on.as_owner("createRoom", &[], json!({ "name": on.name("room") })).await?;
    let room = id(&room);
    on.as_owner("updateRoom", &[room], json!({ "name": "Complaints", "settings": { "aiEnabled": false } }))
        .await?;
    let user = on.as_owner("createUser", &[], json!({ "displayName": on.name("user") })).await?;
    let new = json!({ "roomId": room, "userId": user["id"] });
    let member = on.as_owner("createRoomMember", &[room], new).await?;
    let member = id(&member);
    let flags = json!({ "permissions": { "canExportData": true } });
    on.as_owner("updateRoomMember", &[room, member], flags).await?;
    on.as_owner("banRoomMember", &[room, member], Value::Null).await?;
    on.as_owner("unbanRoomMember", &[room, member], Value::Null).await?;
    on.as_owner("deleteRoomMember", &[room, member], Value::Null).await?;
    on.as_owner("restoreRoomMember", &[room, member], Value::Null).await?;
    on.as_owner("archiveRoom", &[room], Value::Null).await?;
    on.as_owner("unarchiveRoom", &[room], Value::Null).await?;
    on.as_owner("deleteRoom", &[room], Value::Null).await?;
    on.as_owner("restoreRoom", &[room], Value::Null).await?;
    // So that a plan's rooms are not used up.
    on.as_owner("deleteRoom", &[room], Value::Null).await?;
    Ok(())
}

pub(super) async fn talk(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let now = on.stage.world.system.clock.now();
    let room = fixtures::room(on.tenant, &on.name("Ctalk"));
    on.put(&room).await?;
    let at = room.id.to_hex();
    on.as_owner("openSession", &[&at], Value::Null).await?;
    // As the recorder does then.
    let session = fixtures::session(&room, 1, SessionStatus::Active, now);
    on.put(&session).await?;
    on.as_owner("getActiveSession", &[&at], Value::Null).await?;
    let picture = picture(on, &session)?;
    on.put(&picture).await?;
    on.as_owner("getMessageMedia", &[&picture.id.to_hex()], Value::Null).await?;
    on.as_owner("closeActiveSession", &[&at], Value::Null).await?;
    // As the recorder and the summarizer do then.
    let mut summary = fixtures::summary(&session);
    summary.renew_search();
    on.put(&summary).await?;
    let closed = doc! { "$set": { "status": "closed", "endTime": date(now), "summary": summary.id } };
    on.tenant.store.collection::<Session>().update(doc! { "_id": session.id }, closed).await?;
    let style = json!({ "language": "ja", "style": "bullet_points" });
    on.as_owner("summarizeSession", &[&session.id.to_hex()], style.clone()).await?;
    let at = summary.id.to_hex();
    on.as_owner("updateSummary", &[&at], json!({ "visibility": "organization" })).await?;
    on.as_owner("rateSummary", &[&at], json!({ "rating": 4, "comment": "The date is missing" })).await?;
    on.as_owner("regenerateSummary", &[&at], style).await?;
    on.as_owner("deleteSummary", &[&at], Value::Null).await?;
    on.as_owner("restoreSummary", &[&at], Value::Null).await?;
    on.as_owner("deleteRoom", &[&room.id.to_hex()], Value::Null).await?;
    Ok(())
}

/// A message with a picture in the bucket.
fn picture(on: &Traveller<'_, impl Messenger>, session: &Session) -> anyhow::Result<Message> {
    let id = derived(&["picture", &session.id.to_hex()]);
    let at = session.start_time;
    let message = doc! {
        "_id": id, "tenantId": &session.tenant_id, "channelId": &session.channel_id, "sessionId": session.id,
        "roomId": session.room_id, "lineMessageId": id.to_hex(), "messageType": "image", "status": "delivered",
        "timestamp": at, "createdAt": at, "updatedAt": at, "__v": 0_i64,
    };
    let mut message: Message = bson::deserialize_from_document(message)?;
    let key = BlobKey::media(&on.tenant.id, &document_id(id), MediaPart::Original);
    message.media = Some(Media {
        status: MediaStatus::Stored,
        key: Some(key.as_str().to_owned()),
        mime_type: Some("image/jpeg".to_owned()),
        file_size: Some(6),
        ..Media::pending()
    });
    Ok(message)
}
