//! Serves a suspended tenant again. What waited is found by the scheduler within minutes: due summaries
//! are written, queued messages sent. Reply tokens have expired by then, so that messages are pushed
//! where the organization's settings and its quota allow it.

use bson::doc;
use matome_runtime::directory::Status;
use matome_store::entities::OrganizationStatus;
use matome_store::time::date;

use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Step, Work, step};

/// The steps.
pub(super) const STEPS: &[Step] = &[step!(check), step!(directory), step!(organization)];

/// Only what is suspended can be resumed; once more is fine.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let organization = standing::organization(work.context, work.tenant).await?;
    match organization.status {
        OrganizationStatus::Active | OrganizationStatus::Suspended => Ok(Progress::done()),
        status => Err(ProvisionError::Refused {
            field: "tenantId",
            reason: format!("it is {status:?}, not suspended").to_lowercase(),
        }),
    }
}

/// Everything is sent again once the directory says so of the tenant, which it does last. If it keeps failing,
/// the organization is still `suspended`, with the error for a reason, and nothing is sent.
pub(super) async fn directory(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let channels = standing::set(work.context, work.tenant, Status::Active).await?;
    Ok(Progress::Done(doc! { "channels": i64::try_from(channels).unwrap_or(i64::MAX) }))
}

pub(super) async fn organization(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let set = doc! { "status": "active", "updatedAt": date(work.context.clock.now()) };
    standing::change_organization(work.context, work.tenant, set, &["statusReason"]).await?;
    Ok(Progress::done())
}
