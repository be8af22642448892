//! What somebody logs in with.

use bson::doc;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date, object_id, string};
use crate::value::{Id, Time};

/// A browser or app that an account was logged in with (the seeds' `user_devices`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Whose.
    pub account_id: Id,
    /// Tag of what it says of itself; the same again is the same device.
    pub fingerprint: String,
    /// What its owner sees, such as `Firefox on Windows`.
    pub name: String,
    /// Its `User-Agent`, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// First logged in with.
    pub first_seen_at: Time,
    /// Last used.
    pub last_seen_at: Time,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ip: Option<String>,
    /// Its sessions were ended when, if so; it may be logged in with again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl Entity for Device {
    const COLLECTION: &'static str = "devices";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "accountId": 1, "fingerprint": 1 }),
            Index::on(doc! { "accountId": 1, "lastSeenAt": -1, "_id": -1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("accountId", object_id())
            .required("fingerprint", string())
            .required("name", string())
            .required("createdAt", date())
    }
}
