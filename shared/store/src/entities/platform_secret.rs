//! What the platform itself keeps secret.

use std::fmt;

use bson::{Document, doc};
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date, one_of, string};
use crate::value::Time;

/// A key of the platform: never in the clear. Whoever needs one that is missing makes it and inserts it;
/// of several that do so at once, the first one's stays.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSecret {
    /// Its name: `data-key`, `mac-key`, `signing-key-{period}`.
    #[serde(rename = "_id")]
    pub id: String,
    /// What it is.
    pub kind: PlatformSecretKind,
    /// Wrapped by KMS (the data key), or sealed under the data key (the others); base64.
    pub sealed: String,
    /// Of a signing key: its key id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Of a signing key: its public half as a JWK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<Document>,
    /// Of a signing key: what it signs is not believed afterwards, and MongoDB deletes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl fmt::Debug for PlatformSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlatformSecret({})", self.id)
    }
}

/// `platformSecret.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "camelCase")]
pub enum PlatformSecretKind {
    /// The data key of the pseudo-tenant `accounts`.
    DataKey,
    /// A key that signs access tokens.
    SigningKey,
    /// The key of all tags.
    MacKey,
}

impl Entity for PlatformSecret {
    const COLLECTION: &'static str = "platform_secrets";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![Index::on(doc! { "kind": 1, "createdAt": -1 }), Index::ttl(doc! { "expiresAt": 1 })]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("kind", one_of::<PlatformSecretKind>())
            .required("sealed", string())
            .optional("expiresAt", date())
            .required("createdAt", date())
    }
}
