//! The last step: looks everywhere once more, then states what was erased.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use bson::{Bson, Document, doc};
use bytes::Bytes;
use matome_runtime::blobs::{BlobKey, BlobPrefix};
use matome_store::StoreError;
use matome_store::collection::encode;
use matome_store::entities::{Erased, ErasureCertificate, Kept};
use matome_store::id::derived;
use matome_store::relocate;
use matome_store::time::{date, timestamp};
use matome_tenancy::operations::{Offboard, Request};

use super::backup::blobs;
use super::{erase, places};
use crate::error::ProvisionError;
use crate::step::{Progress, Work};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The rule `forget-final-backups` of the bucket in `template.yaml`, then `forget-replaced-versions`.
const BACKUP_DAYS: u32 = 90 + 30;
/// The longest that SQS keeps a message: `MessageRetentionPeriod` of the dead letters.
const QUEUE_DAYS: u32 = 14;
/// DynamoDB's point-in-time recovery.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html>
const RECOVERY_DAYS: u32 = 35;

/// See the module.
pub(super) async fn certificate(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    if let Err(left) = look_everywhere(work).await {
        // Every other try begins here: so what came after all is erased here, and looked for once more.
        erase::remains(work).await?;
        return Err(left);
    }
    let certificate = state(work)?;
    let certificates = work.context.tenants.platform().platform_collection::<ErasureCertificate>();
    let by_id = doc! { "_id": certificate.id };
    let once = doc! { "$setOnInsert": encode(&certificate)? };
    certificates.update_one(by_id.clone(), once).upsert(true).await.map_err(StoreError::from)?;
    // The one of an earlier attempt stands.
    let stored = certificates.find_one(by_id).await.map_err(StoreError::from)?.unwrap_or(certificate);
    let text = canonical(&stored)?;
    let key = BlobKey::backup(work.tenant, "certificate.json");
    blobs(work)?.put(&key, "application/json", Bytes::from(text)).await?;
    Ok(Progress::Done(doc! { "certificateId": stored.id, "sha256": stored.sha256, "copy": key.as_str() }))
}

/// Fails while anything of the tenant can be found.
async fn look_everywhere(work: &Work<'_>) -> Result<(), ProvisionError> {
    let left = |what: &str| ProvisionError::NotYet(format!("{what} is not empty yet"));
    for place in places::all(work).await? {
        for (collection, count) in relocate::count(&place).await? {
            if count > 0 {
                return Err(left(collection));
            }
        }
    }
    let platform = work.context.tenants.platform();
    for (collection, count) in platform.count_on_platform(work.tenant, work.operation.id).await? {
        if count > 0 {
            return Err(left(&collection));
        }
    }
    let versions = blobs(work)?.versions_under(&BlobPrefix::tenant(work.tenant), None).await?;
    if !versions.versions.is_empty() {
        return Err(left("the tenant's prefix in the bucket"));
    }
    if work.context.tenants.directory().newest_tenant(work.tenant).await?.is_some() {
        return Err(left("the tenant's item in the directory"));
    }
    Ok(())
}

fn state(work: &Work<'_>) -> Result<ErasureCertificate, ProvisionError> {
    let input = Offboard::from_document(&work.operation.input)?;
    let none = Document::new();
    let inventory = work.operation.detail("inventory").unwrap_or(&none);
    let number = |field: &str| inventory.get_i64(field).unwrap_or(0);
    let documents = inventory.get_document("documents").into_iter().flatten();
    let mut certificate = ErasureCertificate {
        id: derived(&["erasure certificate", &work.operation.id.to_hex()]),
        tenant_id: work.tenant.to_string(),
        operation_id: work.operation.id,
        requested_by: work.operation.requested_by.clone(),
        reason: input.reason,
        requested_at: work.operation.created_at,
        erased: Erased {
            documents: documents.filter_map(|(name, n)| Some((name.clone(), n.as_i64()?))).collect(),
            objects: number("objects"),
            versions: number("versions"),
            bytes: number("bytes"),
            key_version: number("keyVersion"),
            stack: work
                .operation
                .detail("stack")
                .filter(|stack| stack.get_bool("removed").unwrap_or(false))
                .map(|_| format!("the stack of tenant {}", work.tenant)),
        },
        steps: times(work),
        kept: kept(work),
        created_at: date(work.context.clock.now()),
        sha256: String::new(),
    };
    certificate.sha256 = sha256(&certificate)?;
    Ok(certificate)
}

fn times(work: &Work<'_>) -> BTreeMap<String, bson::DateTime> {
    let done = work.operation.steps.iter().filter_map(|step| Some((step.name.clone(), step.finished_at?)));
    done.collect()
}

/// What outlives the erasure.
fn kept(work: &Work<'_>) -> Vec<Kept> {
    let times = times(work);
    let after = |step: &str, days: u32| times.get(step).map(|at| date(timestamp(*at).plus(DAY * days)));
    let kept = |what: &str, until| Kept { what: what.to_owned(), until };
    let mut all = vec![
        kept(
            &format!("final backup: s3 backups/{}/final-{}/", work.tenant, work.operation.id.to_hex()),
            after("backup_manifest", BACKUP_DAYS),
        ),
        kept("messages that were in queues or dead letters when it ended", after("erase_key", QUEUE_DAYS)),
        kept(
            "the wrapped data key in the directory's point-in-time recovery",
            after("erase_key", RECOVERY_DAYS),
        ),
        kept(
            "counters of API calls and of rate limits in the ephemeral table, until they expire by themselves",
            None,
        ),
        // `matome_runtime::idempotency::KEEP`; an item that has expired is swept within days.
        kept(
            "answers that the API repeats, sealed under the erased data key, in the ephemeral table: a day old at most, \
             and until they are swept",
            None,
        ),
        kept("backups of the MongoDB cluster, as long as its operator keeps them", None),
        kept("logs: ids and times, no contents, as long as the log groups keep them", None),
        kept("the organization's ids, tier and dates; its owner's account; this certificate", None),
    ];
    let own = work.operation.detail("inventory").and_then(|inventory| inventory.get_document("own").ok());
    for (what, field) in [("its own bucket, empty", "bucket"), ("its own KMS key", "keyArn")] {
        if let Some(name) = own.and_then(|own| own.get_str(field).ok()) {
            all.push(kept(&format!("{what}, until an operator deletes it: {name}"), None));
        }
    }
    all
}

/// Compact JSON with sorted names, and times as MongoDB's extended JSON writes them.
fn canonical(certificate: &ErasureCertificate) -> Result<String, ProvisionError> {
    Ok(matome_domain::audit::canonical(&Bson::Document(encode(certificate)?).into_relaxed_extjson()))
}

/// What [`ErasureCertificate::sha256`] says of itself.
///
/// # Errors
/// When it cannot be written as BSON, which no certificate is.
fn sha256(certificate: &ErasureCertificate) -> Result<String, ProvisionError> {
    let without = canonical(&ErasureCertificate { sha256: String::new(), ..certificate.clone() })?;
    let digest = digest::digest(&digest::SHA256, without.as_bytes());
    Ok(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_go_when_the_certificate_says() {
        let template = include_str!("../../../../../template.yaml");
        let rule = |name: &str, days: &str| {
            let (_, rule) = template.split_once(name)?;
            let (_, days) = rule.split_once(days)?;
            days.lines().next()?.trim().parse::<u32>().ok()
        };
        let expires = rule("Id: forget-final-backups", "ExpirationInDays:").unwrap();
        let replaced = rule("Id: forget-replaced-versions", "NoncurrentDays:").unwrap();
        assert_eq!(BACKUP_DAYS, expires + replaced);
    }
}
