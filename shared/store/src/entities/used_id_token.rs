//! ID tokens that were taken, until they are over.

use bson::doc;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date};
use crate::value::Time;

/// An ID token of LINE or of an OpenID provider that somebody logged in with or linked: it is not taken again.
/// `_id` decides who is first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsedIdToken {
    /// Tag (HMAC) of its issuer and of what is signed of it.
    #[serde(rename = "_id")]
    pub id: String,
    /// Nobody takes it afterwards anyway: MongoDB deletes it.
    pub expires_at: Time,
    /// Used when.
    pub created_at: Time,
}

impl Entity for UsedIdToken {
    const COLLECTION: &'static str = "used_id_tokens";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![Index::ttl(doc! { "expiresAt": 1 })]
    }

    fn shape() -> Shape {
        Shape::new().required("expiresAt", date()).required("createdAt", date())
    }
}
