//! Asking somebody into an organization.

use bson::doc;
use matome_domain::access::{Overrides, Resource, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::shape::{Shape, date, one_of, string};
use crate::store::Store;
use crate::value::{Id, Time};

/// An invitation by e-mail; who has its token may become a member. MongoDB deletes it when it has expired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant.
    pub tenant_id: String,
    /// To whom; lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// With which permissions besides.
    #[serde(default)]
    pub permissions: Overrides,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<Id>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Tag of the token in the mail.
    pub tag: String,
    /// The account or key that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<Id>,
    /// State.
    pub status: InvitationStatus,
    /// Not taken afterwards.
    pub expires_at: Time,
    /// Accepted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Time>,
    /// By which account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl Invitation {
    /// Whether it can be accepted.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        self.status == InvitationStatus::Pending && now < self.expires_at
    }
}

/// `invitation.status`; one that expired says `pending` until it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvitationStatus {
    /// Sent.
    Pending,
    /// Has made a member.
    Accepted,
    /// Taken back.
    Revoked,
}

impl Entity for Invitation {
    const COLLECTION: &'static str = "invitations";
    const SCOPE: Scope = Scope::TenantOnPlatform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tag": 1 }),
            // One open one for each address.
            Index::unique(doc! { "tenantId": 1, "email": 1 }).only(doc! { "status": "pending" }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::ttl(doc! { "expiresAt": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("email", string())
            .required("role", one_of::<Role>())
            .required("tag", string())
            .required("status", one_of::<InvitationStatus>())
            .required("expiresAt", date())
            .required("createdAt", date())
    }
}

impl Store {
    /// The invitation whose token has this tag, whichever tenant's: who has the token does not say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invitation_by_tag(&self, tag: &str) -> Result<Option<Invitation>, StoreError> {
        Ok(self.across_tenants::<Invitation>().find_one(doc! { "tag": tag }).await?)
    }
}

/// An invitation as the API shows it: without its token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// To whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// With which permissions besides.
    #[serde(default)]
    pub permissions: Overrides,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<Id>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The account or key that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<Id>,
    /// State; one that expired says `pending` until it goes.
    pub status: InvitationStatus,
    /// Not taken afterwards.
    pub expires_at: Time,
    /// Accepted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Time>,
    /// By which account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

impl Exposed for Invitation {
    const NAME: &'static str = "invitation";
    const RESOURCE: Resource = Resource::Members;
    /// It is revoked, and goes by itself when it has expired.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = InvitationView;
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::one_of::<InvitationStatus>("status", "State.").few(),
            Filter::text("email", "E-mail address, in lower case.").few(),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718293", "version": 0, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "email": "bun@example.com", "role": "agent", "status": "pending",
                "invitedBy": "671f0a2b9d3c4e5f60718292", "expiresAt": "2026-11-27T09:30:00.000Z",
                "createdAt": "2026-11-20T09:30:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: None,
            patch: None,
        }
    }
}
