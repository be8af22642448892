//! An account in an organization.

use std::collections::BTreeMap;

use bson::{Document, doc};
use futures::TryStreamExt;
use garde::Validate;
use matome_domain::access::{Overrides, PermissionSet, Resource, Role, effective};
use matome_domain::ids::TenantId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::exposed::{
    DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, NotPatchable, Patched, Sort, example,
};
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

    /// Whether they count against [`matome_domain::limits::Limit::Agents`].
    #[must_use]
    pub fn answers(&self) -> bool {
        self.is_active() && self.role.is_agent()
    }

    /// Whether the organization is theirs to answer for.
    #[must_use]
    pub fn owns(&self) -> bool {
        self.is_active() && self.role == Role::Owner
    }

    /// The filter of [`Self::answers`].
    pub(crate) fn answering() -> Document {
        let roles: Vec<&str> =
            Role::ALL.iter().filter(|role| role.is_agent()).map(|role| role.as_str()).collect();
        doc! { "status": "active", "role": { "$in": roles }, "deletedAt": null }
    }

    /// The filter of [`Self::owns`].
    pub(crate) fn owning() -> Document {
        doc! { "status": "active", "role": Role::Owner.as_str(), "deletedAt": null }
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
        self.of_tenant::<Member>(tenant).count(Member::owning()).await
    }
}

/// A member as the API shows them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// Who.
    pub account_id: Id,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Picture.
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
    /// Whether they are there.
    #[serde(default)]
    pub presence: MemberPresence,
    /// Since when they are a member.
    pub joined_at: Time,
    /// The account that invited them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<Id>,
    /// Last did something here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_active_at: Option<Time>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Removed when, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
}

/// What can be changed of a member. What one may change depends on both roles; see
/// [`matome_domain::access::may_grant`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "role": "manager", "permissions": { "canExportData": false }, "title": "Lead" }))]
pub struct MemberPatch {
    /// As what.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub role: Kept<Role>,
    /// What makes their permissions differ from the role's; null: nothing does.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub permissions: Patched<OverridesPatch>,
    /// Job title.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub title: Patched<String>,
    /// Department.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub department_id: Patched<Id>,
    /// State; nobody is made `pending` again.
    #[garde(custom(is_no_invitation))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub status: Kept<MemberStatus>,
}

fn is_no_invitation(status: &Kept<MemberStatus>, (): &()) -> garde::Result {
    match status.value() {
        Some(MemberStatus::Pending) => Err(garde::Error::new("must be active, inactive or suspended")),
        _ => Ok(()),
    }
}

/// `member.permissions` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OverridesPatch {
    /// Make rooms; null: as the role has it. So the other flags.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub can_create_rooms: Patched<bool>,
    /// Invite, change and remove members.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub can_manage_members: Patched<bool>,
    /// See analytics and usage.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub can_view_analytics: Patched<bool>,
    /// Take data out in bulk.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub can_export_data: Patched<bool>,
    /// Change the organization, its channels and rooms.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub can_manage_settings: Patched<bool>,
    /// Change what is paid for.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub can_manage_billing: Patched<bool>,
    /// Given besides, all of them.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub allow: Patched<PermissionSet>,
    /// Taken away, all of them.
    #[serde(skip_serializing_if = "Patched::is_absent")]
    pub deny: Patched<PermissionSet>,
}

/// What a field is after a patch.
fn patched<T: Clone>(patch: &Patched<T>, before: Option<T>) -> Option<T> {
    match patch {
        Patched::Absent => before,
        Patched::Null => None,
        Patched::Value(value) => Some(value.clone()),
    }
}

impl OverridesPatch {
    fn apply(&self, before: &Overrides) -> Overrides {
        Overrides {
            can_create_rooms: patched(&self.can_create_rooms, before.can_create_rooms),
            can_manage_members: patched(&self.can_manage_members, before.can_manage_members),
            can_view_analytics: patched(&self.can_view_analytics, before.can_view_analytics),
            can_export_data: patched(&self.can_export_data, before.can_export_data),
            can_manage_settings: patched(&self.can_manage_settings, before.can_manage_settings),
            can_manage_billing: patched(&self.can_manage_billing, before.can_manage_billing),
            allow: patched(&self.allow, Some(before.allow)).unwrap_or_default(),
            deny: patched(&self.deny, Some(before.deny)).unwrap_or_default(),
        }
    }
}

impl MemberPatch {
    /// The member with it. Whole, not field by field: whether it is allowed depends on all of it, see
    /// [`Store::change_staff`].
    #[must_use]
    pub fn apply(&self, before: &Member) -> Member {
        Member {
            role: self.role.value().copied().unwrap_or(before.role),
            permissions: match &self.permissions {
                Patched::Absent => before.permissions,
                Patched::Null => Overrides::default(),
                Patched::Value(patch) => patch.apply(&before.permissions),
            },
            title: patched(&self.title, before.title.clone()),
            department_id: patched(&self.department_id, before.department_id),
            status: self.status.value().copied().unwrap_or(before.status),
            ..before.clone()
        }
    }
}

impl Exposed for Member {
    const NAME: &'static str = "member";
    const RESOURCE: Resource = Resource::Members;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    type View = MemberView;
    /// Whoever is asked becomes one: see [`super::Invitation`].
    type Create = NotCreatable;
    /// A change is counted against limits and owners: [`MemberPatch`] by [`Store::change_staff`].
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        // An organization has few members.
        vec![
            Filter::one_of::<Role>("role", "As what.").few(),
            Filter::one_of::<MemberStatus>("status", "State.").few(),
            Filter::text("email", "E-mail address, in lower case.").few(),
            Filter::id("accountId", "Whose account.").few(),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718291", "version": 2, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "accountId": "671f0a2b9d3c4e5f60718292", "name": "Aoi Example", "email": "aoi@example.com",
                "role": "manager", "permissions": { "canExportData": false }, "title": "Lead",
                "status": "active", "presence": "online", "joinedAt": "2026-10-01T00:00:00.000Z",
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: None,
            patch: None,
        }
    }
}
