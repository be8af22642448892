//! Moves a tenant to another placement or cell while it is in use.
//!
//! | step | |
//! |---|---|
//! | `check` | where from, where to; what speaks against it |
//! | `stack` | to a stack of its own: brings it about |
//! | `platform_key` | from one: has the data key wrapped by the platform's KMS key |
//! | `announce` | the directory says `moving`; waits until everybody knows, and asks again every second |
//! | `media` | to or from a stack: copies the objects to the other bucket |
//! | `copy` | all documents, then what changed meanwhile, then a comparison of both sides |
//! | `fence` | the directory says `fenced`, the server refuses further writes, the rest is brought |
//! | `flip` | the directory names the new place; from here on there is no way back |
//! | `verify` | the frozen source against the living target: counts and checksums |
//! | `grace` | waits until nobody can believe in the old place any more |
//! | `drain` | from a stack: waits until its queues are empty |
//! | `media_rest` | brings the objects that came to the old bucket meanwhile |
//! | `clean_up` | erases the source and lifts its fence |
//! | `media_left` | erases the objects in the old bucket |
//! | `own_key` | to a stack: has the data key wrapped by its KMS key |
//! | `stack_gone` | from one: removes it |
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
mod media;
mod own;
mod progress;
mod route;

pub(super) use announce::announce;
pub(super) use back::{WAY_BACK, is_over};
pub(super) use check::check_route;
pub(super) use copy::copy;
pub(super) use fence::fence;
pub(super) use flip::flip;
pub(super) use leave::{clean_up, grace, settle, verify};
pub(super) use media::{AT_ONCE, media, media_left, media_rest, unsent};
pub(super) use own::{drain, own_key, platform_key, stack, stack_gone};
pub(super) use route::{Route, Spot, refused};

use crate::step::Step;

/// An operation's own check, the steps of a move, and what the operation does before the last of them.
macro_rules! move_steps {
    ($check:path $(, $name:ident => $between:path)*) => {
        &[
            $crate::step::step!("check", $check),
            $crate::step::step!("stack", $crate::operations::relocate::stack),
            $crate::step::step!("platform_key", $crate::operations::relocate::platform_key),
            $crate::step::step!("announce", $crate::operations::relocate::announce),
            $crate::step::step!("media", $crate::operations::relocate::media),
            $crate::step::step!("copy", $crate::operations::relocate::copy),
            $crate::step::step!("fence", $crate::operations::relocate::fence),
            $crate::step::step!(urgent "flip", $crate::operations::relocate::flip),
            $crate::step::step!("verify", $crate::operations::relocate::verify),
            $crate::step::step!("grace", $crate::operations::relocate::grace),
            $crate::step::step!("drain", $crate::operations::relocate::drain),
            $crate::step::step!("media_rest", $crate::operations::relocate::media_rest),
            $crate::step::step!("clean_up", $crate::operations::relocate::clean_up),
            $crate::step::step!("media_left", $crate::operations::relocate::media_left),
            $crate::step::step!("own_key", $crate::operations::relocate::own_key),
            $($crate::step::step!(stringify!($name), $between),)*
            $crate::step::step!("stack_gone", $crate::operations::relocate::stack_gone),
            $crate::step::step!("settle", $crate::operations::relocate::settle),
        ]
    };
}
pub(super) use move_steps;

/// The steps of kind `Move`.
pub(super) const STEPS: &[Step] = move_steps!(check::check);
