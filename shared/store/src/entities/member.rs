//! An account in an organization.

use std::collections::BTreeMap;

use bson::{Document, doc};
use futures::TryStreamExt;
use matome_domain::access::{Overrides, PermissionSet, Role, effective};
use matome_domain::ids::TenantId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::scope::TENANT;
use crate::shape::{Shape, date, object_id, one_of, string};
use crate::store::Store;
use crate::value::{Id, Time};

/// What an account is in one organization (the seeds' OrganizationMember, `project_users` and `agents`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant.
    pub tenant_id: String,
    /// Who.
    pub account_id: Id,
    /// The account's name, as colleagues see it; a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The account's e-mail address; a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The account's picture; a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// As what.
    pub role: Role,
    /// What makes their permissions differ from the role's.
    #[serde(default)]
    pub permissions: Overrides,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<Id>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// State.
    pub status: MemberStatus,
    /// Whether they are there (the live-chat seed's `status`).
    #[serde(default)]
    pub presence: MemberPresence,
    /// Since when they are a member.
    pub joined_at: Time,
    /// The account that invited them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<Id>,
    /// Last did something here (`last_activity`, `lastActive`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_active_at: Option<Time>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Removed when, if so; the same account comes back as the same member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl Member {
    /// Whether they may act in the organization at all.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == MemberStatus::Active && self.deleted_at.is_none()
    }

    /// What they may do in it: nothing unless active.
    #[must_use]
    pub fn rights(&self) -> PermissionSet {
        if self.is_active() { effective(self.role, &self.permissions) } else { PermissionSet::EMPTY }
    }
}

/// `member.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// May act.
    Active,
    /// Away for long.
    Inactive,
    /// Invited.
    Pending,
    /// Shut out.
    Suspended,
}

/// `member.presence`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum MemberPresence {
    /// Takes chats.
    Online,
    /// Is there and takes none.
    Busy,
    /// Not at the desk.
    Away,
    /// Not there.
    #[default]
    Offline,
}

impl Entity for Member {
    const COLLECTION: &'static str = "members";
    const SCOPE: Scope = Scope::TenantOnPlatform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "accountId": 1 }),
            // In which organizations somebody is.
            Index::on(doc! { "accountId": 1, "tenantId": 1 }),
            // Counting those who answer, and owners.
            Index::on(doc! { "tenantId": 1, "status": 1, "role": 1, "deletedAt": 1 }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "email": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("accountId", object_id())
            .required("role", one_of::<Role>())
            .required("status", one_of::<MemberStatus>())
            .optional("presence", one_of::<MemberPresence>())
            .optional("email", string())
            .optional("deletedAt", date())
            .required("joinedAt", date())
            .required("createdAt", date())
    }
}

/// Tenants whose counts come in one answer.
const BATCH: u32 = 1_000;

/// Members who answer customers.
fn agents() -> Document {
    let roles: Vec<&str> = Role::ALL.iter().filter(|r| r.is_agent()).map(|r| r.as_str()).collect();
    doc! { "status": "active", "role": { "$in": roles }, "deletedAt": null }
}

impl Store {
    /// Where an account is a member, whatever its state there, oldest first: for its own list of
    /// organizations. Removed memberships are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn memberships(&self, account: Id) -> Result<Vec<Member>, StoreError> {
        let filter = doc! { "accountId": account, "deletedAt": null };
        let members = self.across_tenants::<Member>().find(filter).sort(doc! { "joinedAt": 1 }).await?;
        Ok(members.try_collect().await?)
    }

    /// How many members of the tenant answer customers: active, and more than viewers. What
    /// [`matome_domain::limits::Limit::Agents`] limits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agents(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.of_tenant::<Member>(tenant).count(agents()).await
    }

    /// The same for several tenants in one round trip; those without any are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agents_of(&self, tenants: &[TenantId]) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut filter = agents();
        filter.insert(TENANT, doc! { "$in": tenants.iter().map(TenantId::as_str).collect::<Vec<_>>() });
        let pipeline = [
            doc! { "$match": filter },
            doc! { "$group": { "_id": "$tenantId", "agents": { "$sum": 1_i64 } } },
        ];
        let members = self.across_tenants::<Member>();
        let counts: Vec<Document> =
            members.aggregate(pipeline).batch_size(BATCH).await?.try_collect().await?;
        let count = |document: Document| {
            let agents = u64::try_from(document.get_i64("agents").ok()?).ok()?;
            Some((document.get_str("_id").ok()?.to_owned(), agents))
        };
        Ok(counts.into_iter().filter_map(count).collect())
    }

    /// How many active owners the tenant has: the last one is not to go.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_owners(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let owners = doc! { "status": "active", "role": Role::Owner.as_str(), "deletedAt": null };
        self.of_tenant::<Member>(tenant).count(owners).await
    }
}
