//! How a stack is.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{Stack, StackStatus};

/// What a stack tells about itself: `Outputs` of its template.
pub type Outputs = BTreeMap<String, String>;

/// How a stack is, as far as somebody who wants something of it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// There is none.
    Missing,
    /// CloudFormation is at work: look again in some seconds.
    InProgress,
    /// It is as it was asked to be.
    Done(Outputs),
    /// It is not. What was begun has been taken back as far as CloudFormation could.
    Failed {
        /// CloudFormation's word, such as `ROLLBACK_COMPLETE`.
        state: String,
        /// The first resource that failed and why.
        reason: String,
    },
}

/// What CloudFormation's twenty-odd words come down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Working,
    Complete,
    /// A first creation that was taken back: nothing is left of it but its name, which must go first.
    Stillborn,
    /// An update that was taken back: the stack is as before and can be updated again.
    Reverted,
    /// Neither forward nor back: somebody has to look (`continue-update-rollback`).
    Stuck,
    DeletionFailed,
}

pub(crate) fn phase(status: &StackStatus) -> Phase {
    match status {
        StackStatus::CreateComplete | StackStatus::UpdateComplete | StackStatus::ImportComplete => {
            Phase::Complete
        }
        StackStatus::CreateFailed | StackStatus::RollbackComplete | StackStatus::RollbackFailed => {
            Phase::Stillborn
        }
        StackStatus::UpdateRollbackComplete | StackStatus::ImportRollbackComplete => Phase::Reverted,
        StackStatus::UpdateFailed | StackStatus::UpdateRollbackFailed | StackStatus::ImportRollbackFailed => {
            Phase::Stuck
        }
        StackStatus::DeleteFailed => Phase::DeletionFailed,
        // `…_IN_PROGRESS`, a change set under review, and words that are not known yet.
        _ => Phase::Working,
    }
}

pub(crate) fn outputs(stack: &Stack) -> Outputs {
    let pair = |output: &aws_sdk_cloudformation::types::Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    stack.outputs().iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_progress_is_being_worked_on_and_nothing_else_known_is() {
        for word in StackStatus::values() {
            let working = phase(&StackStatus::from(*word)) == Phase::Working;
            let expected = word.ends_with("_IN_PROGRESS") || *word == "DELETE_COMPLETE";
            assert_eq!(working, expected, "{word}");
        }
    }
}
