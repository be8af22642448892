//! Connects a LINE Official Account, or connects it again: its webhooks come here then, and LINE has
//! proved it.

use bson::{Bson, doc};
use matome_line::client::{BotInfo, LineError};
use matome_runtime::directory::secret_field;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{ChannelStatus, Operation};
use matome_tenancy::operations::ConnectChannel;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::channel::credentials::{asked_for, line};
use crate::channel::{credentials, document, endpoint, listing, quota};
use crate::error::ProvisionError;
use crate::step::{Progress, Step, Work, step};

pub(super) const STEPS: &[Step] = &[
    step!("credentials", check),
    step!(record),
    step!(directory),
    step!("endpoint", set_endpoint),
    step!("test", test),
    step!(verified),
];

/// Leaves nothing of a channel that this operation connected first; one that was connected, or disconnected, before
/// stays that.
const WAY_BACK: &[Step] = &[
    step!("endpoint_back", give_endpoint_back),
    step!("directory_back", unlist),
    step!("record_back", remove),
];

/// Back whenever it is wanted: nothing outside has been promised anything before the end.
pub(super) fn way_back(_: &Operation) -> Option<&'static [Step]> {
    Some(WAY_BACK)
}

/// What the first step found, for those after it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    bot_user_id: String,
    basic_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    premium_id: Option<String>,
    display_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture_url: Option<String>,
    chat_mode: String,
    mark_as_read_mode: String,
    /// Before this operation there was a document of the channel.
    recorded: bool,
    /// And it said that the channel was disconnected.
    #[serde(default)]
    disconnected: bool,
    /// Before this operation it was in the directory.
    listed: bool,
}

async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, secret) = asked_for::<ConnectChannel>(work).await?;
    // What would fail later fails before anything is written.
    endpoint::url(&work.context.webhook_base_url, &input.channel_id)?;
    // First of all, so that only who has the channel's secret is told that another tenant has it.
    let bot = credentials::check(&work.context.channels.line_with(&input.channel_id, &secret)).await?;
    let before = document::find(work, &input.channel_id).await?;
    let disconnected = before.as_ref().is_some_and(|channel| channel.status == ChannelStatus::Inactive);
    let listed = listing::find(work, &input.channel_id).await?.is_some();
    let found = Found {
        bot_user_id: bot.user_id,
        basic_id: bot.basic_id,
        premium_id: bot.premium_id,
        display_name: bot.display_name,
        picture_url: bot.picture_url,
        chat_mode: bot.chat_mode,
        mark_as_read_mode: bot.mark_as_read_mode,
        recorded: before.is_some(),
        disconnected,
        listed,
    };
    Ok(Progress::Done(encode(&found)?))
}

async fn record(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, secret) = asked_for::<ConnectChannel>(work).await?;
    let found = found(work)?;
    let tenant = listing::tenant(work).await?;
    let field = secret_field(&input.channel_id);
    let sealed = work.context.keys.seal(work.tenant, &tenant.key, &field, secret.expose_secret()).await?;
    let url = endpoint::url(&work.context.webhook_base_url, &input.channel_id)?;
    let bot = BotInfo {
        user_id: found.bot_user_id,
        basic_id: found.basic_id,
        premium_id: found.premium_id,
        display_name: found.display_name,
        picture_url: found.picture_url,
        chat_mode: found.chat_mode,
        mark_as_read_mode: found.mark_as_read_mode,
    };
    document::put(work, &input.channel_id, &bot, &sealed, &url).await?;
    work.context.faults.boundary("connect_channel.recorded")?;
    Ok(Progress::done())
}

/// From then on the webhook answers; before LINE's test, which it has to pass.
async fn directory(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, secret) = asked_for::<ConnectChannel>(work).await?;
    listing::put(work, &input.channel_id, &found(work)?.bot_user_id, &secret).await?;
    work.context.faults.boundary("connect_channel.listed")?;
    Ok(Progress::done())
}

/// Remembers where webhooks went before, then tells LINE to post them here.
async fn set_endpoint(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, line) = line::<ConnectChannel>(work).await?;
    if !work.detail.contains_key("before") {
        let before = line.webhook_endpoint().await?.map_or(Bson::Null, |e| e.endpoint.into());
        return Ok(Progress::Again(doc! { "before": before }));
    }
    let url = endpoint::url(&work.context.webhook_base_url, &input.channel_id)?;
    endpoint::set(&line, &url).await?;
    work.context.faults.boundary("connect_channel.endpoint_set")?;
    Ok(Progress::Done(work.detail.clone()))
}

async fn test(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    endpoint::test(work, &line::<ConnectChannel>(work).await?.1).await
}

async fn verified(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, line) = line::<ConnectChannel>(work).await?;
    let receives = line.webhook_endpoint().await?.is_some_and(|e| e.active);
    let quota = quota::ask(work, &line).await;
    document::put_verified(work, &input.channel_id, receives, quota).await?;
    work.context.faults.boundary("connect_channel.verified")?;
    Ok(Progress::Done(doc! { "useWebhook": receives }))
}

/// Has LINE post where it did before. That it refuses does not hold up the rest: nobody may be able to
/// speak for the channel any more.
async fn give_endpoint_back(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let before = work.operation.detail("endpoint").and_then(|d| d.get_str("before").ok());
    let Some(before) = before else { return Ok(Progress::done()) };
    let line = match line::<ConnectChannel>(work).await {
        Ok((_, line)) => line,
        Err(error) if error.is_permanent() => return Ok(kept()),
        Err(error) => return Err(error),
    };
    match line.set_webhook_endpoint(before).await {
        Ok(()) => Ok(Progress::done()),
        Err(LineError::Unauthorized | LineError::Forbidden | LineError::Rejected { .. }) => Ok(kept()),
        Err(error) => Err(error.into()),
    }
}

fn kept() -> Progress {
    Progress::Done(doc! { "refused": true })
}

async fn unlist(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = credentials::input::<ConnectChannel>(work.operation)?;
    if found(work).is_ok_and(|f| !f.listed) && listing::find(work, &input.channel_id).await?.is_some() {
        work.context.tenants.directory().remove_channel(&input.channel_id).await?;
        work.context.faults.boundary("connect_channel.unlisted")?;
    }
    Ok(Progress::done())
}

async fn remove(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = credentials::input::<ConnectChannel>(work.operation)?;
    match found(work) {
        Ok(found) if !found.recorded => document::remove(work, &input.channel_id).await?,
        Ok(found) if found.disconnected => document::put_disconnected(work, &input.channel_id).await?,
        _ => return Ok(Progress::done()),
    }
    work.context.faults.boundary("connect_channel.removed")?;
    Ok(Progress::done())
}

fn found(work: &Work<'_>) -> Result<Found, ProvisionError> {
    let detail = work.operation.detail("credentials").cloned().unwrap_or_default();
    let decoded = bson::deserialize_from_document(detail);
    Ok(decoded.map_err(|why| StoreError::Decode { collection: "tenant_operations".to_owned(), why })?)
}
