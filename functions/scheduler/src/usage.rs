//! Measures what tenants use, each once an hour in a second of its own, so that a thousand tenants are
//! seventeen in a minute. Writes the tenant's `usage` and `notices`, and what the other functions have
//! to know of it into the organization.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bson::oid::ObjectId;
use futures::future::join_all;
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use matome_domain::month::Month;
use matome_runtime::lambda::Chain;
use matome_store::entities::Notice;
use matome_store::id::derived;
use matome_store::usage::CountedElsewhere;
use matome_store::usage_due::DueUsage;

use crate::error::SweepError;
use crate::handler::Run;
use crate::trials;

/// How often each tenant is measured.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// What could not be measured is tried again after this.
const AFTER_FAILURE: Duration = Duration::from_secs(10 * 60);
/// Tenants in one run; the next minute takes the rest. Enough for 12,000 tenants.
const LIMIT: i64 = 200;

/// Tenants at a time: what they write, the database makes durable together.
const AT_ONCE: usize = 8;

/// What is not counted in the tenant's own data: API calls as the API counted them, and staff.
#[derive(Default)]
struct Elsewhere {
    calls_this_month: BTreeMap<TenantId, u64>,
    calls_month_before: BTreeMap<TenantId, u64>,
    agents: BTreeMap<String, u64>,
}

/// Measures the tenants that are due; how many.
///
/// # Errors
/// [`SweepError`]; [`SweepError::Unmeasured`] when some could not be measured. None of them keeps the
/// others from it.
pub async fn measure(run: Run<'_>) -> Result<usize, SweepError> {
    let platform = run.context.tenants.platform();
    let due = platform.usage_due(run.now, LIMIT).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let month = Month::of(run.now);
    let elsewhere = elsewhere(run, &due, &month).await?;
    let (mut owners, mut out_of_reach) = (BTreeSet::new(), BTreeSet::new());
    let (mut measured, mut failed) = (0, 0);
    for some in due.chunks(AT_ONCE) {
        if !run.has_time() {
            break;
        }
        let outcomes = some.iter().map(async |organization| match organization {
            Ok(due) if out_of_reach.contains(&due.cell) => Err(Failure::OutOfReach),
            Ok(due) => one(run, due, &month, &elsewhere).await.map_err(Failure::Because),
            Err(_) => Err(Failure::Unreadable),
        });
        for (organization, outcome) in some.iter().zip(join_all(outcomes).await) {
            let id = organization.as_ref().map_or_else(|id| *id, |due| due.id);
            let why = match outcome {
                Ok(()) => {
                    measured += 1;
                    owners.extend(organization.as_ref().map(|due| due.owner_id));
                    continue;
                }
                Err(Failure::Because(SweepError::Fault(fault))) => return Err(fault.into()),
                Err(why) => why,
            };
            if let (Ok(due), true) = (organization, why.is_connection_lost()) {
                out_of_reach.insert(due.cell.clone());
            }
            failed += usize::from(!why.is_fenced());
            tracing::warn!(tenant.id = %id, error = %Chain(&why), "usage could not be measured");
            platform.usage_postponed(id, run.now.plus(AFTER_FAILURE)).await?;
        }
    }
    if !owners.is_empty() {
        platform.sum_up_owners(&owners.into_iter().collect::<Vec<_>>()).await?;
    }
    metrics::counter!("TenantsMeasured").increment(measured as u64);
    metrics::counter!("TenantsUnmeasured").increment(failed as u64);
    tracing::info!(measured, failed, due = due.len(), "usage measured");
    if failed > 0 { Err(SweepError::Unmeasured { failed, due: due.len() }) } else { Ok(measured) }
}

/// Why a tenant could not be measured.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the organization cannot be read")]
    Unreadable,
    /// A cluster that does not answer is waited for once, not once for each of its tenants.
    #[error("its cluster did not answer for another tenant")]
    OutOfReach,
    #[error(transparent)]
    Because(SweepError),
}

impl Failure {
    /// A tenant that is being moved is measured where it arrives.
    fn is_fenced(&self) -> bool {
        matches!(self, Self::Because(SweepError::Store(error)) if error.is_fenced())
    }

    fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Because(SweepError::Store(error)) if error.is_connection_lost())
    }
}

async fn elsewhere(
    run: Run<'_>,
    due: &[Result<DueUsage, ObjectId>],
    month: &Month,
) -> Result<Elsewhere, SweepError> {
    let read = async |tenants: Vec<TenantId>, month: &Month| {
        let used = run.context.api_calls.used(&tenants, month).await?;
        Ok::<BTreeMap<_, _>, SweepError>(tenants.into_iter().zip(used).collect())
    };
    let due = || due.iter().flatten();
    let ended = due().filter(|d| has_ended(d, month)).map(|d| d.tenant_id.clone()).collect();
    let tenants: Vec<TenantId> = due().map(|d| d.tenant_id.clone()).collect();
    Ok(Elsewhere {
        agents: run.context.tenants.platform().agents_of(&tenants).await?,
        calls_this_month: read(tenants, month).await?,
        calls_month_before: read(ended, &month.before()).await?,
    })
}

/// Whether the month before has to be measured once more: it went on after it was measured last.
fn has_ended(organization: &DueUsage, month: &Month) -> bool {
    organization.measured_month().is_some_and(|measured| *measured == month.before())
}

async fn one(run: Run<'_>, due: &DueUsage, month: &Month, elsewhere: &Elsewhere) -> Result<(), SweepError> {
    let cell = run.context.tenants.cells().store(&due.cell).await?;
    let store = cell.tenant(&due.tenant_id, due.placement);
    let agents = elsewhere.agents.get(due.tenant_id.as_str()).copied().unwrap_or_default();
    let counted = |calls: &BTreeMap<TenantId, u64>| CountedElsewhere {
        agents,
        api_calls: calls.get(&due.tenant_id).copied().unwrap_or_default(),
    };
    if has_ended(due, month) {
        let counted = counted(&elsewhere.calls_month_before);
        let last = store.measure_usage(&month.before(), &due.limits, counted, run.now).await?;
        last.raised.iter().for_each(tell);
    }
    let counted = counted(&elsewhere.calls_this_month);
    let measurement = store.measure_usage(month, &due.limits, counted, run.now).await?;
    measurement.raised.iter().for_each(tell);
    run.context.faults.boundary("scheduler.usage_written")?;
    let next = next_after(&due.tenant_id, run.now);
    if let Some(tail) = &measurement.audit_tail {
        run.context.tenants.platform().remember_audit_tail(due.id, tail).await?;
    }
    trials::look_after(run, due).await?;
    let platform = run.context.tenants.platform();
    platform.channels_measured(&due.tenant_id, &measurement.channels).await?;
    platform.usage_measured(due.id, &measurement.last_usage(run.now), next).await?;
    run.context.faults.boundary("scheduler.usage_remembered")?;
    Ok(())
}

fn tell(notice: &Notice) {
    let (limit, level) = (notice.limit.as_str(), notice.level.as_str());
    metrics::counter!("LimitNotices", "limit" => limit, "level" => level).increment(1);
    tracing::warn!(
        tenant.id = %notice.tenant_id, month = %notice.month, limit, level, used = notice.used,
        allowed = notice.allowed, "a limit came to a new level"
    );
}

/// The tenant's own second of the hour, when it comes next.
fn next_after(tenant: &TenantId, now: Timestamp) -> Timestamp {
    let every = i64::try_from(EVERY.as_millis()).expect("an hour is short");
    let [a, b, c, d, ..] = derived(&["usage slot", tenant.as_str()]).bytes();
    let slot = i64::from(u32::from_be_bytes([a, b, c, d])) % (every / 1_000) * 1_000;
    Timestamp(now.0 + every - (now.0 - slot).rem_euclid(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_measured_every_hour_in_its_own_second() {
        let tenant = TenantId::new("t").expect("an id");
        let first = next_after(&tenant, Timestamp(1_795_165_200_123));
        let hour = 3_600_000;
        assert!((1_795_165_200_124..=1_795_165_200_123 + hour).contains(&first.0));
        assert_eq!(next_after(&tenant, first).0, first.0 + hour);
        assert_eq!(
            next_after(&tenant, Timestamp(first.0 + 59_999)).0,
            first.0 + hour,
            "it was a minute late"
        );
        assert_eq!(next_after(&tenant, Timestamp(first.0 - 1)), first);
    }

    #[test]
    fn tenants_are_spread_over_the_hour() {
        let mut minutes = [0; 60];
        for n in 0..6_000 {
            let tenant = TenantId::new(format!("{n:024x}")).expect("an id");
            let at = next_after(&tenant, Timestamp(1_795_165_200_000)).0;
            minutes[usize::try_from(at / 60_000 % 60).expect("a minute")] += 1;
        }
        assert!(minutes.iter().all(|n| (60..160).contains(n)), "{minutes:?}");
    }
}
