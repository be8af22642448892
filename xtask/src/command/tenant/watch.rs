//! Showing how an operation goes on, step by step.

use std::time::Duration;

use anyhow::Context;
use bson::doc;
use matome_domain::clock::Clock as _;
use matome_local_stack::{Progress, Step};
use matome_runtime::clock::SystemClock;
use matome_store::entities::{Operation, OperationKind, OperationState};
use matome_store::time::{date, timestamp};

use super::Desk;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A wait that is longer than this is not waited for: a failing step is tried again after nine minutes,
/// days of grace last days.
const PATIENCE: Duration = Duration::from_secs(3 * 60);

/// Shows the operation's steps until it ends, or waits for something that takes long.
pub(super) async fn watch(
    desk: &Desk,
    operation: &Operation,
    progress: Progress,
) -> anyhow::Result<Operation> {
    let mut shown = Shown { progress, ended: Vec::new(), current: None };
    loop {
        let found = desk.operations().find_one(doc! { "_id": operation.id }).await?;
        let found = found.context("the operation is gone")?;
        shown.update(&found);
        let until = date(SystemClock.now().plus(PATIENCE));
        let waits_long =
            found.state == OperationState::Waiting && found.not_before.is_some_and(|at| at > until);
        if !found.open || waits_long {
            if let Some((_, line)) = shown.current.take().filter(|_| waits_long) {
                line.left();
            }
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is on the screen.
struct Shown {
    progress: Progress,
    ended: Vec<String>,
    current: Option<(String, Step)>,
}

impl Shown {
    fn update(&mut self, operation: &Operation) {
        for step in &operation.steps {
            if self.ended.contains(&step.name) {
                continue;
            }
            let is_current = self.current.as_ref().is_some_and(|(name, _)| *name == step.name);
            if !is_current {
                let line = self.progress.step(format!("{}: {}", kind(operation), step.name));
                self.current = Some((step.name.clone(), line));
            }
            let Some((_, line)) = &self.current else { continue };
            if let Some(error) = &step.error {
                line.note(format!("attempt {}: {error}", step.attempts));
            }
            if step.done {
                self.ended.push(step.name.clone());
                if let Some((_, line)) = self.current.take() {
                    line.done();
                }
            }
        }
    }
}

/// What an operation waits for that has not ended.
pub(super) fn waits(operation: &Operation) -> String {
    let step = operation.steps.iter().find(|step| !step.done).map_or("its turn", |step| step.name.as_str());
    let until = operation.not_before.map(|at| timestamp(at).to_string()).unwrap_or_default();
    let kind = kind(operation);
    match operation.state {
        OperationState::Waiting => format!("{kind} waits at {step} until {until}"),
        _ => format!("{kind} is under way: operation {}", operation.id),
    }
}

/// Why an operation did not end as it should.
pub(super) fn why(operation: &Operation) -> String {
    let kind = kind(operation);
    let failed = operation.steps.iter().find_map(|step| Some((&step.name, step.error.as_deref()?)));
    match (failed, operation.state) {
        (Some((step, error)), _) => format!("{kind} failed at {step}: {error}"),
        (None, OperationState::Aborted) => format!("{kind} was aborted"),
        (None, OperationState::Done) if operation.kind == OperationKind::Move => {
            "it was too late to abort: move is done, and another one brings the tenant back".to_owned()
        }
        (None, OperationState::Done) => format!("it was too late to abort: {kind} is done"),
        (None, state) => format!("{kind} ended as {state:?}").to_lowercase(),
    }
}

/// As it is stored: `connect_channel`.
pub(super) fn kind(operation: &Operation) -> String {
    let name = serde_json::to_value(operation.kind).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
