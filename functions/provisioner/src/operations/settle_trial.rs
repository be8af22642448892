//! What becomes of a trial (`matome_domain::trial`): nobody paid until its end, and the organization is served as on
//! the free plan; or somebody paid, and it gets what its tier brings. It stays where it is in either case: only an
//! operator moves it.

use std::time::Duration;

use bson::{Document, doc};
use matome_domain::clock::Timestamp;
use matome_domain::tier::Tier;
use matome_domain::trial::TrialTurn;
use matome_store::audit::{NewAuditEntry, append_audit};
use matome_store::entities::{ActorKind, AuditActor, AuditPhase, AuditTarget, Organization};
use matome_store::time::{date, timestamp};
use matome_store::value::{Id, to_bson};
use serde_json::{Map, json};

use super::terms;
use crate::error::ProvisionError;
use crate::standing;
use crate::step::{Progress, Step, Work, step};

/// The steps. The audit trail hears of it before and after.
pub(super) const STEPS: &[Step] =
    &[step!(check), step!(begun), step!(organization), step!(owner), step!(ended)];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Finds out what there is to be done, if anything: it may have been done, or paid for, since it was asked for.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let organization = standing::organization(work.context, work.tenant).await?;
    let platform = work.context.tenants.platform();
    // Nobody is served less because their owner cannot be found.
    let pays = platform.subscription(organization.owner_id).await?.is_none_or(|status| status.is_paid());
    let ends_at = organization.trial_ends_at.map(timestamp);
    let has_ended = organization.trial_ended_at.is_some();
    let turn = TrialTurn::of(ends_at, has_ended, pays, work.context.clock.now());
    Ok(Progress::Done(doc! { "turn": to_bson(&turn)?, "ownerId": organization.owner_id }))
}

async fn begun(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if turn(work)? == TrialTurn::Stay {
        return Ok(Progress::done());
    }
    let organization = standing::organization(work.context, work.tenant).await?;
    let entry = entry(work, &organization)?;
    let store = work.context.tenants.store(work.tenant).await?;
    let id = append_audit(&store, organization.audit_tail.as_ref(), entry).await?.id;
    work.context.faults.boundary("settle_trial.begun")?;
    Ok(Progress::Done(doc! { "entryId": id }))
}

async fn organization(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let platform = work.context.tenants.platform();
    let organization = standing::organization(work.context, work.tenant).await?;
    let now = date(work.context.clock.now());
    let (mut set, unset): (Document, &[&str]) = match turn(work)? {
        TrialTurn::Stay => return Ok(Progress::done()),
        TrialTurn::Settle => (Document::new(), &["trialEndsAt"]),
        TrialTurn::End => {
            let mut set = terms::copied(&platform.terms(Tier::Free).await?)?;
            set.insert("trialEndedAt", now);
            (set, &[])
        }
        TrialTurn::Return => {
            (terms::copied(&platform.terms(organization.tier).await?)?, &["trialEndsAt", "trialEndedAt"])
        }
    };
    set.insert("updatedAt", now);
    standing::change_organization(work.context, work.tenant, set, unset).await?;
    work.context.faults.boundary("settle_trial.organization")?;
    Ok(Progress::done())
}

async fn owner(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if turn(work)? != TrialTurn::Stay {
        let organization = standing::organization(work.context, work.tenant).await?;
        terms::owner(work, organization.owner_id).await?;
    }
    Ok(Progress::done())
}

async fn ended(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let begun_id = work.operation.detail("begun").and_then(|begun| begun.get_object_id("entryId").ok());
    let Some(begun_id) = begun_id else { return Ok(Progress::done()) };
    let organization = standing::organization(work.context, work.tenant).await?;
    let entry = NewAuditEntry {
        phase: AuditPhase::Ended,
        begun_id: Some(Id::from(begun_id)),
        after: Some(json!({ "plan": organization.plan(), "turn": turn(work)? })),
        ..entry(work, &organization)?
    };
    let store = work.context.tenants.store(work.tenant).await?;
    append_audit(&store, organization.audit_tail.as_ref(), entry).await?;
    Ok(Progress::done())
}

/// What `check` found out.
fn turn(work: &Work<'_>) -> Result<TrialTurn, ProvisionError> {
    let turn = work.operation.detail("check").and_then(|check| check.get("turn")).cloned();
    let turn = turn.and_then(|turn| bson::deserialize_from_bson(turn).ok());
    turn.ok_or_else(|| ProvisionError::NotYet("what is to be done about the trial is not known".to_owned()))
}

fn entry(work: &Work<'_>, organization: &Organization) -> Result<NewAuditEntry, ProvisionError> {
    let now: Timestamp = work.context.clock.now();
    Ok(NewAuditEntry {
        phase: AuditPhase::Begun,
        operation: "settleTrial".to_owned(),
        begun_id: None,
        actor: AuditActor { kind: ActorKind::System, id: None },
        ip: None,
        user_agent: None,
        request_id: work.operation.id.to_hex(),
        target: Some(AuditTarget { kind: "organization".to_owned(), id: organization.id.to_hex() }),
        path: Map::new(),
        status: None,
        before: None,
        after: None,
        created_at: now.into(),
        expires_at: now.plus(DAY * organization.audit_retention_days).into(),
    })
}
