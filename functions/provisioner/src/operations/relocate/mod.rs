//! Moves a tenant to another placement or cell while it is in use.
//!
//! | step | |
//! |---|---|
//! | `check` | where from, where to; what speaks against it |
//! | `announce` | the directory says `moving`; waits until everybody knows, and asks again every second |
//! | `copy` | all documents, then what changed meanwhile, then a comparison of both sides |
//! | `fence` | the directory says `fenced`, the server refuses further writes, the rest is brought |
//! | `flip` | the directory names the new place; from here on there is no way back |
//! | `verify` | the frozen source against the living target: counts and checksums |
//! | `grace` | waits until nobody can believe in the old place any more |
//! | `clean_up` | erases the source and lifts its fence |
//! | `settle` | the organization's status is what it was |
//!
//! Nobody is served from the moment the directory says `fenced` until it is flipped: about a second
//! of waiting, and the fence. Those two steps follow each other in one invocation. Whatever fails before
//! the flip reopens the tenant where it was.
//!
//! A change of tier goes the same way where it changes the placement ([`super::change_tier`]).

mod announce;
mod back;
mod check;
mod copy;
mod directory;
mod fence;
mod flip;
mod leave;
mod progress;
mod route;

pub(super) use announce::announce;
pub(super) use back::{WAY_BACK, is_over};
pub(super) use check::check_route;
pub(super) use copy::copy;
pub(super) use fence::fence;
pub(super) use flip::flip;
pub(super) use leave::{clean_up, grace, settle, verify};
pub(super) use route::{Spot, refused};

use crate::step::Step;

/// An operation's own check, the steps of a move, and what the operation does before the last of them.
macro_rules! move_steps {
    ($check:path $(, $name:ident => $between:path)*) => {
        &[
            $crate::step::step!("check", $check),
            $crate::step::step!("announce", $crate::operations::relocate::announce),
            $crate::step::step!("copy", $crate::operations::relocate::copy),
            $crate::step::step!("fence", $crate::operations::relocate::fence),
            $crate::step::step!(urgent "flip", $crate::operations::relocate::flip),
            $crate::step::step!("verify", $crate::operations::relocate::verify),
            $crate::step::step!("grace", $crate::operations::relocate::grace),
            $crate::step::step!("clean_up", $crate::operations::relocate::clean_up),
            $($crate::step::step!(stringify!($name), $between),)*
            $crate::step::step!("settle", $crate::operations::relocate::settle),
        ]
    };
}
pub(super) use move_steps;

/// The steps of kind `Move`.
pub(super) const STEPS: &[Step] = move_steps!(check::check);
