//! The end of a tenant: it is suspended, backed up a last time, left alone for the days of grace, then
//! erased everywhere, which a certificate states.
//!
//! Until the days of grace are over it can be aborted: the tenant is what it was, and the final backup is
//! discarded. From `disconnect` on there is only forward; what keeps failing is shown and retried.
//!
//! The order within the erasure: channels leave the directory and everybody's cache; the server then
//! refuses further writes (a fence, see `matome_store::fence`), so that what is counted is what is erased;
//! the data key goes last of what consumers need, and when no cache can hold the tenant any more and nobody can
//! still be at work on it, what is left (late media, collections, databases, the fence) goes too.

mod backup;
mod certificate;
mod erase;
mod grace;
mod places;

use matome_store::entities::Operation;

use crate::operations::stack;
use crate::step::{Step, step};

/// The steps.
pub(super) const STEPS: &[Step] = &[
    step!("suspend", grace::suspend),
    step!("final_backup", backup::documents),
    step!("backup_manifest", backup::manifest),
    step!("grace", grace::grace),
    step!("disconnect", erase::disconnect),
    step!("inventory", erase::inventory),
    step!("erase_database", erase::database),
    step!("erase_blobs", erase::blobs),
    step!("erase_key", erase::key),
    step!("erase_remains", erase::remains),
    step!("stack", stack::remove),
    step!("certificate", certificate::certificate),
];

/// The way back.
const BACK: &[Step] = &[step!("serve_again", grace::serve_again), step!("discard_backup", backup::discard)];

/// Back is possible until the first step that destroys something has begun.
pub(super) fn way_back(operation: &Operation) -> Option<&'static [Step]> {
    let is_too_late = operation.steps.iter().any(|step| step.name == "disconnect");
    (!is_too_late).then_some(BACK)
}
