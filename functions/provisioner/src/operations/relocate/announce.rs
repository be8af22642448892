//! Tells everybody that the tenant is going to move, and waits until they have heard it.

use std::time::Duration;

use bson::doc;
use matome_runtime::directory::Relocation;
use matome_store::entities::OrganizationStatus;
use matome_store::time::{date, timestamp};

use super::directory::{change_status, tell};
use super::route::Route;
use crate::error::ProvisionError;
use crate::step::{Progress, Work};

/// How often is asked whether migrations have ended.
const MIGRATIONS: Duration = Duration::from_secs(30);

/// A record that says `moving` is believed for a second only. Once the ones from before it have run
/// out everywhere, closing the tenant is heard of within that second.
pub(in crate::operations) async fn announce(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(route) = Route::of(work.operation)? else { return Ok(Progress::done()) };
    change_status(work, route.status, OrganizationStatus::Moving).await?;
    work.context.faults.boundary("announce.status")?;
    if work.context.tenants.platform().migrating().await?.is_some() {
        // A document copied in its old shape would arrive where everything is done already. No further
        // migration begins while the organization is moving.
        return Ok(Progress::Wait(MIGRATIONS, doc! {}));
    }
    tell(work, &route.from, Relocation::Moving).await?;
    work.context.faults.boundary("announce.told")?;
    let now = work.context.clock.now();
    let announced = work.detail.get_datetime("announcedAt").map_or(now, |at| timestamp(*at));
    let detail = doc! { "announcedAt": date(announced) };
    let rest = work.context.directory_age.saturating_sub(now.since(announced));
    Ok(if rest > Duration::ZERO { Progress::Wait(rest, detail) } else { Progress::Done(detail) })
}
