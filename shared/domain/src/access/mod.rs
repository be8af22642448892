//! Who may do what: roles, permissions and the rules around logging in. Pure, so that every rule can be
//! tested by calling it; what is stored and asked stands in `shared/store` and `functions/api`.
//!
//! Deny by default: what no rule gives is not allowed.

pub mod lockout;
pub mod network;
pub mod overrides;
pub mod password;
pub mod permission;
pub mod role;
pub mod room;
pub mod scopes;
pub mod session;

pub use overrides::{Escalation, Overrides, effective, may_change, may_grant};
pub use permission::{Action, Permission, PermissionSet, Resource};
pub use role::{PlatformRole, Role};
pub use room::{RoomAccess, RoomFlags, room_access};
pub use scopes::{ForbiddenScope, Scopes};
