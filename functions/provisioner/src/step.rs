//! What an operation is made of.

use std::time::Duration;

use bson::Document;
use futures::future::BoxFuture;
use matome_domain::ids::TenantId;
use matome_store::entities::Operation;
use matome_store::time::timestamp;

use crate::context::Context;
use crate::error::ProvisionError;

/// One step: a name, and a function that bears being called again after it did all, half or nothing
/// of its work.
#[derive(Clone, Copy)]
pub struct Step {
    /// Its name, unique in its operation; also the name of its boundary for injected faults.
    pub name: &'static str,
    /// The tenant stands still until it is done: it is tried again soon, and not left to another
    /// invocation.
    pub urgent: bool,
    /// What it does.
    pub run: for<'a> fn(&'a Work<'a>) -> BoxFuture<'a, Result<Progress, ProvisionError>>,
}

/// What a step works on.
pub struct Work<'a> {
    /// The function.
    pub context: &'a Context,
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The operation as it stands, with what earlier steps remembered.
    pub operation: &'a Operation,
    /// What this step remembered when it was last called; empty at first.
    pub detail: &'a Document,
}

/// How far a step came.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It is done; what it found or made is remembered.
    Done(Document),
    /// It did a slice of its work and remembers where it is. It is called again.
    Again(Document),
    /// It waits for something that takes about so long, and is then called again.
    Wait(Duration, Document),
}

impl Progress {
    /// Done, with nothing to remember.
    #[must_use]
    pub fn done() -> Self {
        Self::Done(Document::new())
    }

    /// Done when what was removed from the directory at `detail.at` is in nobody's cache any more.
    #[must_use]
    pub fn when_forgotten(work: &Work<'_>, detail: Document) -> Self {
        Self::when_past(work, detail, work.context.directory_age)
    }

    /// The same, and when no invocation can be left that began with it.
    #[must_use]
    pub fn when_nobody_works_on_it(work: &Work<'_>, detail: Document) -> Self {
        Self::when_past(work, detail, work.context.directory_age + work.context.longest_invocation)
    }

    fn when_past(work: &Work<'_>, detail: Document, age: Duration) -> Self {
        let now = work.context.clock.now();
        let removed = detail.get_datetime("at").map_or(now, |at| timestamp(*at));
        let left = removed.plus(age).since(now);
        if left.is_zero() { Self::Done(detail) } else { Self::Wait(left, detail) }
    }
}

/// A [`Step`] from an `async fn(&Work<'_>) -> Result<Progress, ProvisionError>`, named after itself
/// unless it is given a name; `urgent` may go before it.
macro_rules! step {
    (urgent $($step:tt)+) => {
        $crate::step::Step { urgent: true, ..$crate::step::step!($($step)+) }
    };
    ($run:path) => {
        $crate::step::step!(stringify!($run), $run)
    };
    ($name:expr, $run:path) => {
        $crate::step::Step { name: $name, urgent: false, run: |work| Box::pin($run(work)) }
    };
}
pub(crate) use step;
