//! What somebody logs in with.

use bson::doc;
use garde::Validate;
use matome_domain::access::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entity::{Entity, Index, Scope};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Refusal, Sort, Update, example,
};
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

/// A device as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// What its owner sees, such as `Firefox on Windows`.
    pub name: String,
    /// Its `User-Agent`, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// First logged in with.
    pub first_seen_at: Time,
    /// Last logged in with.
    pub last_seen_at: Time,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ip: Option<String>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// What can be changed of a device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Laptop at the shop" }))]
pub struct DevicePatch {
    /// What its owner sees.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
}

impl Changes<Device> for DevicePatch {
    fn update(&self, _: &Device) -> Result<Update, Refusal> {
        Ok(Update::new().kept("name", &self.name))
    }
}

impl Exposed for Device {
    const NAME: &'static str = "device";
    const RESOURCE: Resource = Resource::Accounts;
    /// Its sessions are ended; it may be logged in with again.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = DeviceView;
    type Create = NotCreatable;
    type Patch = DevicePatch;

    fn filters() -> Vec<Filter> {
        Vec::new()
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("lastSeenAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829e", "version": 2, "name": "Firefox on Windows",
                "userAgent": "Mozilla/5.0", "firstSeenAt": "2026-10-01T00:00:00.000Z",
                "lastSeenAt": "2026-11-20T00:00:00.000Z", "lastIp": "192.0.2.1",
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T00:00:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({ "name": "Laptop at the shop" }))),
        }
    }
}
