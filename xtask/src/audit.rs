//! What the audit trails hear of what an operator does from the command line.

use std::time::Duration;

use matome_domain::clock::{Clock as _, Timestamp};
use matome_runtime::clock::SystemClock;
use matome_runtime::random::{Random as _, SystemRandom};
use matome_store::audit::NewAuditEntry;
use matome_store::entities::{ActorKind, AuditActor, AuditPhase, AuditTarget};
use matome_store::value::{Id, Time};
use serde_json::{Map, Value};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The entry before a change.
pub(crate) fn begun(operation: &str, now: Time, retention_days: u32) -> NewAuditEntry {
    NewAuditEntry {
        phase: AuditPhase::Begun,
        operation: operation.to_owned(),
        begun_id: None,
        actor: AuditActor { kind: ActorKind::System, id: None },
        ip: None,
        user_agent: Some("xtask".to_owned()),
        request_id: SystemRandom.uuid().to_string(),
        target: None,
        path: Map::new(),
        status: None,
        before: None,
        after: None,
        created_at: now,
        expires_at: Timestamp::from(now).plus(DAY * retention_days).into(),
    }
}

/// The one after it: what became of which kind of thing, and of which.
pub(crate) fn ended(
    begun_id: Id,
    begun: NewAuditEntry,
    target: Option<(&str, Id)>,
    after: Option<Value>,
) -> NewAuditEntry {
    NewAuditEntry {
        phase: AuditPhase::Ended,
        begun_id: Some(begun_id),
        target: target.map(|(kind, id)| AuditTarget { kind: kind.to_owned(), id: id.to_hex() }),
        after,
        created_at: SystemClock.now().into(),
        ..begun
    }
}
