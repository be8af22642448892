//! Who did what.

use bson::{DateTime, doc};
use matome_domain::access::Resource;
use matome_domain::audit::{Chained, Expiring, Tail};
use matome_domain::clock::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::shape::{Shape, date, number, object_id, one_of, string};
use crate::time::timestamp;
use crate::value::{Id, Time};

/// An entry in the audit trail of an organization. Written by [`crate::audit`] and never changed; hash and
/// `previousHash` make a chain of them (see [`matome_domain::audit`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant; the chain's name.
    pub tenant_id: String,
    /// What happened.
    #[serde(flatten)]
    pub record: AuditRecord,
}

/// An entry in the audit trail of an account: log-ins, passwords, factors. It belongs to no organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAuditEntry {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Whose; the chain's name.
    pub account_id: Id,
    /// What happened.
    #[serde(flatten)]
    pub record: AuditRecord,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// Hash of the entry before; empty for the first.
    pub previous_hash: String,
    /// When the entry before was written: tells whether it may have gone by retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_at: Option<Time>,
    /// SHA-256 in hexadecimal over the previous hash and everything else here, but `expiresAt`.
    pub hash: String,
    /// Before the change, or after.
    pub phase: AuditPhase,
    /// What was asked for, such as `rooms.update`.
    pub operation: String,
    /// Of an `ended` entry: the `begun` one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun_id: Option<Id>,
    /// Who.
    pub actor: AuditActor,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// With what, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The request.
    pub request_id: String,
    /// On what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<AuditTarget>,
    /// The ids in the request's path, by name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub path: serde_json::Map<String, Value>,
    /// Of an `ended` entry: the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// How it was; secrets and message texts redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Written.
    pub created_at: Time,
    /// MongoDB deletes it then: after the organization's `auditRetentionDays`, as they were when it was written.
    pub expires_at: Time,
}

/// `organization.auditTail`: the newest entry of its trail, remembered when retention was about to take it, so
/// that the next one comes after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditTail {
    /// Its place.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// When it was written.
    pub written_at: DateTime,
}

impl From<&AuditTail> for Expiring {
    fn from(tail: &AuditTail) -> Self {
        let AuditTail { seq, hash, written_at } = tail.clone();
        Self { tail: Tail { seq, hash }, written_at: timestamp(written_at) }
    }
}

/// `auditEntry.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditPhase {
    /// About to happen; without an `ended` entry nobody knows whether it did.
    Begun,
    /// Over.
    Ended,
}

/// `auditEntry.actor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    /// What it is.
    pub kind: ActorKind,
    /// The account's or key's id; the platform's own functions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
}

/// `auditEntry.actor.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ActorKind {
    /// Somebody who is logged in.
    Account,
    /// A machine.
    ApiKey,
    /// A function of the platform, or an operator.
    System,
    /// Somebody who has not said who they are: a log-in.
    Nobody,
}

/// `auditEntry.target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditTarget {
    /// Such as `room`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// Entries that hang together by their hashes.
macro_rules! chained {
    ($entry:ty) => {
        impl Chained for $entry {
            fn seq(&self) -> i64 {
                self.record.seq
            }

            fn hash(&self) -> &str {
                &self.record.hash
            }

            fn previous_hash(&self) -> &str {
                &self.record.previous_hash
            }

            fn previous_at(&self) -> Option<Timestamp> {
                self.record.previous_at.map(Into::into)
            }

            fn content(&self) -> Value {
                // Retention can be changed; what happened cannot.
                let mut entry = self.clone();
                entry.record.expires_at = entry.record.created_at;
                // A time that cannot be written was not written by us: nothing has the hash of nothing.
                let mut content = serde_json::to_value(entry).unwrap_or_default();
                if let Some(fields) = content.as_object_mut() {
                    fields.remove("expiresAt");
                }
                content
            }
        }
    };
}

chained!(AuditEntry);
chained!(AccountAuditEntry);

fn shape() -> Shape {
    Shape::new()
        .required("seq", number())
        .required("previousHash", string())
        .required("hash", string())
        .required("phase", one_of::<AuditPhase>())
        .required("operation", string())
        .required("requestId", string())
        .required("createdAt", date())
        .required("expiresAt", date())
}

impl Entity for AuditEntry {
    const COLLECTION: &'static str = "audit_entries";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "seq": 1 }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "actor.id": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "target.id": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "requestId": 1 }),
            Index::ttl(doc! { "expiresAt": 1 }),
        ]
    }

    fn shape() -> Shape {
        shape()
    }
}

impl Entity for AccountAuditEntry {
    const COLLECTION: &'static str = "account_audit_entries";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "accountId": 1, "seq": 1 }),
            Index::on(doc! { "accountId": 1, "createdAt": -1, "_id": -1 }),
            Index::ttl(doc! { "expiresAt": 1 }),
        ]
    }

    fn shape() -> Shape {
        shape().required("accountId", object_id())
    }
}

/// An entry as the API shows it: all of it, so that whoever wants can check the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// The organization's id; the chain's name.
    pub tenant_id: String,
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// Hash of the entry before; empty for the first.
    pub previous_hash: String,
    /// When the entry before was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_at: Option<Time>,
    /// SHA-256 in hexadecimal over the previous hash and everything else here, but `expiresAt`.
    pub hash: String,
    /// Before the change, or after.
    pub phase: AuditPhase,
    /// What was asked for: an `operationId`.
    pub operation: String,
    /// Of an `ended` entry: the `begun` one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun_id: Option<Id>,
    /// Who.
    pub actor: AuditActor,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// With what, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The request.
    pub request_id: String,
    /// On what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<AuditTarget>,
    /// The ids in the request's path, by name.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub path: serde_json::Map<String, Value>,
    /// Of an `ended` entry: the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// How it was; secrets and message texts redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Written.
    pub created_at: Time,
    /// Goes then.
    pub expires_at: Time,
}

impl Exposed for AuditEntry {
    const NAME: &'static str = "auditEntry";
    const RESOURCE: Resource = Resource::Audit;
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = AuditEntryView;
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::id("actorId", "The account or key that acted.").at("actor.id"),
            Filter::text("operation", "What was asked for: an `operationId`."),
            Filter::text("targetKind", "On what, such as `room`.").at("target.kind"),
            Filter::text("targetId", "Its id.").at("target.id"),
            Filter::time("createdAt", "Written."),
            Filter::text("requestId", "The request.").few(),
            Filter::one_of::<AuditPhase>("phase", "Before the change, or after."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718297", "tenantId": "671f0a2b9d3c4e5f6071829b", "seq": 12,
                "previousHash": "5f1c0ab2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e",
                "previousAt": "2026-11-20T09:30:00.000Z",
                "hash": "a0b1c2d3e4f5061728394a5b6c7d8e9f5f1c0ab2d3e4f5061728394a5b6c7d8e",
                "phase": "ended", "operation": "updateRoom", "begunId": "671f0a2b9d3c4e5f60718298",
                "actor": { "kind": "account", "id": "671f0a2b9d3c4e5f60718292" }, "ip": "203.0.113.7",
                "requestId": "0b9c7b1e-6a1c-4f0e-9a55-1d0a6f0b7f53",
                "target": { "kind": "room", "id": "671f0a2b9d3c4e5f60718299" }, "status": 200,
                "before": { "name": "Sales" }, "after": { "name": "Support" },
                "createdAt": "2026-11-20T09:30:00.100Z", "expiresAt": "2027-02-18T09:30:00.100Z",
            })),
            create: None,
            patch: None,
        }
    }
}
