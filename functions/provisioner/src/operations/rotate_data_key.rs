//! Gives the tenant a new data key. What is sealed is sealed under it from then on; what was sealed
//! before opens under the key before, is sealed anew piece by piece, and only when nothing of it is left
//! is that key forgotten. Nobody waits for any of it: a webhook finds secret and key in one item.
//!
//! There is no way back, and none is needed: an operation that stopped half-way leaves both keys in the
//! directory, and the next one goes on with them.

use bson::{Document, doc};
use matome_runtime::directory::TenantRecord;
use matome_store::time::{date, timestamp};

use crate::channel::listing;
use crate::error::ProvisionError;
use crate::resealing;
use crate::stack;
use crate::step::{Progress, Step, Work, step};

pub(super) const STEPS: &[Step] = &[step!(new_key), step!(reseal), step!(check), step!(retire)];

async fn new_key(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let context = work.context;
    let mut record = listing::tenant(work).await?;
    if record.previous_key.is_none() {
        let own = stack::resources(context, work.tenant).await?.map(|own| own.key_arn);
        record = replace(work, record, own.as_deref()).await?;
    }
    let from = record.previous_key.as_ref().map(|k| i64::from(k.key_version));
    let to = i64::from(record.key.key_version);
    Ok(Progress::Done(doc! { "from": from, "to": to, "at": date(context.clock.now()) }))
}

async fn reseal(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let tenant = listing::tenant(work).await?;
    Ok(match resealing::slice(work, &tenant, work.detail).await? {
        resealing::Slice { next: Some(next), .. } => Progress::Again(next),
        resealing::Slice { next: None, resealed } => Progress::Done(doc! { "resealed": resealed }),
    })
}

/// Looks through everything once more, when nobody can be left who has not heard of the new key and
/// seals under the one before; until nothing is found.
async fn check(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let now = work.context.clock.now();
    let in_use_since = work.operation.detail("new_key").and_then(|d| d.get_datetime("at").ok());
    let in_use_since = in_use_since.map_or(now, |at| timestamp(*at));
    let known = in_use_since.plus(work.context.directory_age);
    if now < known {
        return Ok(Progress::Wait(known.since(now), Document::new()));
    }
    let tenant = listing::tenant(work).await?;
    Ok(match resealing::slice(work, &tenant, work.detail).await? {
        resealing::Slice { next: Some(next), .. } => Progress::Again(next),
        resealing::Slice { next: None, resealed: 0 } => Progress::done(),
        resealing::Slice { next: None, .. } => Progress::Again(Document::new()),
    })
}

/// Takes a new key into use, wrapped by the KMS key `own` or the platform's; the one before stays beside it.
pub(super) async fn replace(
    work: &Work<'_>,
    mut record: TenantRecord,
    own: Option<&str>,
) -> Result<TenantRecord, ProvisionError> {
    let context = work.context;
    let key = context.keys.generate_under(work.tenant, record.key.key_version + 1, own).await?;
    context.faults.boundary("rotate_data_key.generated")?;
    record.previous_key = Some(std::mem::replace(&mut record.key, key));
    put(work, &mut record).await?;
    context.faults.boundary("rotate_data_key.in_use")?;
    Ok(record)
}

/// Forgets the key before: nothing is sealed under it any more.
pub(super) async fn retire(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let mut record = listing::tenant(work).await?;
    if record.previous_key.take().is_some() {
        put(work, &mut record).await?;
        work.context.faults.boundary("rotate_data_key.retired")?;
    }
    Ok(Progress::done())
}

async fn put(work: &Work<'_>, record: &mut TenantRecord) -> Result<(), ProvisionError> {
    record.version += 1;
    Ok(work.context.tenants.directory().put_tenant(record).await?)
}
