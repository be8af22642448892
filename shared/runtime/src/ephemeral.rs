//! DynamoDB's `ephemeral` table, and whose an item of it is. IAM limits who reaches which items by what
//! their keys begin with (`dynamodb:LeadingKeys`), so a key is only ever made from a [`Scope`].

use std::fmt;
use std::sync::Arc;

use matome_domain::ids::TenantId;

use crate::aws::Aws;
use crate::config::{ConfigError, Env};
use crate::scoped::{AccessError, TenantAccess};

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

/// The table, and with whose rights its items are reached.
#[derive(Clone)]
pub struct Ephemeral {
    table: String,
    own: aws_sdk_dynamodb::Client,
    tenants: Option<Arc<TenantAccess>>,
}

impl Ephemeral {
    /// The table that `EPHEMERAL_TABLE` names, reached with the function's own rights.
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(env: &Env, aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::from_client(aws.dynamodb(), env.required("EPHEMERAL_TABLE")?))
    }

    /// Over a table and a client made elsewhere (tests, tools). The table's only key is `pk`, a string.
    #[must_use]
    pub fn from_client(own: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self { table, own, tenants: None }
    }

    /// A tenant's items with the rights of that tenant alone; the platform's still with the function's own.
    #[must_use]
    pub fn per_tenant(self, access: Arc<TenantAccess>) -> Self {
        Self { tenants: Some(access), ..self }
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// With the function's own rights: for items of many tenants.
    pub(crate) fn own(&self) -> &aws_sdk_dynamodb::Client {
        &self.own
    }

    /// For the items of a scope.
    pub(crate) async fn client(&self, scope: &Scope) -> Result<aws_sdk_dynamodb::Client, AccessError> {
        match (scope, &self.tenants) {
            (Scope::Tenant(tenant), Some(access)) => Ok(access.of(tenant, None).await?.dynamodb()),
            (Scope::Tenant(_), None) | (Scope::Platform, _) => Ok(self.own.clone()),
        }
    }
}
