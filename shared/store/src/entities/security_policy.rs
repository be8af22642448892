//! How an organization's members have to log in.

use bson::doc;
use bson::oid::ObjectId;
use matome_domain::ids::TenantId;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::id::derived;
use crate::shape::{Shape, boolean, date, number};
use crate::store::Store;
use crate::value::{Id, Time};

/// The security policy of an organization (the seeds' `security_policies`): one, with an id derived from
/// the tenant's. None is the same as [`SecurityPolicy::initial`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityPolicy {
    /// Id; see [`SecurityPolicy::id_of`].
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant.
    pub tenant_id: String,
    /// Members need a second factor.
    #[serde(default)]
    pub second_factor_required: bool,
    /// Minutes without use after which members log in again; never more than the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle_minutes: Option<u32>,
    /// Minutes after which they do so however active they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_max_minutes: Option<u32>,
    /// How members may log in: `pwd`, `line`, or an OpenID provider's name; empty = in every way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_login_methods: Vec<String>,
    /// Only addresses of these domains are invited; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_email_domains: Vec<String>,
    /// Web origins, besides the console's, whose pages may call the API for this organization (CORS).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<Id>,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl SecurityPolicy {
    /// The id that a tenant's policy has.
    #[must_use]
    pub fn id_of(tenant: &TenantId) -> ObjectId {
        derived(&["security policy", tenant.as_str()])
    }

    /// What holds while nothing else was said: the platform's own rules.
    #[must_use]
    pub fn initial(tenant: &TenantId, now: Time) -> Self {
        Self {
            id: Self::id_of(tenant).into(),
            tenant_id: tenant.to_string(),
            second_factor_required: false,
            session_idle_minutes: None,
            session_max_minutes: None,
            allowed_login_methods: Vec::new(),
            allowed_email_domains: Vec::new(),
            allowed_origins: Vec::new(),
            created_at: now,
            updated_at: now,
            updated_by: None,
            version: 0,
        }
    }
}

impl Entity for SecurityPolicy {
    const COLLECTION: &'static str = "security_policies";
    const SCOPE: Scope = Scope::TenantOnPlatform;

    fn indexes() -> Vec<Index> {
        vec![Index::unique(doc! { "tenantId": 1 })]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("secondFactorRequired", boolean())
            .optional("sessionIdleMinutes", number())
            .optional("sessionMaxMinutes", number())
            .required("createdAt", date())
    }
}

impl Store {
    /// The tenant's policy, if it has one of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn security_policy(&self, tenant: &TenantId) -> Result<Option<SecurityPolicy>, StoreError> {
        self.of_tenant::<SecurityPolicy>(tenant).get(SecurityPolicy::id_of(tenant)).await
    }
}
