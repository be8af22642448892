//! What a member may do in one room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::permission::{Action, Permission, PermissionSet, Resource};
use super::role::Role;

/// `roomMember.permissions` of a member of staff: what they may do in this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomFlags {
    /// Write there.
    pub can_send_message: bool,
    /// Read what was said.
    pub can_view_history: bool,
    /// Take it out.
    pub can_export_data: bool,
    /// Change the room and who is in it.
    pub can_manage_settings: bool,
}

/// What a member may do in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomAccess {
    /// Whether the room is there for them at all; if not, say that it does not exist.
    pub may_see: bool,
    /// What they may do in it; nothing when they do not see it.
    pub permissions: PermissionSet,
}

impl RoomAccess {
    const NONE: Self = Self { may_see: false, permissions: PermissionSet::EMPTY };

    /// Whether they see the room and may do this in it.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.may_see && self.permissions.contains(permission)
    }

    /// What of it is for an API key with `scopes`, whose maker has it.
    #[must_use]
    pub fn within(self, scopes: &PermissionSet) -> Self {
        if !self.may_see || !scopes.contains(Resource::Rooms.to(Action::Read)) {
            return Self::NONE;
        }
        Self { may_see: true, permissions: self.permissions.intersection(*scopes) }
    }
}

impl RoomFlags {
    /// Each flag beside what it decides.
    fn decided(self) -> [(bool, PermissionSet); 4] {
        use Action::{Create, Delete, Export, Read, Update};
        use Resource::{Messages, RoomMembers, Rooms, Sessions, Summaries};
        let set = |resources: &[Resource], actions: &[Action]| -> PermissionSet {
            resources.iter().flat_map(|r| actions.iter().map(|a| r.to(*a))).collect()
        };
        [
            (self.can_send_message, set(&[Messages], &[Create])),
            (self.can_view_history, set(&[Messages, Sessions, Summaries], &[Read])),
            (self.can_export_data, set(&[Rooms, RoomMembers, Messages, Sessions, Summaries], &[Export])),
            (
                self.can_manage_settings,
                set(&[Rooms], &[Update]).union(set(&[RoomMembers], &[Create, Update, Delete])),
            ),
        ]
    }
}

/// What a member with `permissions` in the organization may do in a room that is private or not, and that
/// has them as a member with `flags`, or has not.
///
/// A private room is seen by those who supervise, and by staff who are in it. For the latter the flags
/// decide, both ways; but not against `denied`, the member's [`super::Overrides::denied`]: deny wins. Those
/// who supervise are not bound by flags that they could change. An API key has its maker's access,
/// [`RoomAccess::within`] its scopes; one that the platform made is asked for as a manager with its scopes.
#[must_use]
pub fn room_access(
    role: Role,
    permissions: &PermissionSet,
    denied: &PermissionSet,
    is_private: bool,
    flags: Option<&RoomFlags>,
) -> RoomAccess {
    let is_in = role.supervises() || !is_private || flags.is_some();
    if !is_in || !permissions.contains(Resource::Rooms.to(Action::Read)) {
        return RoomAccess::NONE;
    }
    let mut here = *permissions;
    for (allowed, decided) in flags.filter(|_| !role.supervises()).into_iter().flat_map(|f| f.decided()) {
        here = if allowed { here.union(decided.difference(*denied)) } else { here.difference(decided) };
    }
    RoomAccess { may_see: true, permissions: here }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: RoomFlags = RoomFlags {
        can_send_message: false,
        can_view_history: false,
        can_export_data: false,
        can_manage_settings: false,
    };
    const ALL: RoomFlags = RoomFlags {
        can_send_message: true,
        can_view_history: true,
        can_export_data: true,
        can_manage_settings: true,
    };

    fn p(text: &str) -> Permission {
        text.parse().expect("a permission")
    }

    fn access(role: Role, is_private: bool, flags: Option<&RoomFlags>) -> RoomAccess {
        room_access(role, &PermissionSet::of_role(role), &PermissionSet::EMPTY, is_private, flags)
    }

    #[test]
    fn a_private_room_is_seen_by_supervisors_and_by_staff_in_it() {
        for role in Role::ALL {
            assert!(access(*role, false, None).may_see, "{role}: a public room");
            assert_eq!(access(*role, true, None).may_see, *role >= Role::Manager, "{role}");
            assert!(access(*role, true, Some(&NONE)).may_see, "{role}: is in it");
        }
    }

    #[test]
    fn who_does_not_see_a_room_may_do_nothing_in_it() {
        let nothing = RoomAccess { may_see: false, permissions: PermissionSet::EMPTY };
        assert_eq!(access(Role::Agent, true, None), nothing);
        let blind = PermissionSet::of_role(Role::Owner).difference([p("rooms:read")].into_iter().collect());
        assert_eq!(room_access(Role::Owner, &blind, &PermissionSet::EMPTY, false, Some(&ALL)), nothing);
        assert!(!nothing.allows(p("messages:read")));
    }

    #[test]
    fn flags_decide_for_staff_in_the_room_both_ways() {
        for (permission, viewer, agent) in [
            ("messages:create", false, true),
            ("messages:read", true, true),
            ("sessions:read", true, true),
            ("summaries:read", true, true),
            ("messages:export", false, false),
            ("rooms:update", false, false),
            ("roomMembers:create", false, false),
        ] {
            for (role, without) in [(Role::Viewer, viewer), (Role::Agent, agent)] {
                let allows = |flags| access(role, false, flags).allows(p(permission));
                let got = [None, Some(&NONE), Some(&ALL)].map(allows);
                assert_eq!(got, [without, false, true], "{role} {permission}");
            }
        }
        // What no flag is about stays as it is.
        assert!(access(Role::Agent, false, Some(&NONE)).allows(p("users:update")));
        assert!(!access(Role::Agent, false, Some(&ALL)).allows(p("rooms:delete")));
    }

    #[test]
    fn supervisors_are_not_bound_by_flags() {
        for role in [Role::Manager, Role::Admin, Role::Owner] {
            assert_eq!(access(role, true, Some(&NONE)).permissions, PermissionSet::of_role(role));
        }
    }

    #[test]
    fn a_flag_does_not_give_back_what_the_member_is_denied() {
        let denied: PermissionSet = [p("messages:create")].into_iter().collect();
        let permissions = PermissionSet::of_role(Role::Agent).difference(denied);
        let got = room_access(Role::Agent, &permissions, &denied, false, Some(&ALL));
        assert!(!got.allows(p("messages:create")) && got.allows(p("rooms:update")));
    }

    #[test]
    fn a_key_has_what_its_maker_has_in_the_room_and_its_scopes_name() {
        let scopes: PermissionSet =
            ["rooms:read", "messages:create", "users:read"].map(p).into_iter().collect();
        let in_it = access(Role::Viewer, true, Some(&ALL));
        let key = in_it.within(&scopes);
        assert!(key.allows(p("messages:create")), "a flag gives it to the maker");
        assert!(!key.allows(p("rooms:update")), "no scope");
        assert!(!access(Role::Viewer, true, Some(&NONE)).within(&scopes).allows(p("messages:create")));
        assert_eq!(access(Role::Agent, true, None).within(&scopes), RoomAccess::NONE);
        let blind = scopes.difference([p("rooms:read")].into_iter().collect());
        assert_eq!(in_it.within(&blind), RoomAccess::NONE);
    }
}
