//! CloudFormation for the provisioner: the stack of a dedicated tenant is asked for, looked at and
//! taken down. Nothing here waits; whoever asks comes back later.
//!
//! A crate of its own, so that no other function links CloudFormation's client.

mod error;
mod name;
mod request;
mod stack;
mod status;
mod tenant;

pub use error::{Error, Result};
pub use name::stack_name;
pub use request::Request;
pub use stack::Stacks;
pub use status::{Outputs, Status};
pub use tenant::{Resources, TenantStacks, TenantStatus};
