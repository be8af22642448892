//! Trials, looked at whenever a tenant's usage is measured: who is on one is told that it ends, once each time;
//! when it has ended, and when somebody paid after that, the provisioner is asked to do what follows.

use matome_domain::trial::{TrialStage, TrialTurn};
use matome_store::time::timestamp;
use matome_store::usage_due::DueUsage;
use matome_tenancy::operations::{AskError, SettleTrial, ask};

use crate::error::SweepError;
use crate::handler::Run;

/// Who asks, as the operation notes it.
const SCHEDULER: &str = "scheduler";

/// Looks after a tenant's trial, if it has one.
///
/// # Errors
/// [`SweepError`].
pub async fn look_after(run: Run<'_>, due: &DueUsage) -> Result<(), SweepError> {
    let ends_at = due.trial_ends_at.map(timestamp);
    let near = ends_at.and_then(|ends_at| Some((ends_at, TrialStage::at(ends_at, run.now)?)));
    // Most have no trial, or a long one: nobody is asked about their owner.
    let Some((ends_at, stage)) = near else { return Ok(()) };
    let platform = run.context.tenants.platform();
    let Some(subscription) = platform.subscription(due.owner_id).await? else { return Ok(()) };
    let (ended, pays) = (due.trial_ended_at.is_some(), subscription.is_paid());
    if !pays && platform.raise_trial_notice(due.id, stage, ends_at, run.now).await? {
        metrics::counter!("TrialNotices", "stage" => stage.as_str()).increment(1);
        tracing::warn!(tenant.id = %due.tenant_id, stage = stage.as_str(), "a trial nears its end");
    }
    if TrialTurn::of(Some(ends_at), ended, pays, run.now) == TrialTurn::Stay {
        return Ok(());
    }
    match ask(platform, &run.context.queues, &due.tenant_id, &SettleTrial {}, SCHEDULER, run.now).await {
        // Something else is being done to the tenant, for instance this, asked for an hour ago.
        Ok(_) | Err(AskError::Busy(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
