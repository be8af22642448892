//! Has a data key wrapped by another KMS key: a new data key under it, everything sealed anew, and only
//! then the key before is forgotten. One step, which another operation does when a tenant comes to have a
//! stack of its own, or leaves it.

use bson::{Document, doc};
use matome_store::time::{date, timestamp};

use super::rotate_data_key::{replace, retire};
use crate::channel::listing;
use crate::error::ProvisionError;
use crate::resealing;
use crate::step::{Progress, Work};

/// Gives the tenant a data key that `own` wraps, or the platform's KMS key without one. A rotation that
/// was not finished comes to its end first.
pub(super) async fn under(work: &Work<'_>, own: Option<&str>) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    match work.detail.get_str("next").unwrap_or_default() {
        "reseal" => {
            let (pass, resealed) = pass(work).await?;
            detail.insert("next", if pass.is_some() { "reseal" } else { "check" });
            if pass.is_none() {
                detail.insert("resealed", resealed);
            }
            detail.insert("pass", pass.unwrap_or_default());
            Ok(Progress::Again(detail))
        }
        "check" => {
            // Who has not heard of the new key seals under the one before.
            let now = work.context.clock.now();
            let since = work.detail.get_datetime("at").map_or(now, |at| timestamp(*at));
            let known = since.plus(work.context.directory_age);
            if now < known {
                return Ok(Progress::Wait(known.since(now), detail));
            }
            let (pass, resealed) = pass(work).await?;
            if pass.is_none() && resealed == 0 {
                detail.insert("next", "retire");
            }
            detail.insert("pass", pass.unwrap_or_default());
            Ok(Progress::Again(detail))
        }
        "retire" => {
            retire(work).await?;
            let is_new = work.detail.get_bool("new").unwrap_or(false);
            let (version, resealed) = (work.detail.get("keyVersion"), work.detail.get("resealed"));
            let done = doc! { "keyVersion": version.cloned(), "resealed": resealed.cloned() };
            Ok(if is_new { Progress::Done(done) } else { Progress::Again(doc! {}) })
        }
        _ => {
            let mut record = listing::tenant(work).await?;
            let is_new = record.previous_key.is_none();
            if is_new {
                record = replace(work, record, own).await?;
            }
            Ok(Progress::Again(doc! {
                "next": "reseal", "new": is_new, "keyVersion": i64::from(record.key.key_version),
                "at": date(work.context.clock.now()),
            }))
        }
    }
}

/// A slice of a pass over everything sealed: where it goes on, and what it has found so far.
async fn pass(work: &Work<'_>) -> Result<(Option<Document>, i64), ProvisionError> {
    let tenant = listing::tenant(work).await?;
    let from = work.detail.get_document("pass").cloned().unwrap_or_default();
    let slice = resealing::slice(work, &tenant, &from).await?;
    Ok((slice.next, slice.resealed))
}
