//! Takes a channel out of service: the webhook answers 404 for it, nothing is sent, its secret is forgotten.
//! What was recorded stays, and so does the channel's document, `inactive`; it can be connected again.
//!
//! At LINE nothing can be undone: its API sets another webhook URL but removes none. What LINE goes on posting is
//! refused as an unknown channel's.

use bson::doc;
use matome_store::time::date;
use matome_tenancy::operations::DisconnectChannel;

use crate::channel::credentials::input;
use crate::channel::{document, listing};
use crate::error::ProvisionError;
use crate::step::{Progress, Step, Work, step};

pub(super) const STEPS: &[Step] = &[step!(check), step!(directory), step!(record)];

/// Once more is fine.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let channel = input::<DisconnectChannel>(work.operation)?.channel_id;
    document::find(work, &channel).await?.ok_or_else(document::unknown)?;
    Ok(Progress::done())
}

/// Takes it out of the directory, and waits until nobody holds it any more.
async fn directory(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    if !detail.contains_key("at") {
        let channel = input::<DisconnectChannel>(work.operation)?.channel_id;
        if listing::find(work, &channel).await?.is_some() {
            work.context.tenants.directory().remove_channel(&channel).await?;
            work.context.faults.boundary("disconnect_channel.unlisted")?;
        }
        detail = doc! { "at": date(work.context.clock.now()) };
    }
    Ok(Progress::when_forgotten(work, detail))
}

async fn record(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let channel = input::<DisconnectChannel>(work.operation)?.channel_id;
    document::put_disconnected(work, &channel).await?;
    work.context.faults.boundary("disconnect_channel.recorded")?;
    document::forget_secrets(work, &channel).await?;
    Ok(Progress::done())
}
