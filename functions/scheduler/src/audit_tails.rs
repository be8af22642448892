//! Ends of audit trails, looked at whenever a tenant's usage is measured: the newest entry is remembered with the
//! organization before retention takes it, so that the next one goes on behind it, however late it comes.

use std::time::Duration;

use matome_store::TenantStore;
use matome_store::usage_due::DueUsage;

use crate::error::SweepError;
use crate::handler::Run;

/// An end is remembered so long before it goes: longer than the scheduler is ever down.
const BEFORE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Remembers a tenant's, if it is about to go.
///
/// # Errors
/// [`SweepError`].
pub async fn look_after(run: Run<'_>, due: &DueUsage, store: &TenantStore) -> Result<(), SweepError> {
    let Some(tail) = store.expiring_audit_tail(run.now.plus(BEFORE)).await? else { return Ok(()) };
    Ok(run.context.tenants.platform().remember_audit_tail(due.id, &tail).await?)
}
