//! The operations: one file each, which begins with its list of steps.

mod change_tier;
mod connect_channel;
mod create;
mod disconnect_channel;
mod offboard;
mod rekey;
mod relocate;
mod resume;
mod rotate_channel_secret;
mod rotate_data_key;
mod settle_trial;
mod stack;
mod suspend;
mod terms;

use matome_store::entities::{Operation, OperationKind};
use matome_tenancy::operations::Move;

use crate::error::ProvisionError;
use crate::step::Step;

/// The steps of an operation, in order. A step may find that there is nothing for it to do.
#[must_use]
pub fn steps(kind: OperationKind) -> &'static [Step] {
    match kind {
        OperationKind::Create => create::STEPS,
        OperationKind::ConnectChannel => connect_channel::STEPS,
        OperationKind::RotateChannelSecret => rotate_channel_secret::STEPS,
        OperationKind::DisconnectChannel => disconnect_channel::STEPS,
        OperationKind::RotateDataKey => rotate_data_key::STEPS,
        OperationKind::ChangeTier => change_tier::STEPS,
        OperationKind::Move => relocate::STEPS,
        OperationKind::SettleTrial => settle_trial::STEPS,
        OperationKind::Suspend => suspend::STEPS,
        OperationKind::Resume => resume::STEPS,
        OperationKind::Offboard => offboard::STEPS,
    }
}

/// The steps that take an operation back as it stands; `None` when it is too late for that, or there
/// is nothing to take back: it goes on to its end then.
#[must_use]
pub fn way_back(operation: &Operation) -> Option<&'static [Step]> {
    match operation.kind {
        OperationKind::Create => create::way_back(operation),
        OperationKind::ConnectChannel => connect_channel::way_back(operation),
        OperationKind::Move | OperationKind::ChangeTier if !relocate::is_over(operation) => {
            Some(relocate::WAY_BACK)
        }
        OperationKind::Offboard => offboard::way_back(operation),
        _ => None,
    }
}

/// What is to be asked for now that an operation has ended: of a move that was given up too late, the move back.
///
/// # Errors
/// [`ProvisionError`] when its detail cannot be read.
pub fn follow_up(ended: &Operation) -> Result<Option<Move>, ProvisionError> {
    relocate::Route::back(ended)
}
