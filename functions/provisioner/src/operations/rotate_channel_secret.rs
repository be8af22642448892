//! Takes a channel's new secret into use. LINE signs with it from the moment it was issued, so the
//! directory learns of it before anything else; what LINE signed with the one before is taken for
//! another hour. There is no way back: the old secret is dead at LINE.

use matome_runtime::directory::secret_field;
use matome_tenancy::operations::RotateChannelSecret;
use secrecy::ExposeSecret;

use crate::channel::credentials::{asked_for, line};
use crate::channel::{credentials, document, endpoint, listing, quota};
use crate::error::ProvisionError;
use crate::step::{Progress, Step, Work, step};

pub(super) const STEPS: &[Step] =
    &[step!("credentials", check), step!(directory), step!(record), step!(test), step!(verified)];

async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, secret) = asked_for::<RotateChannelSecret>(work).await?;
    if document::find(work, &input.channel_id).await?.is_none() {
        return Err(document::unknown());
    }
    credentials::check(&work.context.channels.line_with(&input.channel_id, &secret)).await?;
    Ok(Progress::done())
}

async fn directory(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, secret) = asked_for::<RotateChannelSecret>(work).await?;
    let channel = document::find(work, &input.channel_id).await?.ok_or_else(document::unknown)?;
    let matome_store::entities::Connection::Line(connection) = &channel.connection;
    listing::put(work, &input.channel_id, &connection.bot_user_id, &secret).await?;
    work.context.faults.boundary("rotate_channel_secret.listed")?;
    Ok(Progress::done())
}

async fn record(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, secret) = asked_for::<RotateChannelSecret>(work).await?;
    let key = listing::tenant(work).await?.key;
    let field = secret_field(&input.channel_id);
    let sealed = work.context.keys.seal(work.tenant, &key, &field, secret.expose_secret()).await?;
    document::put_secret(work, &input.channel_id, &sealed).await?;
    work.context.faults.boundary("rotate_channel_secret.recorded")?;
    Ok(Progress::done())
}

/// Signed with the new secret: the webhook has it when the test succeeds.
async fn test(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    endpoint::test(work, &line::<RotateChannelSecret>(work).await?.1).await
}

async fn verified(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let (input, line) = line::<RotateChannelSecret>(work).await?;
    let receives = line.webhook_endpoint().await?.is_some_and(|e| e.active);
    let quota = quota::ask(work, &line).await;
    document::put_verified(work, &input.channel_id, receives, quota).await?;
    Ok(Progress::done())
}
