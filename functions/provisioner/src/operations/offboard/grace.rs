//! The part of offboarding that can be taken back.

use std::time::Duration;

use bson::{Bson, Document, doc};
use matome_domain::clock::Timestamp;
use matome_runtime::directory::Status;
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{Organization, OrganizationStatus, StatusReason};
use matome_store::time::date;
use matome_store::value::to_bson;
use matome_tenancy::operations::{Offboard, Request};

use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Work};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Longer than anybody means.
const MOST_DAYS: u32 = 3_650;

/// Stops serving the tenant, and remembers as what it was served. A tenant whose creation failed before it had an
/// organization is one too: there may be a stack, a data key, collections.
pub(super) async fn suspend(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = Offboard::from_document(&work.operation.input)?;
    if input.grace_days > MOST_DAYS {
        let reason = format!("is more than {MOST_DAYS}");
        return Err(ProvisionError::Refused { field: "graceDays", reason });
    }
    let directory = work.context.tenants.directory();
    let record = directory.newest_tenant(work.tenant).await?;
    let organization = find_organization(work).await?;
    let is_there = match &organization {
        Some(organization) => organization.status != OrganizationStatus::Offboarded,
        None => is_failed_creation(work).await?,
    };
    if !is_there && record.is_none() {
        let reason = "there is no such tenant, or it was offboarded before".to_owned();
        return Err(ProvisionError::Refused { field: "tenantId", reason });
    }
    let now = work.context.clock.now();
    let mut detail = work.detail.clone();
    if detail.is_empty() {
        let before = organization.as_ref().map_or(OrganizationStatus::Failed, |o| o.status);
        let before = to_bson(&before)?;
        detail =
            doc! { "before": before, "servedBefore": record.is_some_and(|r| r.status == Status::Active) };
        if let Some(reason) = organization.and_then(|o| o.status_reason) {
            detail.insert("reasonBefore", encode(&reason)?);
        }
        // Written down before anything changes: a repeat would find the tenant suspended.
        return Ok(Progress::Again(detail));
    }
    if record.is_some() {
        standing::set(work.context, work.tenant, Status::Suspended).await?;
    }
    let reason = StatusReason {
        message: input.reason,
        operation_id: Some(work.operation.id),
        step: None,
        at: work.operation.created_at,
    };
    let set = doc! { "status": "offboarding", "statusReason": encode(&reason)?, "updatedAt": date(now) };
    standing::change_organization(work.context, work.tenant, set, &[]).await?;
    detail.insert("at", date(now));
    Ok(Progress::Done(detail))
}

/// Waits until the days of grace are over.
pub(super) async fn grace(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let input = Offboard::from_document(&work.operation.input)?;
    let since = at(work.operation.detail("suspend"), "at").unwrap_or(work.context.clock.now());
    let until = since.plus(DAY * input.grace_days);
    let detail = doc! { "until": date(until) };
    let left = until.since(work.context.clock.now());
    Ok(if left.is_zero() { Progress::Done(detail) } else { Progress::Wait(left, detail) })
}

/// The tenant is again what it was.
pub(super) async fn serve_again(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let Some(before) = work.operation.detail("suspend").filter(|detail| !detail.is_empty()) else {
        // Nothing was changed.
        return Ok(Progress::done());
    };
    if before.get_bool("servedBefore").unwrap_or(false) {
        standing::set(work.context, work.tenant, Status::Active).await?;
    }
    let now = date(work.context.clock.now());
    let mut set =
        doc! { "status": before.get("before").cloned().unwrap_or(Bson::from("suspended")), "updatedAt": now };
    match before.get_document("reasonBefore") {
        Ok(reason) => {
            set.insert("statusReason", reason.clone());
            standing::change_organization(work.context, work.tenant, set, &[]).await?;
        }
        Err(_) => standing::change_organization(work.context, work.tenant, set, &["statusReason"]).await?,
    }
    Ok(Progress::done())
}

/// The organization, if creating the tenant came that far.
pub(super) async fn find_organization(work: &Work<'_>) -> Result<Option<Organization>, StoreError> {
    let organizations = work.context.tenants.platform().platform_collection::<Organization>();
    Ok(organizations.find_one(doc! { "tenantId": work.tenant.as_str() }).await?)
}

async fn is_failed_creation(work: &Work<'_>) -> Result<bool, StoreError> {
    let failed = work.context.tenants.platform().failed_creations().await?;
    Ok(failed.iter().any(|creation| creation.tenant_id == work.tenant.as_str()))
}

/// A time that a step remembered.
pub(super) fn at(detail: Option<&Document>, field: &str) -> Option<Timestamp> {
    detail?.get_datetime(field).ok().map(|at| matome_store::time::timestamp(*at))
}
