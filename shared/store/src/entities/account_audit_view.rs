//! What the API shows of an account's own audit trail.

use matome_domain::access::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::audit_entry::{AccountAuditEntry, AuditActor, AuditPhase, AuditTarget};
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::value::{Id, Time};

/// An entry of an account's own trail as the API shows it: all of it, so that its owner can check the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountAuditEntryView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Whose; the chain's name.
    pub account_id: Id,
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
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub path: Map<String, Value>,
    /// Of an `ended` entry: the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// How it was; secrets redacted.
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

impl Exposed for AccountAuditEntry {
    const NAME: &'static str = "accountAuditEntry";
    const RESOURCE: Resource = Resource::Accounts;
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = AccountAuditEntryView;
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![Filter::time("createdAt", "Written.")]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718297", "accountId": "671f0a2b9d3c4e5f6071829d", "seq": 7,
                "previousHash": "5f1c0ab2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e",
                "previousAt": "2026-11-20T09:30:00.000Z",
                "hash": "a0b1c2d3e4f5061728394a5b6c7d8e9f5f1c0ab2d3e4f5061728394a5b6c7d8e",
                "phase": "ended", "operation": "logIn", "actor": { "kind": "nobody" }, "ip": "203.0.113.7",
                "requestId": "0b9c7b1e-6a1c-4f0e-9a55-1d0a6f0b7f53", "status": 401,
                "createdAt": "2026-11-20T09:30:00.100Z", "expiresAt": "2027-11-20T09:30:00.100Z",
            })),
            create: None,
            patch: None,
        }
    }
}
