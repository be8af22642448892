//! What makes a member's permissions differ from their role's, and who may decide that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::permission::{Action, Permission, PermissionSet, Resource};
use super::role::Role;

/// `member.permissions`: the six flags of the seeds (absent = as the role has it), and single permissions.
/// What is denied is denied, whatever else allows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Overrides {
    /// Make rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_create_rooms: Option<bool>,
    /// Invite, change and remove members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_members: Option<bool>,
    /// See analytics and usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_view_analytics: Option<bool>,
    /// Take data out in bulk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_export_data: Option<bool>,
    /// Change the organization, its channels and rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_settings: Option<bool>,
    /// Change what is paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_billing: Option<bool>,
    /// Given besides.
    #[serde(skip_serializing_if = "PermissionSet::is_empty")]
    pub allow: PermissionSet,
    /// Taken away.
    #[serde(skip_serializing_if = "PermissionSet::is_empty")]
    pub deny: PermissionSet,
}

/// One flag: what `true` gives, and what `false` takes.
struct Flag {
    set: Option<bool>,
    gives: PermissionSet,
    takes: PermissionSet,
}

fn set(resources: &[Resource], actions: &[Action]) -> PermissionSet {
    resources.iter().flat_map(|resource| actions.iter().map(|action| resource.to(*action))).collect()
}

impl Overrides {
    fn flags(&self) -> [Flag; 6] {
        use Action::{Create, Delete, Export, Read, Update};
        use Resource::{
            Analytics, ApiKeys, Audit, Billing, Channels, Exports, IpRules, Members, Messages, Organizations,
            RoomMembers, Rooms, SecurityPolicies, Sessions, Summaries, Usage, Users,
        };
        let same = |set, permissions| Flag { set, gives: permissions, takes: permissions };
        let chats = [Rooms, RoomMembers, Users, Sessions, Messages, Summaries, Analytics];
        let members = set(&[Members], &[Create, Update, Delete]);
        [
            same(self.can_create_rooms, set(&[Rooms], &[Create])),
            Flag {
                set: self.can_manage_members,
                gives: members.union(set(&[Members], &[Read])),
                takes: members,
            },
            same(self.can_view_analytics, set(&[Analytics, Usage], &[Read])),
            Flag {
                set: self.can_export_data,
                gives: set(&chats, &[Export]),
                takes: set(&chats, &[Export])
                    .union(set(&[Organizations, Audit, Usage, Billing], &[Export]))
                    .union(set(&[Exports], &[Read, Create])),
            },
            Flag {
                set: self.can_manage_settings,
                gives: set(&[Organizations, Rooms], &[Update]).union(set(&[Channels], &[Create, Update])),
                takes: set(
                    &[Organizations, Channels, ApiKeys, SecurityPolicies, IpRules],
                    &[Create, Update, Delete],
                )
                .union(set(&[Rooms], &[Update])),
            },
            Flag {
                set: self.can_manage_billing,
                gives: set(&[Billing], &[Read, Update]),
                takes: set(&[Billing], &[Update]),
            },
        ]
    }

    /// What they take away; no room gives it back.
    #[must_use]
    pub fn denied(&self) -> PermissionSet {
        let taken = self.flags().into_iter().filter(|flag| flag.set == Some(false));
        taken.fold(self.deny, |denied, flag| denied.union(flag.takes))
    }

    fn allowed(&self) -> PermissionSet {
        let given = self.flags().into_iter().filter(|flag| flag.set == Some(true));
        given.fold(self.allow, |allowed, flag| allowed.union(flag.gives))
    }

    /// Whether they change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a member may do in the organization. Nothing of the platform, whatever the overrides say.
#[must_use]
pub fn effective(role: Role, overrides: &Overrides) -> PermissionSet {
    PermissionSet::of_role(role)
        .union(overrides.allowed().intersection(PermissionSet::of_members()))
        .difference(overrides.denied())
}

/// Why somebody may not make another what they want to make of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Escalation {
    /// The role is theirs or above it.
    #[error("role: only owners give a role that is not below their own")]
    Role,
    /// The other one stands beside or above them.
    #[error("role: only owners change members whose role is not below their own")]
    Rank,
    /// Nobody gives what they do not have.
    #[error("permissions: {0} is more than you may yourself")]
    Permission(Permission),
    /// An organization whose owners may not run it could not be run at all.
    #[error("permissions: an owner has them all; give another role to take some away")]
    RestrictedOwner,
    /// No member ever has it.
    #[error("permissions.allow: {0} is the platform's own")]
    Platform(Permission),
}

/// Whether somebody with these permissions and this role may give a member `new_role` and `overrides`.
/// Whether they may touch this member at all is [`may_change`]; that an organization keeps an owner is the
/// caller's to see to. The platform's staff act as owners with [`PermissionSet::everything`].
///
/// # Errors
/// [`Escalation`].
pub fn may_grant(
    granter: &PermissionSet,
    granter_role: Role,
    new_role: Role,
    overrides: &Overrides,
) -> Result<(), Escalation> {
    if !granter_role.outranks(new_role) && granter_role != Role::Owner {
        return Err(Escalation::Role);
    }
    if let Some(permission) = overrides.allow.iter().find(|p| p.is_platform()) {
        return Err(Escalation::Platform(permission));
    }
    if new_role == Role::Owner && !overrides.denied().is_empty() {
        return Err(Escalation::RestrictedOwner);
    }
    match effective(new_role, overrides).difference(*granter).iter().next() {
        Some(permission) => Err(Escalation::Permission(permission)),
        None => Ok(()),
    }
}

/// Whether somebody of this role may change or remove a member of that role; themselves included, except
/// that everybody may leave.
///
/// # Errors
/// [`Escalation::Rank`].
pub fn may_change(granter_role: Role, their_role: Role) -> Result<(), Escalation> {
    if granter_role.outranks(their_role) || granter_role == Role::Owner {
        return Ok(());
    }
    Err(Escalation::Rank)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::VariantArray;

    use super::*;

    fn all(texts: &[&str]) -> PermissionSet {
        texts.iter().map(|text| text.parse::<Permission>().expect("a permission")).collect()
    }

    fn json(value: serde_json::Value) -> Overrides {
        serde_json::from_value(value).expect("overrides")
    }

    #[test]
    fn flags_give_and_take() {
        let table = [
            ("canCreateRooms", Role::Agent, Role::Manager, "rooms:create"),
            ("canManageMembers", Role::Agent, Role::Admin, "members:create"),
            ("canViewAnalytics", Role::Agent, Role::Manager, "analytics:read"),
            ("canExportData", Role::Agent, Role::Manager, "messages:export"),
            ("canManageSettings", Role::Agent, Role::Admin, "organizations:update"),
            ("canManageBilling", Role::Agent, Role::Owner, "billing:update"),
        ];
        for (flag, without, with, permission) in table {
            let permission: Permission = permission.parse().expect("a permission");
            let has = |role, overrides: &Overrides| effective(role, overrides).contains(permission);
            let (unset, yes, no) = (
                Overrides::default(),
                json(serde_json::json!({ flag: true })),
                json(serde_json::json!({ flag: false })),
            );
            assert_eq!([&unset, &yes, &no].map(|o| has(without, o)), [false, true, false], "{flag}");
            assert_eq!([&unset, &yes, &no].map(|o| has(with, o)), [true, true, false], "{flag}");
            assert_eq!(serde_json::json!(yes), serde_json::json!({ flag: true }));
        }
        assert_eq!(serde_json::json!(Overrides::default()), serde_json::json!({}));
        assert!(serde_json::from_value::<Overrides>(serde_json::json!({ "canFly": true })).is_err());
    }

    #[test]
    fn no_export_means_none_at_all() {
        let left = effective(Role::Owner, &json(serde_json::json!({ "canExportData": false })));
        assert!(left.iter().all(|p| p.action != Action::Export), "{left:?}");
        assert!(!left.contains("exports:create".parse().expect("a permission")));
    }

    #[test]
    fn deny_wins_over_the_role_a_flag_and_the_list() {
        let overrides = json(serde_json::json!({
            "canCreateRooms": true, "allow": ["rooms:create", "rooms:delete"], "deny": ["rooms:create", "rooms:read"],
        }));
        let got = effective(Role::Agent, &overrides);
        assert!(got.intersection(all(&["rooms:create", "rooms:read"])).is_empty());
        assert!(got.contains_all(&all(&["rooms:delete", "messages:read"])));
    }

    #[test]
    fn nothing_of_the_platform_is_ever_a_members() {
        let overrides = Overrides { allow: PermissionSet::everything(), ..Overrides::default() };
        for role in Role::ALL {
            assert!(effective(*role, &overrides).iter().all(|p| !p.is_platform()));
        }
        let granter = PermissionSet::everything();
        let refused = may_grant(&granter, Role::Owner, Role::Viewer, &overrides);
        assert!(matches!(refused, Err(Escalation::Platform(p)) if p.is_platform()), "{refused:?}");
    }

    #[test]
    fn only_owners_give_their_own_role_or_change_their_like() {
        for granter in Role::ALL {
            for other in Role::ALL {
                let allowed = other < granter || *granter == Role::Owner;
                let set = PermissionSet::of_role(*granter);
                let granted = may_grant(&set, *granter, *other, &Overrides::default());
                assert_eq!(
                    granted,
                    if allowed { Ok(()) } else { Err(Escalation::Role) },
                    "{granter} {other}"
                );
                let changed = may_change(*granter, *other);
                assert_eq!(
                    changed,
                    if allowed { Ok(()) } else { Err(Escalation::Rank) },
                    "{granter} {other}"
                );
            }
        }
    }

    #[test]
    fn nobody_gives_what_they_were_denied() {
        let own = json(serde_json::json!({ "canManageMembers": true, "deny": ["messages:create"] }));
        let granter = effective(Role::Manager, &own);
        let refused = may_grant(&granter, Role::Manager, Role::Agent, &Overrides::default());
        assert_eq!(refused, Err(Escalation::Permission("messages:create".parse().expect("a permission"))));
        let without = json(serde_json::json!({ "deny": ["messages:create"] }));
        assert_eq!(may_grant(&granter, Role::Manager, Role::Agent, &without), Ok(()));
        assert_eq!(may_grant(&granter, Role::Manager, Role::Viewer, &Overrides::default()), Ok(()));
    }

    #[test]
    fn an_owner_is_not_restricted() {
        let owner = PermissionSet::of_role(Role::Owner);
        for restricted in
            [serde_json::json!({ "canManageBilling": false }), serde_json::json!({ "deny": ["rooms:read"] })]
        {
            let refused = may_grant(&owner, Role::Owner, Role::Owner, &json(restricted));
            assert_eq!(refused, Err(Escalation::RestrictedOwner));
        }
    }

    fn permissions() -> impl Strategy<Value = PermissionSet> {
        let all: Vec<Permission> = Permission::all().collect();
        prop::sample::subsequence(all.clone(), 0..all.len()).prop_map(|list| list.into_iter().collect())
    }

    prop_compose! {
        fn overrides()(
            flags in prop::array::uniform6(prop::option::of(any::<bool>())),
            allow in permissions(), deny in permissions(),
        ) -> Overrides {
            let [rooms, members, analytics, export, settings, billing] = flags;
            Overrides {
                can_create_rooms: rooms, can_manage_members: members, can_view_analytics: analytics,
                can_export_data: export, can_manage_settings: settings, can_manage_billing: billing, allow, deny,
            }
        }
    }

    proptest! {
        /// However members change one another, nobody comes to more than the one who gave it had.
        #[test]
        fn nothing_granted_is_more_than_the_granters(
            role in prop::sample::select(Role::VARIANTS), own in overrides(),
            new in prop::sample::select(Role::VARIANTS), given in overrides(),
        ) {
            let granter = effective(role, &own);
            if may_grant(&granter, role, new, &given).is_ok() {
                prop_assert!(granter.contains_all(&effective(new, &given)));
                prop_assert!(new < role || role == Role::Owner);
            }
            prop_assert!(effective(role, &own).intersection(own.deny).is_empty());
            let text = serde_json::to_string(&own).expect("written");
            prop_assert_eq!(serde_json::from_str::<Overrides>(&text).expect("read"), own);
        }
    }
}
