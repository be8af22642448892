//! One run of the provisioner on a tenant: what is to be done, how far it is, what went wrong.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::access::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::shape::{Shape, date, string};
use crate::value::{Id, Time};

/// An operation. It is the whole memory of what is done to a tenant: the queue message that drives
/// it carries its id and nothing else, so that it goes on from here after any crash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The tenant it is done to.
    pub tenant_id: String,
    /// What is done.
    pub kind: OperationKind,
    /// What it needs to know, by kind. Secrets in it are sealed under the tenant's data key.
    pub input: Document,
    /// How it stands.
    pub state: OperationState,
    /// Set while it has not ended, and absent afterwards: a tenant has one open operation at most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// Somebody wants it to be given up; it is, at the next step where that leaves nothing half done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abort_requested: bool,
    /// It takes itself back, or has done so: it was given up or failed where that was possible.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_back: bool,
    /// How often it was tried again after it had failed.
    #[serde(default)]
    pub retries: i64,
    /// The steps that were begun, in order.
    #[serde(default)]
    pub steps: Vec<OperationStep>,
    /// Nothing is to be done before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime>,
    /// Who asked for it: `operator`, `scheduler`, or an account's id.
    pub requested_by: String,
    /// Asked for when.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Ended when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime>,
    /// Version for optimistic locking: of two provisioners only one goes on.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// What can be done to a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Organization, default room, data key, collections, directory; its own stack where the tier has one.
    Create,
    /// Connects a channel of a messaging platform.
    ConnectChannel,
    /// Takes a channel's new secret into use.
    RotateChannelSecret,
    /// Takes a channel out of service, and forgets its secret.
    DisconnectChannel,
    /// Gives the tenant a new data key and seals everything under it.
    RotateDataKey,
    /// Another tier: limits, and the placement that goes with it.
    ChangeTier,
    /// Another placement or cell.
    Move,
    /// What becomes of its trial: served as on the free plan, or as its tier says.
    SettleTrial,
    /// Stops serving it; what its customers write is kept.
    Suspend,
    /// Serves it again.
    Resume,
    /// Final backup, grace period, erasure everywhere, certificate.
    Offboard,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Asked for.
    Queued,
    /// Being worked on.
    Running,
    /// Waits for [`Operation::not_before`]: for something else to happen, or for another try.
    Waiting,
    /// All steps are done.
    Done,
    /// A step kept failing; its error says why. It can be asked for again and goes on from there.
    Failed,
    /// Given up on request; nothing of it is left.
    Aborted,
}

/// A step of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationStep {
    /// Its name.
    pub name: String,
    /// Whether it is done.
    pub done: bool,
    /// How often it was begun without being done.
    pub attempts: i64,
    /// What it has to remember: how far it is, then what it found or made. Never a secret.
    #[serde(default, skip_serializing_if = "Document::is_empty")]
    pub detail: Document,
    /// What went wrong last; absent once it went right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// First begun.
    pub started_at: DateTime,
    /// Done when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime>,
}

impl Operation {
    /// What a step of this operation remembered.
    #[must_use]
    pub fn detail(&self, step: &str) -> Option<&Document> {
        self.steps.iter().find(|s| s.name == step).map(|s| &s.detail)
    }
}

impl Entity for Operation {
    const COLLECTION: &'static str = "tenant_operations";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1 }).only(doc! { "open": true }),
            // Lists: of a tenant, and of all.
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "createdAt": -1, "_id": -1 }),
            // What the scheduler looks for.
            Index::on(doc! { "notBefore": 1 }).only(doc! { "open": true }),
        ]
    }

    fn shape() -> Shape {
        Shape::new().required("tenantId", string()).required("state", string()).required("createdAt", date())
    }
}

/// An operation as the API shows it: what it needs to know and what it remembers is not for reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// What is done.
    pub kind: OperationKind,
    /// How it stands.
    pub state: OperationState,
    /// It has not ended.
    #[serde(default)]
    pub open: bool,
    /// Somebody wants it to be given up.
    #[serde(default)]
    pub abort_requested: bool,
    /// It takes itself back, or has done so.
    #[serde(default)]
    pub taken_back: bool,
    /// The steps that were begun, in order.
    #[serde(default)]
    pub steps: Vec<OperationStepView>,
    /// Nothing is done before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// Who asked for it: `operator`, `scheduler`, or an account's id.
    pub requested_by: String,
    /// Asked for when.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Ended when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
}

/// A step of an operation, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationStepView {
    /// Its name.
    pub name: String,
    /// Whether it is done.
    pub done: bool,
    /// How often it was begun without being done.
    pub attempts: i64,
    /// What went wrong last; absent once it went right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// First begun.
    pub started_at: Time,
    /// Done when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
}

impl From<&Operation> for OperationView {
    fn from(operation: &Operation) -> Self {
        let step = |step: &OperationStep| OperationStepView {
            name: step.name.clone(),
            done: step.done,
            attempts: step.attempts,
            error: step.error.clone(),
            started_at: step.started_at.into(),
            finished_at: step.finished_at.map(Time::from),
        };
        Self {
            id: operation.id.into(),
            version: operation.version,
            tenant_id: operation.tenant_id.clone(),
            kind: operation.kind,
            state: operation.state,
            open: operation.open,
            abort_requested: operation.abort_requested,
            taken_back: operation.taken_back,
            steps: operation.steps.iter().map(step).collect(),
            not_before: operation.not_before.map(Time::from),
            requested_by: operation.requested_by.clone(),
            created_at: operation.created_at.into(),
            updated_at: operation.updated_at.into(),
            finished_at: operation.finished_at.map(Time::from),
        }
    }
}

impl Exposed for Operation {
    const NAME: &'static str = "operation";
    const RESOURCE: Resource = Resource::Organizations;
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = OperationView;
    /// Asked for by what is to be done.
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::one_of::<OperationKind>("kind", "What is done."),
            Filter::one_of::<OperationState>("state", "How it stands."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829d", "version": 3, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "kind": "connect_channel", "state": "running", "open": true,
                "steps": [{
                    "name": "credentials", "done": true, "attempts": 1,
                    "startedAt": "2026-11-20T09:30:00.000Z", "finishedAt": "2026-11-20T09:30:01.000Z",
                }],
                "requestedBy": "671f0a2b9d3c4e5f60718292",
                "createdAt": "2026-11-20T09:30:00.000Z", "updatedAt": "2026-11-20T09:30:01.000Z",
            })),
            create: None,
            patch: None,
        }
    }
}
