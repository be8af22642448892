//! Stops serving a tenant. Nothing of what its customers write is lost: the webhook goes on taking it
//! and the recorder goes on recording. But nothing is sent and no AI provider is asked: summaries stay
//! due and outbox entries stay queued until [`super::resume`].

use bson::doc;
use matome_runtime::directory::Status;
use matome_store::collection::encode;
use matome_store::entities::{OrganizationStatus, StatusReason};
use matome_store::time::date;
use matome_tenancy::operations::{Request, Suspend};

use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Step, Work, step};

/// The steps.
pub(super) const STEPS: &[Step] = &[step!(check), step!(directory), step!(organization)];

/// Only what is served can be suspended; once more is fine, and gives another reason.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let organization = standing::organization(work.context, work.tenant).await?;
    match organization.status {
        OrganizationStatus::Active | OrganizationStatus::Moving | OrganizationStatus::Suspended => {
            Ok(Progress::done())
        }
        status => Err(ProvisionError::Refused {
            field: "tenantId",
            reason: format!("it is {status:?}, which cannot be suspended").to_lowercase(),
        }),
    }
}

/// The organization says it first. If the directory keeps failing, the tenant is `suspended` with the error for
/// a reason, however far the directory came: from there a retry goes on, and [`super::resume`] back.
async fn directory(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let set = doc! { "status": "suspended", "updatedAt": date(work.context.clock.now()) };
    standing::change_organization(work.context, work.tenant, set, &[]).await?;
    let channels = standing::set(work.context, work.tenant, Status::Suspended).await?;
    Ok(Progress::Done(doc! { "channels": i64::try_from(channels).unwrap_or(i64::MAX) }))
}

async fn organization(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = Suspend::from_document(&work.operation.input)?;
    let now = date(work.context.clock.now());
    let reason = StatusReason {
        message: input.reason,
        operation_id: Some(work.operation.id),
        step: None,
        at: work.operation.created_at,
    };
    let set = doc! { "status": "suspended", "statusReason": encode(&reason)?, "updatedAt": now };
    standing::change_organization(work.context, work.tenant, set, &[]).await?;
    Ok(Progress::done())
}
