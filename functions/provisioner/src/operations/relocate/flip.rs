//! The moment the tenant lives in its new place.

use bson::doc;
use matome_domain::placement::Placement;
use matome_runtime::directory::{ChannelRecord, Relocation};
use matome_store::time::date;
use matome_store::value::to_bson;

use super::directory::write;
use super::fence::closed_at;
use super::route::{Route, Spot};
use crate::error::ProvisionError;
use crate::stack;
use crate::standing;
use crate::step::{Progress, Work};

/// The organization, then the tenant's record: from then on everybody works in the new place. Its
/// channels come last, for messages that are still queued where they were are found from there too.
///
/// Once this was begun the move can but go forward: nobody can tell whether somebody has already
/// written to the new place.
pub(in crate::operations) async fn flip(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    let context = work.context;
    let set = doc! {
        "placement": to_bson(&route.to.placement)?,
        "cell": &route.to.cell,
        "updatedAt": date(context.clock.now()),
    };
    standing::change_organization(context, work.tenant, set, &[]).await?;
    context.faults.boundary("flip.organization")?;
    let own = match route.to.placement {
        Placement::Dedicated => stack::resources(context, work.tenant).await?,
        Placement::Shared | Placement::CollectionSet => None,
    };
    write(work, &route.to, Relocation::Settled, |record| {
        (record.inbound_queue_url, record.bucket) =
            own.map(|own| (own.inbound_queue_url, own.bucket)).unzip();
    })
    .await?;
    let now = context.clock.now();
    context.faults.boundary("flip.tenant")?;
    for channel in standing::channels(context, work.tenant).await? {
        redirect(work, &route.to, channel).await?;
        context.faults.boundary("flip.channel")?;
    }
    let mut detail = doc! { "flippedAt": date(now) };
    if let Some(closed_at) = closed_at(work) {
        detail.insert("closedMs", i64::try_from(now.since(closed_at).as_millis()).unwrap_or(i64::MAX));
    }
    Ok(Progress::Done(detail))
}

async fn redirect(work: &Work<'_>, to: &Spot, found: ChannelRecord) -> Result<(), ProvisionError> {
    let wanted = ChannelRecord {
        placement: to.placement,
        cell: to.cell.clone(),
        inbound_queue_url: stack::inbound_queue(work.context, work.tenant, to.placement, &to.cell).await?,
        ..found.clone()
    };
    if wanted != found {
        let version = found.version + 1;
        work.context.tenants.directory().put_channel(&ChannelRecord { version, ..wanted }).await?;
    }
    Ok(())
}
