//! Runs an operation's steps, one after the other, and writes down what came of each before the next
//! begins. Whoever calls again after a crash, here or in another process, goes on with the step that is
//! not done.
//!
//! A step that fails is tried again, later and later; one that keeps failing, or cannot succeed, ends
//! the operation: it takes itself back where it can, and its error stays in it and in the organization.

use std::time::Duration;

use bson::Document;
use matome_domain::clock::Timestamp;
use matome_domain::queue::TenantJob;
use matome_runtime::lambda::Chain;
use matome_store::entities::{Operation, OperationState, OperationStep};
use matome_store::id::object_id;
use matome_store::time::date;

use crate::context::Context;
use crate::error::ProvisionError;
use crate::operations;
use crate::record;
use crate::step::{Progress, Step, Work};

/// How often a step is begun in vain, deaths included.
pub const ATTEMPTS: i64 = 6;
/// How often an urgent one is.
const URGENT_ATTEMPTS: i64 = 60;
/// How long is waited before an urgent step is tried again, at most.
const URGENT_PAUSE: Duration = Duration::from_secs(2);
/// For so long nobody else is told of an operation that is being worked on: longer than an
/// invocation can last.
const LEASE: Duration = Duration::from_secs(20 * 60);

/// Works on an operation until it ends, has to wait, or the invocation's time is up.
///
/// # Errors
/// [`ProvisionError`] when what happened could not be written down; the job goes back to the queue.
pub async fn run(context: &Context, job: &TenantJob) -> Result<OperationState, ProvisionError> {
    let Some(id) = object_id(&job.operation_id) else {
        return Err(ProvisionError::Refused {
            field: "operationId",
            reason: "is not a document id".to_owned(),
        });
    };
    let Some(mut operation) = record::load(context, &job.tenant_id, id).await? else {
        return Err(ProvisionError::Refused {
            field: "operationId",
            reason: "is not the tenant's".to_owned(),
        });
    };
    let until = context.clock.now().plus(context.budget);
    loop {
        let now = context.clock.now();
        if !operation.open {
            // It may have ended in a process that died before it asked for what follows.
            record::follow(context, &operation).await?;
            return Ok(operation.state);
        }
        let waits = operation.state == OperationState::Waiting;
        if waits && operation.not_before.is_some_and(|at| at > date(now)) {
            return Ok(OperationState::Waiting);
        }
        operation.taken_back = operation.taken_back || may_be_taken_back(&operation);
        let Some(step) = next(&operation) else {
            return record::end(context, operation).await;
        };
        if let Some(attempts) = died(&operation, step) {
            let error = ProvisionError::Died { attempts };
            fail(context, &mut operation, step, &error, now).await?;
            continue;
        }
        operation = begin(context, operation, step, now).await?;
        context.faults.boundary(step.name)?;
        let outcome = call(context, job, &operation, step).await;
        let now = context.clock.now();
        let pause = match outcome {
            Ok(Progress::Done(detail)) => {
                operation = settle(context, operation, step, detail, true, now).await?;
                continue;
            }
            Ok(Progress::Again(detail)) => {
                operation = settle(context, operation, step, detail, false, now).await?;
                Duration::ZERO
            }
            Ok(Progress::Wait(pause, detail)) => {
                operation = settle(context, operation, step, detail, false, now).await?;
                pause
            }
            Err(error) if error.ends_invocation() => return Err(error),
            Err(error) => match fail(context, &mut operation, step, &error, now).await? {
                Some(pause) => pause,
                None => continue,
            },
        };
        if may_be_taken_back(&operation) && !operation.taken_back {
            // Somebody gave it up while the step was at work: what it would wait for does not matter.
            continue;
        }
        if step.urgent {
            tokio::time::sleep(pause.min(URGENT_PAUSE)).await;
            continue;
        }
        if now.plus(pause) > until {
            return yield_until(context, job, operation, now, pause).await;
        }
        tokio::time::sleep(pause).await;
    }
}

/// The first step that is not done: of the way back, where that was wanted and is still possible.
fn next(operation: &Operation) -> Option<&'static Step> {
    plan(operation).iter().find(|step| !operation.steps.iter().any(|s| s.name == step.name && s.done))
}

fn plan(operation: &Operation) -> &'static [Step] {
    let back = operation.taken_back.then(|| operations::way_back(operation)).flatten();
    back.unwrap_or_else(|| operations::steps(operation.kind))
}

/// Whether somebody wants it to be given up, and it is not too late for that.
fn may_be_taken_back(operation: &Operation) -> bool {
    operation.abort_requested && operations::way_back(operation).is_some()
}

async fn call(
    context: &Context,
    job: &TenantJob,
    operation: &Operation,
    step: &Step,
) -> Result<Progress, ProvisionError> {
    let none = Document::new();
    let detail = operation.detail(step.name).unwrap_or(&none);
    (step.run)(&Work { context, tenant: &job.tenant_id, operation, detail }).await
}

/// A step that was begun as often as it may be, and neither came to an end nor failed: it takes its
/// process with it each time.
fn died(operation: &Operation, step: &Step) -> Option<i64> {
    let begun = operation.steps.iter().find(|s| s.name == step.name)?;
    (begun.attempts >= most_attempts(step)).then_some(begun.attempts)
}

fn most_attempts(step: &Step) -> i64 {
    if step.urgent { URGENT_ATTEMPTS } else { ATTEMPTS }
}

/// Writes down that a step is begun once more.
async fn begin(
    context: &Context,
    mut operation: Operation,
    step: &Step,
    now: Timestamp,
) -> Result<Operation, ProvisionError> {
    match operation.steps.iter_mut().find(|s| s.name == step.name) {
        Some(begun) => begun.attempts += 1,
        None => operation.steps.push(OperationStep {
            name: step.name.to_owned(),
            done: false,
            attempts: 1,
            detail: Document::new(),
            error: None,
            started_at: date(now),
            finished_at: None,
        }),
    }
    operation.state = OperationState::Running;
    operation.not_before = Some(date(now.plus(LEASE)));
    record::save(context, operation, now).await
}

/// Writes down how far a step came.
async fn settle(
    context: &Context,
    mut operation: Operation,
    step: &Step,
    detail: Document,
    done: bool,
    now: Timestamp,
) -> Result<Operation, ProvisionError> {
    if let Some(begun) = operation.steps.iter_mut().find(|s| s.name == step.name) {
        begun.detail = detail;
        begun.done = done;
        begun.error = None;
        begun.attempts = if done { begun.attempts } else { 0 };
        begun.finished_at = done.then(|| date(now));
    }
    record::save(context, operation, now).await
}

/// Writes down what went wrong; how long to wait before another try, or `None` when there is none:
/// the operation takes itself back or ends.
async fn fail(
    context: &Context,
    operation: &mut Operation,
    step: &Step,
    error: &ProvisionError,
    now: Timestamp,
) -> Result<Option<Duration>, ProvisionError> {
    let text = Chain(error).to_string();
    tracing::warn!(
        tenant.id = operation.tenant_id, operation.kind = ?operation.kind, step = step.name, error = text,
        "step failed"
    );
    metrics::counter!("StepsFailed").increment(1);
    let mut changed = operation.clone();
    let Some(begun) = changed.steps.iter_mut().find(|s| s.name == step.name) else { return Ok(None) };
    begun.error = Some(text);
    let attempts = begun.attempts;
    if attempts < most_attempts(step) && !error.is_permanent() {
        *operation = record::save(context, changed, now).await?;
        return Ok(Some(backoff(attempts)));
    }
    if changed.taken_back || operations::way_back(&changed).is_none() {
        changed.state = OperationState::Failed;
        changed.open = false;
    } else {
        changed.taken_back = true;
    }
    *operation = record::save(context, changed, now).await?;
    if !operation.open {
        record::tell_organization(context, operation, now).await?;
    }
    Ok(None)
}

/// 2 s, 8 s, 32 s, 2 min, 9 min.
fn backoff(attempt: i64) -> Duration {
    let exponent = u32::try_from(attempt.clamp(1, 6)).unwrap_or(1);
    Duration::from_secs(4_u64.pow(exponent) / 2)
}

/// Leaves the rest to another invocation: at once, or when the scheduler finds that it is time.
async fn yield_until(
    context: &Context,
    job: &TenantJob,
    mut operation: Operation,
    now: Timestamp,
    pause: Duration,
) -> Result<OperationState, ProvisionError> {
    operation.state = OperationState::Waiting;
    operation.not_before = Some(date(now.plus(pause)));
    record::save(context, operation, now).await?;
    if pause.is_zero() {
        context.queues.send(job).await?;
    }
    Ok(OperationState::Waiting)
}
