//! The operations: one file each, which begins with its list of steps.

use matome_store::entities::{Operation, OperationKind};

use crate::step::Step;

/// The steps of an operation, in order. A step may find that there is nothing for it to do.
#[must_use]
pub fn steps(kind: OperationKind) -> &'static [Step] {
    match kind {
        _ => &[],
    }
}

/// The steps that take an operation back as it stands; `None` when it is too late for that, or there
/// is nothing to take back: it goes on to its end then.
#[must_use]
pub fn way_back(operation: &Operation) -> Option<&'static [Step]> {
    match operation.kind {
        _ => None,
    }
}
