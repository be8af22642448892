//! Names and pictures of people and groups: fetched once, fetched again when stale.
//!
//! Nobody waits for them: what fails is logged, counted and tried again with a later message.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::future::join_all;
use matome_domain::clock::Timestamp;
use matome_line::client::{LineChannel, LineError, Profile};
use matome_runtime::lambda::Chain;
use matome_store::entities::{Room, RoomType, User};
use matome_store::time::date;
use matome_store::{Entity, TenantStore};

use crate::context::Context;
use crate::decide::Stale;
use crate::error::RecordError;
use crate::room_key::RoomKey;

/// How long a name is believed.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// How long LINE is left alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// How long the recorder waits for LINE.
const PATIENCE: Duration = Duration::from_secs(3);

/// Fetches what is stale, all rooms at once.
pub async fn refresh(context: &Context, store: &TenantStore, stale: &[Stale]) {
    join_all(stale.iter().map(|stale| refresh_room(context, store, stale))).await;
}

async fn refresh_room(context: &Context, store: &TenantStore, stale: &Stale) {
    let key = &stale.key;
    let Some(kind) = room_type(key) else { return };
    let line = match context.channels.line(&context.tenants, &key.tenant, &key.channel).await {
        Ok(line) => line,
        Err(error) => return failed(key, &error.into()),
    };
    let users = stale.users.iter().map(|(id, line_id)| user(context, store, key, &line, kind, *id, line_id));
    let (users, room) = tokio::join!(join_all(users), async {
        if stale.room { self::room(context, store, key, &line, kind).await } else { Ok(()) }
    });
    for error in users.into_iter().chain([room]).filter_map(Result::err) {
        failed(key, &error);
    }
}

/// LINE's ids start with `U`, `C` or `R`.
fn room_type(key: &RoomKey) -> Option<RoomType> {
    match key.conversation.as_str().as_bytes().first() {
        Some(b'U') => Some(RoomType::Individual),
        Some(b'C') => Some(RoomType::Group),
        Some(b'R') => Some(RoomType::MultiPerson),
        _ => None,
    }
}

async fn user(
    context: &Context,
    store: &TenantStore,
    key: &RoomKey,
    line: &LineChannel,
    kind: RoomType,
    id: ObjectId,
    line_id: &str,
) -> Result<(), RecordError> {
    let profile = async {
        match kind {
            RoomType::Individual => line.profile(line_id).await,
            RoomType::Group => line.group_member_profile(key.conversation.as_str(), line_id).await,
            RoomType::MultiPerson => line.room_member_profile(key.conversation.as_str(), line_id).await,
        }
    };
    let found = patiently(context, key, profile).await;
    let set = found.as_ref().ok().and_then(Option::as_ref).map(user_fields).unwrap_or_default();
    keep::<User>(context, store, id, set, found.is_ok()).await?;
    if kind == RoomType::Individual {
        let mut set = Document::new();
        if let Ok(Some(profile)) = &found {
            set.insert("name", &profile.display_name);
            if let Some(picture) = &profile.picture_url {
                set.insert("avatar", picture);
            }
        }
        keep::<Room>(context, store, key.room_id(), set, found.is_ok()).await?;
    }
    found.map(drop)
}

async fn room(
    context: &Context,
    store: &TenantStore,
    key: &RoomKey,
    line: &LineChannel,
    kind: RoomType,
) -> Result<(), RecordError> {
    match kind {
        RoomType::Group => {
            let found = patiently(context, key, line.group_summary(key.conversation.as_str())).await;
            let mut set = Document::new();
            if let Ok(Some(group)) = &found {
                set.insert("name", &group.group_name);
                if let Some(picture) = &group.picture_url {
                    set.insert("avatar", picture);
                }
            }
            keep::<Room>(context, store, key.room_id(), set, found.is_ok()).await?;
            found.map(drop)
        }
        // Multi-person chats have no name; a 1:1 chat is called after the person, by `user`.
        RoomType::MultiPerson => keep::<Room>(context, store, key.room_id(), Document::new(), true).await,
        RoomType::Individual => Ok(()),
    }
}

fn user_fields(profile: &Profile) -> Document {
    let mut set = doc! { "displayName": &profile.display_name };
    for (field, value) in [
        ("pictureUrl", &profile.picture_url),
        ("statusMessage", &profile.status_message),
        ("profile.language", &profile.language),
    ] {
        if let Some(value) = value {
            set.insert(field, value);
        }
    }
    set
}

/// Waits for LINE, not for long, and has the channel's health say how it went.
async fn patiently<T>(
    context: &Context,
    key: &RoomKey,
    call: impl Future<Output = Result<T, LineError>>,
) -> Result<T, RecordError> {
    let found = tokio::time::timeout(PATIENCE, call).await;
    let found = found.unwrap_or(Err(LineError::Unavailable { status: 504 }));
    let error = found.as_ref().err().map(LineError::code);
    context.health.called(key.tenant.as_str(), key.channel.as_str(), error.as_deref());
    Ok(found?)
}

async fn keep<E: Entity>(
    context: &Context,
    store: &TenantStore,
    id: ObjectId,
    mut set: Document,
    fetched: bool,
) -> Result<(), RecordError> {
    let now: Timestamp = context.clock.now();
    // The name that staff gave a room stays.
    if let Some(name) = set.remove("name") {
        let unless_renamed = doc! { "_id": id, "renamed": { "$ne": true } };
        store.collection::<E>().update(unless_renamed, doc! { "$set": { "name": name } }).await?;
    }
    set.insert("refreshAt", date(now.plus(if fetched { FRESH } else { AFTER_FAILURE })));
    store.collection::<E>().update(doc! { "_id": id }, doc! { "$set": set }).await?;
    Ok(())
}

fn failed(key: &RoomKey, error: &RecordError) {
    metrics::counter!("ProfilesFailed").increment(1);
    tracing::warn!(
        tenant.id = %key.tenant, channel.id = %key.channel, room.id = %key.room_id(),
        error = %Chain(error), "a profile could not be fetched"
    );
}
