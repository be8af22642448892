//! What a machine's key may do: permissions, but not all that people can have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::permission::{Action, Permission, PermissionSet, Resource};

/// `apiKey.scopes`. Never anything of the platform, and nothing by which a key could make itself more
/// than it was made: keys, members and how people log in can be read at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PermissionSet", into = "PermissionSet")]
pub struct Scopes(PermissionSet);

/// A permission that no key may hold, or that its maker has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenScope {
    /// For people only.
    #[error("scopes: {0} is not for API keys")]
    NotForKeys(Permission),
    /// Nobody gives what they do not have.
    #[error("scopes: {0} is more than you may yourself")]
    BeyondMaker(Permission),
}

impl Scopes {
    /// Whether any key may hold the permission.
    #[must_use]
    pub fn may_hold(permission: Permission) -> bool {
        let Permission { resource, action } = permission;
        match resource {
            Resource::Owners | Resource::Accounts => false,
            Resource::ApiKeys | Resource::Members | Resource::SecurityPolicies | Resource::Billing => {
                action == Action::Read
            }
            Resource::Organizations => matches!(action, Action::Read | Action::Update),
            _ => PermissionSet::everything().contains(permission) && !permission.is_platform(),
        }
    }

    /// Every permission that a key may hold.
    #[must_use]
    pub fn all() -> PermissionSet {
        Permission::all().filter(|permission| Self::may_hold(*permission)).collect()
    }

    /// Checks what a key is to hold.
    ///
    /// # Errors
    /// [`ForbiddenScope::NotForKeys`] with the first that it may not.
    pub fn new(permissions: PermissionSet) -> Result<Self, ForbiddenScope> {
        match permissions.iter().find(|permission| !Self::may_hold(*permission)) {
            Some(permission) => Err(ForbiddenScope::NotForKeys(permission)),
            None => Ok(Self(permissions)),
        }
    }

    /// Checks that whoever makes the key has all of it.
    ///
    /// # Errors
    /// [`ForbiddenScope::BeyondMaker`] with the first that they have not.
    pub fn within(self, maker: &PermissionSet) -> Result<Self, ForbiddenScope> {
        match self.0.difference(*maker).iter().next() {
            Some(permission) => Err(ForbiddenScope::BeyondMaker(permission)),
            None => Ok(self),
        }
    }

    /// What a key may do whose maker may do this by now: nobody keeps by a key what was taken from them.
    #[must_use]
    pub fn bounded_by(self, maker: &PermissionSet) -> PermissionSet {
        self.0.intersection(*maker)
    }

    /// What it was made to do.
    #[must_use]
    pub fn permissions(&self) -> PermissionSet {
        self.0
    }
}

impl TryFrom<PermissionSet> for Scopes {
    type Error = ForbiddenScope;

    fn try_from(permissions: PermissionSet) -> Result<Self, ForbiddenScope> {
        Self::new(permissions)
    }
}

impl From<Scopes> for PermissionSet {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

impl JsonSchema for Scopes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scopes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let all: Vec<String> = Self::all().iter().map(String::from).collect();
        schemars::json_schema!({
            "description": "What a key may do.",
            "type": "array", "uniqueItems": true, "items": { "type": "string", "enum": all },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> PermissionSet {
        texts.iter().map(|text| text.parse::<Permission>().expect("a permission")).collect()
    }

    #[test]
    fn a_key_cannot_make_itself_more() {
        for forbidden in [
            "accounts:read",
            "owners:read",
            "organizations:create",
            "organizations:delete",
            "organizations:export",
            "apiKeys:create",
            "apiKeys:update",
            "apiKeys:delete",
            "members:create",
            "members:update",
            "members:delete",
            "securityPolicies:update",
            "billing:update",
        ] {
            let refused = Scopes::new(set(&["rooms:read", forbidden])).expect_err(forbidden);
            assert_eq!(refused.to_string(), format!("scopes: {forbidden} is not for API keys"));
        }
        for allowed in ["apiKeys:read", "members:read", "messages:create", "audit:read", "exports:create"] {
            assert_eq!(Scopes::new(set(&[allowed])).expect(allowed).permissions(), set(&[allowed]));
        }
        assert!(Scopes::all().iter().all(|permission| !permission.is_platform()));
    }

    #[test]
    fn nobody_makes_a_key_that_may_more_than_they() {
        let scopes = Scopes::new(set(&["rooms:read", "rooms:delete"])).expect("scopes");
        assert_eq!(scopes.within(&set(&["rooms:read", "rooms:delete", "rooms:update"])), Ok(scopes));
        let refused = scopes.within(&set(&["rooms:read"]));
        assert_eq!(refused, Err(ForbiddenScope::BeyondMaker(Resource::Rooms.to(Action::Delete))));
    }

    #[test]
    fn stored_scopes_are_checked_when_they_are_read() {
        let scopes = Scopes::new(set(&["rooms:read"])).expect("scopes");
        assert_eq!(serde_json::json!(scopes), serde_json::json!(["rooms:read"]));
        assert_eq!(serde_json::from_str::<Scopes>("[\"rooms:read\"]").expect("scopes"), scopes);
        assert!(serde_json::from_str::<Scopes>("[\"accounts:read\"]").is_err());
    }
}
