//! How an organization's members have to log in.

use bson::doc;
use bson::oid::ObjectId;
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::ids::TenantId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Patched, Refusal, Sort, Update,
    example,
};
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

/// A way to log in, as a session's `amr` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoginMethod {
    /// E-mail and password.
    Pwd,
    /// LINE Login.
    Line,
    /// An OpenID provider.
    Oidc,
}

/// A policy as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityPolicyView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// Members need a second factor.
    #[serde(default)]
    pub second_factor_required: bool,
    /// Minutes without use after which members log in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle_minutes: Option<u32>,
    /// Minutes after which they do so however active they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_max_minutes: Option<u32>,
    /// How members may log in; empty = in every way.
    #[serde(default)]
    pub allowed_login_methods: Vec<String>,
    /// Only addresses of these domains are invited; empty = all.
    #[serde(default)]
    pub allowed_email_domains: Vec<String>,
    /// Web origins, besides the console's, whose pages may call the API for this organization (CORS).
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<Id>,
}

/// What can be changed of a policy. Sessions are refreshed every ten minutes: below 15 an active one would
/// count as idle. More than the platform's own 30 and 90 days is not to be had.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "secondFactorRequired": true, "sessionIdleMinutes": 480 }))]
pub struct SecurityPolicyPatch {
    /// Members need a second factor. Only who has shown one can ask for it.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub second_factor_required: Kept<bool>,
    /// Minutes without use after which members log in again; null: the platform's.
    #[garde(range(min = 15, max = 43_200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub session_idle_minutes: Patched<u32>,
    /// Minutes after which they do so however active they are; null: the platform's.
    #[garde(range(min = 15, max = 129_600))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub session_max_minutes: Patched<u32>,
    /// How members may log in; empty = in every way. One's own way must be among them.
    #[garde(length(max = 3))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub allowed_login_methods: Kept<Vec<LoginMethod>>,
    /// Only addresses of these domains are invited; empty = all.
    #[garde(length(max = 50), custom(are_domains))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub allowed_email_domains: Kept<Vec<String>>,
    /// Web origins such as `https://shop.example`, whose pages may call the API for this organization.
    #[garde(length(max = 20))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub allowed_origins: Kept<Vec<String>>,
}

fn are_domains(domains: &Kept<Vec<String>>, (): &()) -> garde::Result {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_domain =
        |domain: &String| domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label);
    if domains.value().is_none_or(|domains| domains.iter().all(is_domain)) {
        return Ok(());
    }
    Err(garde::Error::new("must be domains in lower case, such as example.com"))
}

impl Changes<SecurityPolicy> for SecurityPolicyPatch {
    fn update(&self, before: &SecurityPolicy) -> Result<Update, Refusal> {
        let after = |patch: &Patched<u32>, before: Option<u32>| match patch {
            Patched::Absent => before,
            Patched::Null => None,
            Patched::Value(minutes) => Some(*minutes),
        };
        let idle = after(&self.session_idle_minutes, before.session_idle_minutes);
        let most = after(&self.session_max_minutes, before.session_max_minutes);
        if let (Some(idle), Some(most)) = (idle, most)
            && idle > most
        {
            return Err(Refusal::of("sessionIdleMinutes", "must not be more than sessionMaxMinutes"));
        }
        Ok(Update::new()
            .kept("secondFactorRequired", &self.second_factor_required)
            .patched("sessionIdleMinutes", &self.session_idle_minutes)
            .patched("sessionMaxMinutes", &self.session_max_minutes)
            .kept("allowedLoginMethods", &self.allowed_login_methods)
            .kept("allowedEmailDomains", &self.allowed_email_domains)
            .kept("allowedOrigins", &self.allowed_origins))
    }
}

impl Exposed for SecurityPolicy {
    const NAME: &'static str = "securityPolicy";
    const RESOURCE: Resource = Resource::SecurityPolicies;
    /// Every organization has one.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = SecurityPolicyView;
    type Create = NotCreatable;
    type Patch = SecurityPolicyPatch;

    fn filters() -> Vec<Filter> {
        Vec::new()
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718296", "version": 3, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "secondFactorRequired": true, "sessionIdleMinutes": 480,
                "allowedLoginMethods": ["pwd", "line"], "allowedEmailDomains": ["example.com"],
                "allowedOrigins": ["https://shop.example"],
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({ "secondFactorRequired": true, "sessionIdleMinutes": 480 }))),
        }
    }
}
