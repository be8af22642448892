//! How operators and the API have something done to a tenant: an operation is written down, then the
//! provisioner is told. Nobody but the provisioner does it.

mod ask;
mod input;

pub use ask::{AskError, ask, ask_after, request_abort, retry};
pub use input::{
    ChangeTier, ConnectChannel, CreateTenant, DisconnectChannel, Move, NewOwner, Offboard, Request, Resume,
    RotateChannelSecret, RotateDataKey, SettleTrial, Suspend,
};
