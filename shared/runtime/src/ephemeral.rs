//! Whose an item of DynamoDB's `ephemeral` table is. IAM limits who reaches which items by what their
//! keys begin with (`dynamodb:LeadingKeys`), so a key is only ever made from this.

use std::fmt;

use matome_domain::ids::TenantId;

/// What an item's key begins with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `TENANT#{tenantId}#`.
    Tenant(TenantId),
    /// `PLATFORM#`: what belongs to no tenant, such as attempts to sign in.
    Platform,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "TENANT#{tenant}#"),
            Self::Platform => f.write_str("PLATFORM#"),
        }
    }
}
