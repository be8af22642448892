//! From where an organization may be used.

use bson::doc;
use matome_domain::access::network::{Network, Rule, RuleKind, Rules};
use matome_domain::ids::TenantId;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::shape::{Shape, date, one_of, string};
use crate::store::Store;
use crate::value::{Id, Time};

/// Rules that are read at a time: more an organization cannot have.
pub const MAX_IP_RULES: i64 = 500;

/// Addresses that are let in or kept out (the seeds' `ip_whitelist` and `blocked_ips`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpRule {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant.
    pub tenant_id: String,
    /// In or out.
    pub kind: RuleKind,
    /// Who, in CIDR notation.
    pub network: Network,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Not in force afterwards; absent = for good. MongoDB deletes it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// The account or key that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl IpRule {
    /// The rule, if it is in force.
    #[must_use]
    pub fn rule(&self, now: Time) -> Option<Rule> {
        let in_force = self.expires_at.is_none_or(|end| now < end);
        in_force.then_some(Rule { kind: self.kind, network: self.network })
    }
}

impl Entity for IpRule {
    const COLLECTION: &'static str = "ip_rules";
    const SCOPE: Scope = Scope::TenantOnPlatform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "kind": 1, "network": 1 }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::ttl(doc! { "expiresAt": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("kind", one_of::<RuleKind>())
            .required("network", string())
            .optional("expiresAt", date())
            .required("createdAt", date())
    }
}

impl Store {
    /// The tenant's rules that are in force.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ip_rules(&self, tenant: &TenantId, now: Time) -> Result<Rules, StoreError> {
        let all = self.of_tenant::<IpRule>(tenant);
        let rules = all.find(doc! {}, doc! { "kind": 1, "network": 1 }, MAX_IP_RULES).await?;
        Ok(rules.iter().filter_map(|rule| rule.rule(now)).collect())
    }
}
