//! What somebody is: in an organization, and on the platform.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// A member's role in one organization, lowest first. Each has all permissions of those before it (see the
/// table in [`super::permission`]).
///
/// The seeds' names: `member` is an agent, `agent_lead` a manager, `project_admin` an admin.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Talks to customers.
    Agent,
    /// Leads agents; sees private rooms.
    Manager,
    /// Runs the organization: members, keys, channels, security.
    Admin,
    /// Answers for it: billing, and the end of it.
    Owner,
}

impl Role {
    /// All of them, lowest first.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Whether it stands above `other`; nobody outranks their like.
    #[must_use]
    pub fn outranks(self, other: Self) -> bool {
        self > other
    }

    /// Whether it supervises: sees all rooms, whoever is in them.
    #[must_use]
    pub fn supervises(self) -> bool {
        self >= Self::Manager
    }

    /// Whether it counts against [`crate::limits::Limit::Agents`]: viewers do not answer anybody.
    #[must_use]
    pub fn is_agent(self) -> bool {
        self >= Self::Agent
    }

    /// As it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Manager => "manager",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("role: must be one of viewer, agent, manager, admin, owner")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// An account's role on the platform itself; most have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlatformRole {
    /// Runs the platform: owners, accounts, every organization.
    SuperAdmin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_outranks_those_below_and_nobody_their_like() {
        for (at, role) in Role::ALL.iter().enumerate() {
            for (other_at, other) in Role::ALL.iter().enumerate() {
                assert_eq!(role.outranks(*other), at > other_at, "{role} {other}");
            }
        }
    }

    #[test]
    fn roles_are_written_as_one_word() {
        for role in Role::ALL {
            assert_eq!(serde_json::json!(role), role.as_str());
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!("Owner".parse::<Role>(), Err(UnknownRole));
        assert!(serde_json::from_str::<Role>("\"super_admin\"").is_err());
        assert_eq!(serde_json::json!(PlatformRole::SuperAdmin), "super_admin");
    }

    #[test]
    fn who_supervises_and_who_counts_as_an_agent() {
        let of = |rule: fn(Role) -> bool| Role::ALL.iter().filter(|r| rule(**r)).count();
        assert_eq!((of(Role::supervises), of(Role::is_agent)), (3, 4));
    }
}
