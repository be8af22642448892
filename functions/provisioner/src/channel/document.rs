//! The channel as operators and the API see it: `channels` in the platform's database.

use bson::{Document, doc};
use matome_domain::ids::ChannelId;
use matome_line::client::BotInfo;
use matome_runtime::keys::Sealed;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{
    Channel, ChannelFeatures, ChannelHealth, ChannelQuota, ChannelStatistics, ChannelStatus, Connection,
    LineConnection, Operation,
};
use matome_store::id::derived;
use matome_store::time::date;

use crate::error::ProvisionError;
use crate::step::Work;

/// The tenant's channel; `None` when nobody has connected it, or another tenant had it and disconnected it.
///
/// # Errors
/// [`ProvisionError::Refused`] when it is connected to another tenant.
pub(crate) async fn find(work: &Work<'_>, channel: &ChannelId) -> Result<Option<Channel>, ProvisionError> {
    let found = collection(work).find_one(doc! { "channelId": channel.as_str() }).await;
    match found.map_err(StoreError::from)? {
        Some(theirs) if theirs.tenant_id != work.tenant.as_str() => {
            if theirs.status == ChannelStatus::Inactive { Ok(None) } else { Err(taken()) }
        }
        found => Ok(found),
    }
}

/// Why a channel cannot be connected twice.
pub(crate) fn taken() -> ProvisionError {
    ProvisionError::Refused { field: "channelId", reason: "is connected to another tenant".to_owned() }
}

/// Writes what LINE says of the channel; it waits for its webhook to be verified then. What a
/// connected channel has gathered (statistics, health) stays.
pub(crate) async fn put(
    work: &Work<'_>,
    channel: &ChannelId,
    bot: &BotInfo,
    secret: &Sealed,
    webhook_url: &str,
) -> Result<(), ProvisionError> {
    let new = new(work, channel, bot, secret, webhook_url).await?;
    if find(work, channel).await?.is_none() {
        // What another tenant disconnected goes to whoever has the secret now.
        let left = doc! {
            "channelId": channel.as_str(), "tenantId": { "$ne": work.tenant.as_str() }, "status": "inactive",
        };
        collection(work).delete_one(left).await.map_err(StoreError::from)?;
        match collection(work).insert_one(&new).await.map_err(StoreError::from) {
            Ok(_) => return Ok(()),
            // Another tenant's operation may have been faster; the look below tells.
            Err(error) if error.is_duplicate() => drop(find(work, channel).await?),
            Err(error) => return Err(error.into()),
        }
    }
    let new = encode(&new)?;
    const FROM_LINE: [&str; 10] = [
        "name",
        "pictureUrl",
        "botUserId",
        "basicId",
        "premiumId",
        "chatMode",
        "markAsReadMode",
        "channelSecret",
        "webhookUrl",
        "webhookVerified",
    ];
    let mut set = doc! { "status": "pending_verification", "updatedAt": date(work.context.clock.now()) };
    let mut unset = Document::new();
    for name in FROM_LINE {
        match new.get(name) {
            Some(value) => drop(set.insert(name, value.clone())),
            None => drop(unset.insert(name, "")),
        }
    }
    change(work, channel, set, unset).await
}

/// The channel's new secret.
pub(crate) async fn put_secret(
    work: &Work<'_>,
    channel: &ChannelId,
    secret: &Sealed,
) -> Result<(), ProvisionError> {
    let set = doc! { "channelSecret": secret.as_str(), "updatedAt": date(work.context.clock.now()) };
    change(work, channel, set, Document::new()).await
}

/// LINE's test succeeded: the channel is in use.
pub(crate) async fn put_verified(
    work: &Work<'_>,
    channel: &ChannelId,
    receives: bool,
    quota: Option<ChannelQuota>,
) -> Result<(), ProvisionError> {
    let now = date(work.context.clock.now());
    let mut set = doc! {
        "webhookVerified": true, "verifiedAt": now, "status": "active", "updatedAt": now,
        "health.tokenState": "valid", "health.tokenCheckedAt": now,
    };
    if let Some(quota) = quota {
        set.insert("health.quota", encode(&quota)?);
    }
    if !receives {
        // LINE's test works all the same, and then nothing ever comes.
        set.insert("health.lastError", doc! { "at": now, "code": "webhook_off" });
    }
    change(work, channel, set, Document::new()).await
}

/// The channel is in use no more, and what would let somebody speak for it is gone. What it has gathered stays.
pub(crate) async fn put_disconnected(work: &Work<'_>, channel: &ChannelId) -> Result<(), ProvisionError> {
    let set = doc! {
        "status": "inactive", "webhookVerified": false, "health.tokenState": "unknown",
        "updatedAt": date(work.context.clock.now()),
    };
    let unset =
        doc! { "channelSecret": "", "channelAccessToken": "", "verifiedAt": "", "health.tokenCheckedAt": "" };
    change(work, channel, set, unset).await
}

/// Forgets the secrets that operations on the channel were asked for with: those cannot be tried again.
pub(crate) async fn forget_secrets(work: &Work<'_>, channel: &ChannelId) -> Result<(), ProvisionError> {
    let of_channel = doc! {
        "tenantId": work.tenant.as_str(), "input.channelId": channel.as_str(), "input.secret": { "$exists": true },
    };
    let operations = work.context.tenants.platform().platform_collection::<Operation>();
    let forget = doc! { "$unset": { "input.secret": "" } };
    operations.update_many(of_channel, forget).await.map_err(StoreError::from)?;
    Ok(())
}

/// Removes the channel. Fine when it is not there.
pub(crate) async fn remove(work: &Work<'_>, channel: &ChannelId) -> Result<(), ProvisionError> {
    let ours = doc! { "channelId": channel.as_str(), "tenantId": work.tenant.as_str() };
    collection(work).delete_one(ours).await.map_err(StoreError::from)?;
    Ok(())
}

async fn change(
    work: &Work<'_>,
    channel: &ChannelId,
    set: Document,
    unset: Document,
) -> Result<(), ProvisionError> {
    let mut update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    let ours = doc! { "channelId": channel.as_str(), "tenantId": work.tenant.as_str() };
    let changed = collection(work).update_one(ours, update).await.map_err(StoreError::from)?;
    if changed.matched_count == 0 { Err(unknown()) } else { Ok(()) }
}

/// Why nothing can be done to a channel.
pub(crate) fn unknown() -> ProvisionError {
    ProvisionError::Refused { field: "channelId", reason: "is not a channel of this tenant".to_owned() }
}

async fn new(
    work: &Work<'_>,
    channel: &ChannelId,
    bot: &BotInfo,
    secret: &Sealed,
    webhook_url: &str,
) -> Result<Channel, ProvisionError> {
    let organization = work.context.tenants.organization(work.tenant).await?;
    let now = date(work.context.clock.now());
    Ok(Channel {
        id: derived(&["channel", channel.as_str()]),
        tenant_id: work.tenant.to_string(),
        owner_id: organization.owner_id,
        channel_id: channel.to_string(),
        connection: Connection::Line(LineConnection {
            bot_user_id: bot.user_id.clone(),
            basic_id: Some(bot.basic_id.clone()),
            premium_id: bot.premium_id.clone(),
            chat_mode: Some(bot.chat_mode.clone()),
            mark_as_read_mode: Some(bot.mark_as_read_mode.clone()),
            channel_secret: Some(secret.as_str().to_owned()),
            channel_access_token: None,
            webhook_url: webhook_url.to_owned(),
            webhook_verified: false,
            verified_at: None,
        }),
        name: bot.display_name.clone(),
        picture_url: bot.picture_url.clone(),
        description: None,
        features: ChannelFeatures { messaging: true, ..ChannelFeatures::default() },
        statistics: ChannelStatistics::default(),
        health: ChannelHealth::default(),
        status: ChannelStatus::PendingVerification,
        created_at: now,
        updated_at: now,
        version: 0,
    })
}

fn collection(work: &Work<'_>) -> mongodb::Collection<Channel> {
    work.context.tenants.platform().platform_collection()
}
