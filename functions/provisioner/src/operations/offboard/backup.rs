//! The final backup: every document of the tenant as JSON lines in S3 (MongoDB's canonical extended
//! JSON, one file for each thousand documents or 8 MB, which `mongoimport` reads), what the platform knows
//! of it (organization, channels, members, …; no tags of keys and links), copies of the media with a list of them,
//! and a manifest with counts and digests.
//!
//! It is what the tenant had when it was offboarded. What customers write during the days of grace is
//! recorded, for the tenant could come back, but is not in it.

use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};
use bytes::Bytes;
use futures::future::try_join_all;
use matome_runtime::blobs::{BlobKey, BlobPrefix, BlobVersion, Blobs, Versions};
use matome_store::entities::tenant_declarations;
use matome_store::relocate;
use matome_store::{StoreError, TenantStore};
use serde_json::{Value, json};

use super::places;
use crate::error::ProvisionError;
use crate::operations::relocate::{AT_ONCE, unsent};
use crate::stack;
use crate::step::{Progress, Work};

const LINES: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// Writes the documents, collection by collection, and remembers how far it is: first the tenant's own, then
/// what the platform knows of it.
pub(super) async fn documents(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let mut detail = work.detail.clone();
    let mut slice = work.context.slice;
    let is_done =
        of_tenant(work, &mut detail, &mut slice).await? && of_platform(work, &mut detail, &mut slice).await?;
    if !is_done {
        return Ok(Progress::Again(detail));
    }
    for passing in ["part", "collection", "platform"] {
        detail.remove(passing);
    }
    Ok(Progress::Done(detail))
}

/// The documents where the tenant lives; whether that was all of them.
async fn of_tenant(work: &Work<'_>, detail: &mut Document, slice: &mut u32) -> Result<bool, ProvisionError> {
    let blobs = blobs(work)?;
    let Some(home) = places::home(work).await? else { return Ok(true) };
    let declarations = tenant_declarations();
    let begin = usize::try_from(detail.get_i64("collection").unwrap_or(0)).unwrap_or(0);
    for (index, declaration) in declarations.iter().enumerate().skip(begin) {
        loop {
            if *slice == 0 {
                return Ok(false);
            }
            *slice -= 1;
            let after = detail.get_document("after").ok().cloned();
            let page = relocate::page(&home, declaration, after.as_ref()).await?;
            let part = detail.get_i64("part").unwrap_or(0) + 1;
            if !page.documents.is_empty() {
                let name = format!("{}-{part:05}.jsonl", declaration.collection);
                let written = write(work, blobs, &name, &page.documents).await?;
                note(detail, "files", written);
            }
            match page.next {
                Some(next) => detail.extend(doc! { "after": next, "part": part }),
                None => break,
            }
        }
        detail.remove("after");
        detail.extend(doc! { "collection": i64::try_from(index + 1).unwrap_or(i64::MAX), "part": 0_i64 });
    }
    Ok(true)
}

/// What the platform knows of the tenant, as `platform-{collection}-{part}.jsonl`; whether that was all of it.
async fn of_platform(
    work: &Work<'_>,
    detail: &mut Document,
    slice: &mut u32,
) -> Result<bool, ProvisionError> {
    let blobs = blobs(work)?;
    let platform = work.context.tenants.platform();
    loop {
        if *slice == 0 {
            return Ok(false);
        }
        *slice -= 1;
        let after = detail.get_document("platform").ok().cloned();
        let Some(page) = platform.page_on_platform(work.tenant, work.operation.id, after.as_ref()).await?
        else {
            return Ok(true);
        };
        if !page.documents.is_empty() {
            let part = detail.get_i64("part").unwrap_or(0) + 1;
            let name = format!("platform-{}-{part:05}.jsonl", page.collection);
            note(detail, "files", write(work, blobs, &name, &page.documents).await?);
            detail.insert("part", part);
        }
        if page.is_last {
            detail.insert("part", 0_i64);
        }
        detail.insert("platform", page.next);
    }
}

/// Copies and lists the media, then writes what there is.
pub(super) async fn manifest(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let blobs = blobs(work)?;
    let mut detail = work.detail.clone();
    let buckets = stack::buckets(work.context, work.tenant).await?;
    let home = places::home(work).await?;
    let mut slice = work.context.slice;
    while let Some((bucket, page)) = media_page(work, &buckets, &mut detail).await? {
        let part = detail.get_i64("part").unwrap_or(0) + 1;
        let media = copy(work, home.as_ref(), bucket, &page).await?;
        if !media.is_empty() {
            let lines = media.iter().map(|(file, v)| json!({ "key": v.key, "file": file, "bytes": v.size }));
            let lines = lines.map(|line| line.to_string()).collect();
            let file = store(work, blobs, &format!("media-{part:05}.jsonl"), lines, media.len()).await?;
            note(&mut detail, "files", file);
        }
        add(&mut detail, "objects", media.len() as u64);
        add(&mut detail, "bytes", media.iter().map(|(_, version)| version.size).sum());
        detail.insert("part", part);
        slice = slice.saturating_sub(1);
        if slice == 0 {
            return Ok(Progress::Again(detail));
        }
    }
    for passing in ["part", "bucket"] {
        detail.remove(passing);
    }
    let documents = work.operation.detail("final_backup").cloned().unwrap_or_default();
    let manifest = json!({
        "tenantId": work.tenant.as_str(),
        "operationId": work.operation.id.to_hex(),
        "format": "MongoDB extended JSON, canonical, one document a line",
        "documents": files(&documents),
        "media": {
            "files": files(&detail),
            "objects": detail.get_i64("objects").unwrap_or(0),
            "bytes": detail.get_i64("bytes").unwrap_or(0),
        },
    });
    let key = key(work, "manifest.json");
    let stored = blobs.put(&key, JSON, Bytes::from(manifest.to_string())).await?;
    detail.insert("manifest", key.as_str());
    detail.insert("sha256", stored.sha256);
    Ok(Progress::Done(detail))
}

/// Copies a page of media into the backup: those that are current, whose message was not unsent, and that were not
/// made to be fetched and forgotten (exports). Each with its name in the backup.
async fn copy<'a>(
    work: &Work<'_>,
    home: Option<&TenantStore>,
    bucket: &Blobs,
    page: &'a Versions,
) -> Result<Vec<(String, &'a BlobVersion)>, ProvisionError> {
    let blobs = blobs(work)?;
    let current = page.versions.iter().filter(|version| version.is_current);
    let media = current.filter_map(|version| Some((BlobKey::of_tenant(work.tenant, &version.key)?, version)));
    let mut media: Vec<_> = media.filter(|(key, _)| !key.is_export()).collect();
    if let Some(home) = home {
        let keys: Vec<_> = media.iter().map(|(key, _)| key.clone()).collect();
        let unsent = unsent(home, &keys).await?;
        media.retain(|(key, _)| key.message().is_none_or(|message| !unsent.contains(&message)));
    }
    let mut copied = Vec::with_capacity(media.len());
    for some in media.chunks(AT_ONCE) {
        let copies = some.iter().map(async |(from, version)| {
            let name = from.within_tenant().to_owned();
            let is_there = blobs.copy_from(bucket, from, &key(work, &name)).await?;
            Ok::<_, ProvisionError>(is_there.then_some((name, *version)))
        });
        copied.extend(try_join_all(copies).await?.into_iter().flatten());
    }
    work.context.faults.boundary("backup.media")?;
    Ok(copied)
}

/// Erases the backup: the tenant stays.
pub(super) async fn discard(work: &Work<'_>) -> Result<Progress, ProvisionError> {
    let blobs = blobs(work)?;
    let prefix = BlobPrefix::backups(work.tenant);
    for _ in 0..work.context.slice {
        if blobs.erase_under(&prefix).await? {
            return Ok(Progress::done());
        }
    }
    Ok(Progress::Again(Document::new()))
}

pub(super) fn blobs<'a>(work: &Work<'a>) -> Result<&'a Blobs, ProvisionError> {
    work.context.blobs.as_ref().ok_or_else(|| ProvisionError::Refused {
        field: Blobs::SETTING,
        reason: "is needed to back up and to erase a tenant".to_owned(),
    })
}

/// The next page of the media and the bucket they are in, one bucket after the other; where it is stands in
/// `detail`. `None` after the last one.
pub(super) async fn media_page<'a>(
    work: &Work<'_>,
    buckets: &'a [Blobs],
    detail: &mut Document,
) -> Result<Option<(&'a Blobs, Versions)>, ProvisionError> {
    let index = detail.get_i64("bucket").unwrap_or(0);
    let Some(blobs) = usize::try_from(index).ok().and_then(|index| buckets.get(index)) else {
        return Ok(None);
    };
    let page = blobs.versions_under(&BlobPrefix::tenant(work.tenant), marker(detail).as_ref()).await?;
    match &page.next {
        Some((key, version)) => drop(detail.insert("marker", doc! { "key": key, "version": version })),
        None => {
            detail.remove("marker");
            detail.insert("bucket", index + 1);
        }
    }
    Ok(Some((blobs, page)))
}

fn marker(detail: &Document) -> Option<(String, Option<String>)> {
    let marker = detail.get_document("marker").ok()?;
    let version = marker.get_str("version").ok().map(str::to_owned);
    Some((marker.get_str("key").ok()?.to_owned(), version))
}

/// Adds to a counter.
pub(super) fn add(detail: &mut Document, field: &str, more: u64) {
    let sum = detail.get_i64(field).unwrap_or(0).saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
    detail.insert(field, sum);
}

async fn write(
    work: &Work<'_>,
    blobs: &Blobs,
    name: &str,
    documents: &[RawDocumentBuf],
) -> Result<Document, ProvisionError> {
    let line = |document: &RawDocumentBuf| {
        let document: Document = bson::deserialize_from_slice(document.as_bytes())
            .map_err(|why| StoreError::Decode { collection: name.to_owned(), why })?;
        Ok::<_, StoreError>(Bson::Document(document).into_canonical_extjson().to_string())
    };
    let lines = documents.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    store(work, blobs, name, lines, documents.len()).await
}

async fn store(
    work: &Work<'_>,
    blobs: &Blobs,
    name: &str,
    lines: Vec<String>,
    count: usize,
) -> Result<Document, ProvisionError> {
    let mut text = lines.join("\n");
    text.push('\n');
    let stored = blobs.put(&key(work, name), LINES, Bytes::from(text)).await?;
    Ok(doc! {
        "name": name,
        "count": i64::try_from(count).unwrap_or(i64::MAX),
        "bytes": i64::try_from(stored.size).unwrap_or(i64::MAX),
        "sha256": stored.sha256,
    })
}

/// `backups/{tenantId}/final-{operationId}/{name}`.
fn key(work: &Work<'_>, name: &str) -> BlobKey {
    BlobKey::backup(work.tenant, &format!("final-{}/{name}", work.operation.id.to_hex()))
}

fn note(detail: &mut Document, list: &str, file: Document) {
    let mut files = detail.get_array(list).cloned().unwrap_or_default();
    files.push(file.into());
    detail.insert(list, files);
}

fn files(detail: &Document) -> Vec<Value> {
    let files = detail.get_array("files").into_iter().flatten();
    files.map(|file| file.clone().into_relaxed_extjson()).collect()
}
