//! What can be allowed: an action on a kind of resource, written `rooms:read`; and who has what.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::role::{PlatformRole, Role};

/// Kinds of things that something is done with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// Who pays.
    Owners,
    /// Login identities.
    Accounts,
    /// Tenants.
    Organizations,
    /// Connections to messaging platforms.
    Channels,
    /// Places where people talk.
    Rooms,
    /// People in rooms.
    RoomMembers,
    /// Staff of an organization, and their invitations.
    Members,
    /// People who write in.
    Users,
    /// Bounded stretches of talk.
    Sessions,
    /// What is said.
    Messages,
    /// What is made of it.
    Summaries,
    /// What customers are answered.
    KnowledgeEntries,
    /// Keys of machines.
    ApiKeys,
    /// How people have to log in.
    SecurityPolicies,
    /// From where they may.
    IpRules,
    /// Who did what.
    Audit,
    /// Numbers about the talk.
    Analytics,
    /// Numbers about what is used, beside its limits.
    Usage,
    /// Exports of one person's data, and their erasure.
    Exports,
    /// Plans, subscriptions, invoices.
    Billing,
}

/// What is done with them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// See.
    Read,
    /// Make.
    Create,
    /// Change.
    Update,
    /// Remove; of exports: erase the person.
    Delete,
    /// Take out in bulk.
    Export,
}

/// Who has a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Members from this role on.
    Member(Role),
    /// The platform's own staff only; no member, no override and no key ever.
    Platform,
    /// There is no such permission.
    Nothing,
}

use Needs::{Nothing as None_, Platform as Staff};
const VIEW: Needs = Needs::Member(Role::Viewer);
const AGENT: Needs = Needs::Member(Role::Agent);
const MANAG: Needs = Needs::Member(Role::Manager);
const ADMIN: Needs = Needs::Member(Role::Admin);
const OWNER: Needs = Needs::Member(Role::Owner);

/// The lowest role that has each permission; who has what in all is in `permissions.txt`.
#[rustfmt::skip]
const TABLE: [(Resource, [Needs; 5]); Resource::VARIANTS.len()] = [
    //                           read   create update delete export
    (Resource::Owners,           [Staff, Staff, Staff, Staff, None_]),
    (Resource::Accounts,         [Staff, Staff, Staff, Staff, None_]),
    (Resource::Organizations,    [VIEW,  Staff, ADMIN, OWNER, OWNER]),
    (Resource::Channels,         [VIEW,  ADMIN, ADMIN, ADMIN, None_]),
    (Resource::Rooms,            [VIEW,  MANAG, MANAG, ADMIN, MANAG]),
    (Resource::RoomMembers,      [VIEW,  MANAG, MANAG, MANAG, MANAG]),
    (Resource::Members,          [AGENT, ADMIN, ADMIN, ADMIN, None_]),
    (Resource::Users,            [VIEW,  AGENT, AGENT, ADMIN, MANAG]),
    (Resource::Sessions,         [VIEW,  AGENT, AGENT, ADMIN, MANAG]),
    (Resource::Messages,         [VIEW,  AGENT, MANAG, ADMIN, MANAG]),
    (Resource::Summaries,        [VIEW,  AGENT, AGENT, ADMIN, MANAG]),
    (Resource::KnowledgeEntries, [VIEW,  MANAG, MANAG, MANAG, None_]),
    (Resource::ApiKeys,          [ADMIN, ADMIN, ADMIN, ADMIN, None_]),
    (Resource::SecurityPolicies, [ADMIN, ADMIN, ADMIN, ADMIN, None_]),
    (Resource::IpRules,          [ADMIN, ADMIN, ADMIN, ADMIN, None_]),
    (Resource::Audit,            [ADMIN, None_, None_, None_, ADMIN]),
    (Resource::Analytics,        [MANAG, None_, None_, None_, MANAG]),
    (Resource::Usage,            [MANAG, None_, None_, None_, ADMIN]),
    (Resource::Exports,          [ADMIN, ADMIN, None_, ADMIN, None_]),
    (Resource::Billing,          [ADMIN, None_, OWNER, None_, OWNER]),
];

impl Resource {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owners => "owners",
            Self::Accounts => "accounts",
            Self::Organizations => "organizations",
            Self::Channels => "channels",
            Self::Rooms => "rooms",
            Self::RoomMembers => "roomMembers",
            Self::Members => "members",
            Self::Users => "users",
            Self::Sessions => "sessions",
            Self::Messages => "messages",
            Self::Summaries => "summaries",
            Self::KnowledgeEntries => "knowledgeEntries",
            Self::ApiKeys => "apiKeys",
            Self::SecurityPolicies => "securityPolicies",
            Self::IpRules => "ipRules",
            Self::Audit => "audit",
            Self::Analytics => "analytics",
            Self::Usage => "usage",
            Self::Exports => "exports",
            Self::Billing => "billing",
        }
    }

    /// The permission to do `action` with it.
    #[must_use]
    pub const fn to(self, action: Action) -> Permission {
        Permission { resource: self, action }
    }
}

impl Action {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Export => "export",
        }
    }
}

/// An action on a kind of resource; its text is `rooms:read`. Not every pair is one that somebody can
/// have: nobody changes the audit trail. See [`Self::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission {
    /// With what.
    pub resource: Resource,
    /// What is done.
    pub action: Action,
}

impl Permission {
    /// Every permission that there is, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::pairs().filter(|permission| permission.needs() != Needs::Nothing)
    }

    fn pairs() -> impl Iterator<Item = Self> {
        let of =
            |resource: &'static Resource| Action::VARIANTS.iter().map(move |action| resource.to(*action));
        Resource::VARIANTS.iter().flat_map(of)
    }

    /// Whether it is about the platform: for its own staff, never for members or keys.
    #[must_use]
    pub fn is_platform(self) -> bool {
        self.needs() == Needs::Platform
    }

    fn needs(self) -> Needs {
        TABLE[self.resource as usize].1[self.action as usize]
    }

    fn bit(self) -> u128 {
        1 << (self.resource as usize * Action::VARIANTS.len() + self.action as usize)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource.as_str(), self.action.as_str())
    }
}

/// Text that is no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("permission: must be a resource and an action that there are, such as rooms:read")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        let (resource, action) = text.split_once(':').ok_or(UnknownPermission)?;
        Self::all()
            .find(|p| p.resource.as_str() == resource && p.action.as_str() == action)
            .ok_or(UnknownPermission)
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(text: String) -> Result<Self, UnknownPermission> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.to_string()
    }
}

impl JsonSchema for Permission {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Permission".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let all: Vec<String> = Self::all().map(String::from).collect();
        schemars::json_schema!({
            "description": "An action on a kind of resource.", "type": "string", "enum": all,
        })
    }
}

/// A set of permissions; a list of their texts in JSON and BSON.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Permission>", into = "Vec<Permission>")]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// Everything that there is.
    #[must_use]
    pub fn everything() -> Self {
        Permission::all().collect()
    }

    /// Everything that a member of an organization can have.
    #[must_use]
    pub fn of_members() -> Self {
        Self::of_role(Role::Owner)
    }

    /// What a role brings, before overrides.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        let has = |p: &Permission| matches!(p.needs(), Needs::Member(lowest) if role >= lowest);
        Permission::all().filter(has).collect()
    }

    /// What a role on the platform brings.
    #[must_use]
    pub fn of_platform_role(role: PlatformRole) -> Self {
        match role {
            PlatformRole::SuperAdmin => Self::everything(),
        }
    }

    /// Whether the permission is among them.
    #[must_use]
    pub fn contains(&self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Those of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not in `other`.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// In the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + use<> {
        let set = *self;
        Permission::all().filter(move |permission| set.contains(*permission))
    }
}

/// A pair that is no permission does not get in.
impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let real = permissions.into_iter().filter(|p| p.needs() != Needs::Nothing);
        Self(real.fold(0, |set, permission| set | permission.bit()))
    }
}

impl From<Vec<Permission>> for PermissionSet {
    fn from(list: Vec<Permission>) -> Self {
        list.into_iter().collect()
    }
}

impl From<PermissionSet> for Vec<Permission> {
    fn from(set: PermissionSet) -> Self {
        set.iter().collect()
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|p| p.to_string())).finish()
    }
}

impl JsonSchema for PermissionSet {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Permissions".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let item = generator.subschema_for::<Permission>();
        schemars::json_schema!({ "type": "array", "items": item, "uniqueItems": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Role by permission, as `permissions.txt` has it: a change of rights shows in its diff.
    fn matrix() -> String {
        let mut text = format!("{:<26}super_admin owner admin manager agent viewer\n", "");
        for permission in Permission::all() {
            let mark = |has: bool| if has { "x" } else { "." };
            let staff = PermissionSet::of_platform_role(PlatformRole::SuperAdmin);
            let mut line = format!("{:<26}{:<12}", permission.to_string(), mark(staff.contains(permission)));
            for role in Role::ALL.iter().rev() {
                let mark = mark(PermissionSet::of_role(*role).contains(permission));
                line.push_str(&format!("{mark:<width$}", width = role.as_str().len() + 1));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_rights_of_roles_are_as_written_down() {
        // What this prints is the new table, if it is meant to be.
        let now = matrix();
        assert!(now == include_str!("permissions.txt"), "permissions.txt should be:\n{now}");
    }

    #[test]
    fn the_table_is_in_the_order_of_its_resources() {
        let resources: Vec<Resource> = TABLE.iter().map(|(resource, _)| *resource).collect();
        assert_eq!(resources, Resource::VARIANTS);
    }

    #[test]
    fn permissions_are_written_as_resource_and_action() {
        for permission in Permission::all() {
            assert_eq!(permission.to_string().parse(), Ok(permission));
            let json = serde_json::json!(permission);
            assert_eq!(json, permission.to_string());
            let (resource, action) = (json.as_str().expect("text")).split_once(':').expect("two parts");
            assert_eq!(serde_json::json!(permission.resource), resource);
            assert_eq!(serde_json::json!(permission.action), action);
        }
        for bad in ["", "rooms", "rooms:", ":read", "rooms:fly", "Rooms:read", "rooms:read ", "audit:delete"]
        {
            assert_eq!(bad.parse::<Permission>(), Err(UnknownPermission), "{bad}");
        }
    }

    #[test]
    fn nobody_can_have_what_is_no_permission() {
        let none = Resource::Audit.to(Action::Delete);
        assert!(!PermissionSet::everything().contains(none));
        assert!([none].into_iter().collect::<PermissionSet>().is_empty());
    }

    #[test]
    fn each_role_has_more_than_the_one_below_and_none_is_the_platforms() {
        for pair in Role::ALL.windows(2) {
            let (lower, higher) = (PermissionSet::of_role(pair[0]), PermissionSet::of_role(pair[1]));
            assert!(higher.contains_all(&lower) && higher != lower, "{pair:?}");
        }
        assert!(PermissionSet::of_members().iter().all(|p| !p.is_platform()));
        assert_eq!(
            PermissionSet::everything().difference(PermissionSet::of_members()).iter().count(),
            Permission::all().filter(|p| p.is_platform()).count()
        );
    }

    #[test]
    fn sets_are_lists_of_texts() {
        let (read, update) = (Resource::Rooms.to(Action::Read), Resource::Rooms.to(Action::Update));
        let set: PermissionSet = [update, read, read].into_iter().collect();
        assert_eq!(serde_json::json!(set), serde_json::json!(["rooms:read", "rooms:update"]));
        assert_eq!(serde_json::from_value::<PermissionSet>(serde_json::json!(set)).expect("a set"), set);
        assert!(serde_json::from_str::<PermissionSet>("[\"rooms:fly\"]").is_err());
        assert!(set.contains(read) && !set.contains(Resource::Rooms.to(Action::Delete)));
        let one: PermissionSet = [read].into_iter().collect();
        assert_eq!(set.difference(one).iter().collect::<Vec<_>>(), [update]);
        assert_eq!(set.intersection(one), one);
        assert_eq!(one.union(set), set);
        assert!(set.contains_all(&one) && !one.contains_all(&set));
    }
}
