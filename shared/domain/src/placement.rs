//! Where a tenant's data lives (architecture §5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TenantId;

/// The cell that every deployment has: the cluster that holds the platform's own database.
pub const HOME_CELL: &str = "main";

/// The three ways a tenant's collections are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Free and basic: everybody's documents side by side, told apart by `tenantId`.
    #[default]
    Shared,
    /// Pro: a set of collections of its own in a common database.
    CollectionSet,
    /// Enterprise: a database of its own.
    Dedicated,
}

impl Placement {
    /// The database that holds the tenant's collections. `prefix` sets stages and tests apart;
    /// it is `matome` in production.
    #[must_use]
    pub fn database(self, prefix: &str, tenant: &TenantId) -> String {
        match self {
            Self::Shared => format!("{prefix}_shared"),
            Self::CollectionSet => format!("{prefix}_sets"),
            Self::Dedicated => format!("{prefix}_{tenant}"),
        }
    }

    /// The name of a tenant's collection in that database.
    #[must_use]
    pub fn collection(self, tenant: &TenantId, name: &str) -> String {
        match self {
            Self::Shared | Self::Dedicated => name.to_owned(),
            Self::CollectionSet => format!("{tenant}_{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_placement_has_its_own_names() {
        let tenant = TenantId::new("t1").unwrap();
        let names = |p: Placement| (p.database("matome", &tenant), p.collection(&tenant, "messages"));
        assert_eq!(names(Placement::Shared), ("matome_shared".into(), "messages".into()));
        assert_eq!(names(Placement::CollectionSet), ("matome_sets".into(), "t1_messages".into()));
        assert_eq!(names(Placement::Dedicated), ("matome_t1".into(), "messages".into()));
    }
}
