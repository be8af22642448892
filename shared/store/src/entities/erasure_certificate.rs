//! What is left of a tenant that was offboarded: the statement of what was erased.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date, object_id, string};

/// A certificate. It holds numbers, names of collections and times: nothing that a customer wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasureCertificate {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Whose data it was.
    pub tenant_id: String,
    /// The operation that erased them.
    pub operation_id: ObjectId,
    /// Who asked for it: `operator`, or an account's id.
    pub requested_by: String,
    /// Why, in the words of who asked.
    pub reason: String,
    /// Asked for when.
    pub requested_at: DateTime,
    /// What was there when everything had come to a stand, and is not there any more.
    pub erased: Erased,
    /// When each step of the erasure was done, by the step's name.
    pub steps: BTreeMap<String, DateTime>,
    /// What outlives the erasure, where, and until when.
    pub kept: Vec<Kept>,
    /// When a last look found nothing anywhere.
    pub created_at: DateTime,
    /// SHA-256, hexadecimal, over the certificate as compact JSON with sorted names and without this field.
    pub sha256: String,
}

/// `erasure_certificate.erased`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erased {
    /// Documents by collection, the tenant's own and the platform's.
    pub documents: BTreeMap<String, i64>,
    /// Objects that could be read.
    pub objects: i64,
    /// Versions of objects, those that were replaced or deleted included.
    pub versions: i64,
    /// Bytes of all versions.
    pub bytes: i64,
    /// Version of the data key whose only copy was destroyed.
    pub key_version: i64,
    /// Name of the tenant's own stack, where it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}

/// `erasure_certificate.kept[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What it is, and where.
    pub what: String,
    /// When it goes; absent: it is kept for good, or as long as who runs the platform decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime>,
}

impl Entity for ErasureCertificate {
    const COLLECTION: &'static str = "erasure_certificates";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![Index::on(doc! { "tenantId": 1 })]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("tenantId", string())
            .required("operationId", object_id())
            .required("sha256", string())
            .required("createdAt", date())
    }
}
