//! From where an organization may be used.

use bson::doc;
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::access::network::{Network, Rule, RuleKind, Rules};
use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, New, NewContext, Patched, Refusal, Sort, Update,
    example,
};
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
    /// Not in force afterwards; absent = for good. It stays: an allow list that ran out is not the same as none.
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
    /// Rules as they are at a time.
    #[must_use]
    pub fn at<'a>(now: Time, all: impl IntoIterator<Item = &'a Self>) -> Rules {
        let rule = |rule: &Self| Rule { kind: rule.kind, network: rule.network };
        let end = |rule: &Self| rule.expires_at.map(Timestamp::from);
        Rules::at(now.into(), all.into_iter().map(|one| (rule(one), end(one))))
    }
}

impl Entity for IpRule {
    const COLLECTION: &'static str = "ip_rules";
    const SCOPE: Scope = Scope::TenantOnPlatform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "kind": 1, "network": 1 }),
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
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
    /// The tenant's rules as they are at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ip_rules(&self, tenant: &TenantId, now: Time) -> Result<Rules, StoreError> {
        let all = self.of_tenant::<IpRule>(tenant);
        let rules = all.find(doc! {}, doc! { "kind": 1, "network": 1 }, MAX_IP_RULES).await?;
        Ok(IpRule::at(now, &rules))
    }
}

/// `ipRule.state`: not stored, it comes with time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IpRuleState {
    /// In force.
    #[default]
    Active,
    /// Over.
    Expired,
}

impl IpRuleView {
    /// Says what it is at `now`.
    pub fn look(&mut self, now: Time) {
        let over = self.expires_at.is_some_and(|end| end <= now);
        self.state = if over { IpRuleState::Expired } else { IpRuleState::Active };
    }
}

/// A rule as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpRuleView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// In or out.
    pub kind: RuleKind,
    /// Who, in CIDR notation.
    pub network: Network,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it is in force.
    #[serde(default)]
    pub state: IpRuleState,
    /// Not in force afterwards; absent = for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// The account or key that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// A new rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "kind": "allow", "network": "203.0.113.0/24", "reason": "Office" }))]
pub struct NewIpRule {
    /// In or out.
    #[garde(skip)]
    pub kind: RuleKind,
    /// Who.
    #[garde(skip)]
    pub network: Network,
    /// Why.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Not in force afterwards; for good when absent.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
}

/// What can be changed of a rule; whom it is about cannot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "reason": "Old office", "expiresAt": "2027-01-01T00:00:00.000Z" }))]
pub struct IpRulePatch {
    /// Why.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub reason: Patched<String>,
    /// Not in force afterwards; null: for good.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub expires_at: Patched<Time>,
}

impl New<IpRule> for NewIpRule {
    fn build(self, new: &NewContext) -> Result<IpRule, Refusal> {
        if self.expires_at.is_some_and(|end| end.millis() <= new.now.timestamp_millis()) {
            return Err(Refusal::of("expiresAt", "is over"));
        }
        Ok(IpRule {
            id: new.id.into(),
            tenant_id: new.tenant_id(),
            kind: self.kind,
            network: self.network,
            reason: self.reason,
            expires_at: self.expires_at,
            created_by: new.by.map(Id::from),
            created_at: new.now.into(),
            updated_at: new.now.into(),
            version: 0,
        })
    }
}

impl Changes<IpRule> for IpRulePatch {
    fn update(&self, _: &IpRule) -> Result<Update, Refusal> {
        Ok(Update::new().patched("reason", &self.reason).patched("expiresAt", &self.expires_at))
    }
}

impl Exposed for IpRule {
    const NAME: &'static str = "ipRule";
    const RESOURCE: Resource = Resource::IpRules;
    const DELETE: DeletePolicy = DeletePolicy::Hard;
    type View = IpRuleView;
    type Create = NewIpRule;
    type Patch = IpRulePatch;

    fn filters() -> Vec<Filter> {
        vec![Filter::among("kind", &["allow", "block"], "In or out.").few()]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718295", "version": 0, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "kind": "allow", "network": "203.0.113.0/24", "reason": "Office", "state": "active",
                "createdBy": "671f0a2b9d3c4e5f60718292",
                "createdAt": "2026-11-01T00:00:00.000Z", "updatedAt": "2026-11-01T00:00:00.000Z",
            })),
            create: Some(example(
                json!({ "kind": "allow", "network": "203.0.113.0/24", "reason": "Office" }),
            )),
            patch: Some(example(json!({ "reason": "Old office", "expiresAt": "2027-01-01T00:00:00.000Z" }))),
        }
    }
}
