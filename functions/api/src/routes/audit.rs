//! Who did what. Read only: there is no route, and no type, that could write it.

use std::time::Duration;

use axum::extract::State;
use garde::Validate;
use matome_domain::access::{Action, Resource};
use matome_domain::audit::{Expiring, Known, Reason, Tail};
use matome_domain::clock::Timestamp;
use matome_domain::rate::Class;
use matome_store::entities::AuditEntry;
use matome_store::time::timestamp;
use matome_store::{Id, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Route;
use crate::context::App;
use crate::crud::Crud;
use crate::guard::{Access, Rule, Tenant};
use crate::http::{Ok200, Problem, Query};

const TAG: &str = "audit";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// No request takes as long: what was begun before and has no end will have none.
const SETTLED: Duration = Duration::from_secs(60);

pub(super) fn routes() -> Vec<Route> {
    let read = Access::Tenant(Resource::Audit.to(Action::Read));
    let mut routes = Crud::<AuditEntry>::at("/audit", "auditEntryId").routes();
    routes.push(Route::new(
        Rule::get("/organizations/{organizationId}/audit/verification", "verifyAudit", read)
            .says(TAG, "Go through the whole trail and say whether it is whole")
            .describes(
                "Each entry has the hash of the one before, so that one that was changed, moved or removed shows. What the \
                 chain cannot show by itself is that its newest entries are gone: keep `tail` of an earlier answer and \
                 send it with the next question.",
            )
            .counts_as(Class::Search),
        verify,
    ));
    routes
}

/// The end of the chain, as an earlier verification told it.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Remembered {
    /// Its place.
    #[garde(range(min = 1))]
    #[serde(default)]
    tail_seq: Option<i64>,
    /// Its hash.
    #[garde(pattern("^[0-9a-f]{64}$"))]
    #[serde(default)]
    tail_hash: Option<String>,
}

/// What going through the trail has shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = json!({
    "intact": true, "entries": 12, "headGone": false, "tailKnown": false,
    "tail": { "seq": 12, "hash": "a0b1c2d3e4f5061728394a5b6c7d8e9f5f1c0ab2d3e4f5061728394a5b6c7d8e" },
    "withoutEndCount": 0, "withoutEnd": [],
}))]
struct Verification {
    /// Nothing is wrong with it.
    intact: bool,
    /// Entries seen.
    entries: u64,
    /// The place of the first entry that something is wrong with.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken_at: Option<i64>,
    /// What: `changed`, `removed`, `reordered`, `headRemoved`, `tailRemoved` or `rewritten`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Its beginning has gone by retention.
    head_gone: bool,
    /// The end was compared with the remembered one.
    tail_known: bool,
    /// Its end; none if there is no entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<End>,
    /// How many changes were begun of which nobody knows how they ended.
    without_end_count: u64,
    /// The oldest hundred of them.
    without_end: Vec<WithoutEnd>,
}

/// The end of a chain.
#[derive(Debug, Serialize, JsonSchema)]
struct End {
    /// Its place.
    seq: i64,
    /// Its hash.
    hash: String,
}

/// A change that was begun.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WithoutEnd {
    /// The entry.
    id: Id,
    /// Its place.
    seq: i64,
    /// What was asked for.
    operation: String,
    /// The request.
    request_id: String,
    /// When.
    created_at: Time,
}

async fn verify(
    State(app): State<App>,
    tenant: Tenant,
    Query(remembered): Query<Remembered>,
) -> Result<Ok200<Verification>, Problem> {
    let tail = match (remembered.tail_seq, remembered.tail_hash) {
        (Some(seq), Some(hash)) => Some(Tail { seq, hash }),
        (None, None) => None,
        (Some(_), None) => return Err(Problem::parameter("tailHash", "is needed with tailSeq")),
        (None, Some(_)) => return Err(Problem::parameter("tailSeq", "is needed with tailHash")),
    };
    let now = app.clock.now();
    let organization = &tenant.organization;
    let kept_since = before(now, DAY * organization.audit_retention_days);
    // A longer retention holds for what is written from then on.
    let kept_since =
        organization.audit_kept_since.map_or(kept_since, |since| kept_since.max(timestamp(since)));
    let expiring = organization.audit_tail.as_ref().map(Expiring::from);
    let known = Known { kept_since: Some(kept_since), tail, expiring };
    let review = tenant.store.review_audit(known, before(now, SETTLED).into()).await?;
    let without_end = |entry: AuditEntry| WithoutEnd {
        id: entry.id,
        seq: entry.record.seq,
        operation: entry.record.operation,
        request_id: entry.record.request_id,
        created_at: entry.record.created_at,
    };
    Ok(Ok200(Verification {
        intact: review.verdict.intact,
        entries: review.verdict.entries,
        broken_at: review.verdict.broken_at,
        reason: review.verdict.reason.map(name),
        head_gone: review.verdict.head_gone,
        tail_known: review.verdict.tail_known,
        tail: review.verdict.tail.map(|Tail { seq, hash }| End { seq, hash }),
        without_end_count: review.without_end_count,
        without_end: review.without_end.into_iter().map(without_end).collect(),
    }))
}

fn before(now: Timestamp, long: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(long.as_millis()).unwrap_or(i64::MAX)))
}

fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Changed => "changed",
        Reason::Removed => "removed",
        Reason::Reordered => "reordered",
        Reason::HeadRemoved => "headRemoved",
        Reason::TailRemoved => "tailRemoved",
        Reason::Rewritten => "rewritten",
    }
}
