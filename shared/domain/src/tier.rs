//! What an owner pays for, in one word.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::placement::Placement;

/// The seeds' `plan`, `subscription_tier` and `Free/Starter … Enterprise`. Decides the placement; what
/// else it brings is its plan ([`crate::plan::Terms`]).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Costs nothing.
    #[default]
    Free,
    /// A small business.
    Basic,
    /// Collections and a data key of its own.
    Pro,
    /// A database and a stack of its own.
    Enterprise,
}

impl Tier {
    /// All of them, smallest first.
    pub const ALL: [Self; 4] = [Self::Free, Self::Basic, Self::Pro, Self::Enterprise];

    /// Where a tenant of the tier lives unless an operator puts it elsewhere (architecture §5).
    #[must_use]
    pub fn placement(self) -> Placement {
        match self {
            Self::Free | Self::Basic => Placement::Shared,
            Self::Pro => Placement::CollectionSet,
            Self::Enterprise => Placement::Dedicated,
        }
    }

    /// As it is stored and typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Basic => "basic",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No tier has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tier: must be free, basic, pro or enterprise")]
pub struct UnknownTier;

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(name: &str) -> Result<Self, UnknownTier> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == name).ok_or(UnknownTier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_stored_ones_and_are_read_back() {
        for tier in Tier::ALL {
            assert_eq!(serde_json::json!(tier), tier.as_str());
            assert_eq!(tier.as_str().parse(), Ok(tier));
        }
        assert_eq!("starter".parse::<Tier>(), Err(UnknownTier));
    }

    #[test]
    fn a_higher_tier_never_shares_more_than_a_lower_one() {
        assert_eq!(
            Tier::ALL.map(Tier::placement),
            [Placement::Shared, Placement::Shared, Placement::CollectionSet, Placement::Dedicated]
        );
    }
}
