//! The tenant.

mod settings;
mod view;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use matome_domain::limits::Limits;
use matome_domain::placement::{HOME_CELL, Placement};
use matome_domain::plan::{Feature, Features, Terms, default_audit_retention_days};
use matome_domain::tier::Tier;
use matome_domain::trial::TrialStage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entities::audit_entry::AuditTail;
use crate::entities::business_hours::BusinessHours;
use crate::entities::usage::LastUsage;
use crate::entity::{Entity, Index, Scope};
use crate::shape::{Shape, date, number, object_id, one_of, string};

pub use settings::{AiSettings, Delivery, DeliveryTarget, Escalation, OrganizationSettings, Personality};
pub use view::{
    AiSettingsPatch, DeliveryPatch, EscalationPatch, OrganizationMetadataPatch, OrganizationPatch,
    OrganizationSettingsPatch, OrganizationView, PersonalityPatch, StatusReasonView,
};

/// An organization (the seeds' Organization, project, tenant, company); its id, in hexadecimal, is
/// the tenant id. Which database its data lives in (the seed's `db_schema_name`) follows from
/// `placement`; its data key (`encryption_key_id`) stands in the directory; its connections
/// (`integrations`, widget `customization`) are channels; its API keys are documents of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// The id as text, as all documents of the tenant carry it.
    pub tenant_id: String,
    /// Who pays.
    pub owner_id: ObjectId,
    /// Name.
    pub name: String,
    /// The words it is found by: its name's, see [`Organization::words_of`]. Written with the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Short name for URLs, unique with the owner (the seed's `project_slug`). Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Description. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of organization it is.
    #[serde(rename = "type", default)]
    pub kind: OrganizationType,
    /// Settings.
    #[serde(default)]
    pub settings: OrganizationSettings,
    /// About the organization. Written by the console.
    #[serde(default)]
    pub metadata: OrganizationMetadata,
    /// What it may use: a copy of its plan's limits, written when it is created and when its tier
    /// changes; an operator may agree on others.
    #[serde(default)]
    pub limits: Limits,
    /// What it may use besides: a copy of its plan's, written with the limits. Absent with one that was made
    /// before they were copied; see [`Organization::features`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// What it used when that was last measured. Written by the scheduler, which leaves `updatedAt` and
    /// `__v` alone: nobody's edit is to collide with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<LastUsage>,
    /// When it is to be measured next; absent = as soon as possible. Written by the scheduler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_due_at: Option<DateTime>,
    /// Its customer at the payment provider. Written by a billing integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// Where in the world its data has to stay (the seed's `data_region`): that of its cell, fixed when it is created.
    #[serde(default = "default_data_region")]
    pub data_region: String,
    /// How long its audit entries are kept.
    #[serde(default = "default_audit_retention_days")]
    pub audit_retention_days: u32,
    /// Since when, at most, all of them are there: what was written before is kept as long as was said then, which
    /// was shorter. Written when it is made longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_kept_since: Option<DateTime>,
    /// The newest entry of its trail, when retention was about to take it. Written by the scheduler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_tail: Option<AuditTail>,
    /// When somebody is there.
    #[serde(default)]
    pub business_hours: BusinessHours,
    /// IANA name; days and deadlines are counted in it.
    #[serde(default = "default_timezone")]
    pub timezone: String,
    /// BCP 47 tag of its own language. Summaries follow `settings.aiSettings.summaryLanguage`, and the
    /// talk's language without it. Not `language`: a text index of MongoDB's would take that for an
    /// instruction, and refuse "th".
    #[serde(default = "default_language")]
    pub primary_language: String,
    /// BCP 47 tags of the languages it serves customers in.
    #[serde(default = "default_supported_languages")]
    pub supported_languages: Vec<String>,
    /// When its trial ends; absent = it has none. Written by the provisioner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<DateTime>,
    /// Since when it is served as on the free plan, because its trial ended and nobody had paid. Written by the
    /// provisioner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ended_at: Option<DateTime>,
    /// What was said of the trial's end. Written by the scheduler, like `usage`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trial_notices: Vec<TrialNotice>,
    /// What it is served as. Written by the provisioner.
    #[serde(default)]
    pub tier: Tier,
    /// Where its data lives. The directory is a projection of it. Written by the provisioner.
    #[serde(default)]
    pub placement: Placement,
    /// The cluster and queues that serve it. The directory is a projection of it. Written by the
    /// provisioner.
    #[serde(default = "default_cell")]
    pub cell: String,
    /// Where it stands in its life. Written by the provisioner.
    #[serde(default)]
    pub status: OrganizationStatus,
    /// Why it stands there, where that needs a reason. Written by the provisioner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<StatusReason>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v", default)]
    pub version: i64,
}

/// Words kept of a name.
const NAME_WORDS: usize = 100;

/// Where the data of a platform are that says nothing of it: the seed's.
#[must_use]
pub fn default_data_region() -> String {
    "southeast-asia".to_owned()
}

fn default_timezone() -> String {
    "Asia/Bangkok".to_owned()
}

fn default_language() -> String {
    "th".to_owned()
}

fn default_supported_languages() -> Vec<String> {
    vec!["th".to_owned(), "en".to_owned()]
}

fn default_cell() -> String {
    HOME_CELL.to_owned()
}

impl Organization {
    /// The words that an organization of this name is found by.
    #[must_use]
    pub fn words_of(name: &str) -> Vec<String> {
        matome_domain::words::of(name, NAME_WORDS)
    }

    /// The tier whose plan is in force.
    #[must_use]
    pub fn plan(&self) -> Tier {
        if self.trial_ended_at.is_some() { Tier::Free } else { self.tier }
    }

    /// What it may use besides its limits: what it was given, or what its tier brings on a new platform.
    #[must_use]
    pub fn features(&self) -> Features {
        self.features.unwrap_or_else(|| Terms::of(self.plan()).features)
    }

    /// Whether its plan has a feature.
    #[must_use]
    pub fn may_use(&self, feature: Feature) -> bool {
        self.features().allows(feature)
    }

    /// What stays of an organization whose data is erased: ids, times and what it was served as, but
    /// nothing that says who it was.
    #[must_use]
    pub fn tombstone(&self, reason: StatusReason, now: DateTime) -> Self {
        let new = NewOrganization {
            id: self.id,
            owner_id: self.owner_id,
            name: "(erased)".to_owned(),
            tier: self.tier,
            limits: Limits::default(),
            placement: self.placement,
        };
        Self {
            cell: self.cell.clone(),
            data_region: self.data_region.clone(),
            audit_retention_days: self.audit_retention_days,
            audit_kept_since: self.audit_kept_since,
            audit_tail: None,
            status: OrganizationStatus::Offboarded,
            status_reason: Some(reason),
            updated_at: now,
            version: self.version + 1,
            ..new.provisioning(self.created_at)
        }
    }
}

/// What is known of an organization when it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrganization {
    /// Id; the tenant id in hexadecimal.
    pub id: ObjectId,
    /// Who pays.
    pub owner_id: ObjectId,
    /// Name.
    pub name: String,
    /// What it is served as.
    pub tier: Tier,
    /// What it may use.
    pub limits: Limits,
    /// Where its data will live.
    pub placement: Placement,
}

impl NewOrganization {
    /// The organization with the seed's defaults, being provisioned.
    #[must_use]
    pub fn provisioning(self, now: DateTime) -> Organization {
        Organization {
            id: self.id,
            tenant_id: self.id.to_hex(),
            owner_id: self.owner_id,
            search: Organization::words_of(&self.name),
            name: self.name,
            slug: None,
            description: None,
            kind: OrganizationType::default(),
            settings: OrganizationSettings::default(),
            metadata: OrganizationMetadata::default(),
            limits: self.limits,
            features: None,
            usage: None,
            usage_due_at: None,
            billing: None,
            data_region: default_data_region(),
            audit_retention_days: default_audit_retention_days(),
            audit_kept_since: None,
            audit_tail: None,
            business_hours: BusinessHours::default(),
            timezone: default_timezone(),
            primary_language: default_language(),
            supported_languages: default_supported_languages(),
            trial_ends_at: None,
            trial_ended_at: None,
            trial_notices: Vec::new(),
            tier: self.tier,
            placement: self.placement,
            cell: default_cell(),
            status: OrganizationStatus::Provisioning,
            status_reason: None,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }
}

/// `organization.type`: the seeds' `type` and `business_type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrganizationType {
    /// Some business.
    #[default]
    Business,
    /// School, university, training.
    Education,
    /// Clinic, hospital, care.
    Healthcare,
    /// Shops.
    Retail,
    /// Shops on the web.
    Ecommerce,
    /// Services.
    Service,
    /// Software as a service.
    Saas,
    /// Bank, insurance.
    Finance,
    /// Something else.
    Other,
}

/// `organization.status`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OrganizationStatus {
    /// Being set up; nothing is received yet.
    Provisioning,
    /// Served.
    #[default]
    Active,
    /// Not served; what its customers send is kept.
    #[serde(alias = "inactive", alias = "paused")]
    Suspended,
    /// Served, while its data is being moved.
    Moving,
    /// Not served; its data will be erased.
    Offboarding,
    /// Its data is erased.
    Offboarded,
    /// An operation kept failing; `statusReason` says which and why.
    Failed,
}

/// `organization.statusReason`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReason {
    /// What happened, such as `unpaid`, or the error of the step that kept failing. Never a secret
    /// or anything a customer wrote.
    pub message: String,
    /// The operation that put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<ObjectId>,
    /// The step of the operation that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Since when.
    pub at: DateTime,
}

/// `organization.trialNotices`: one for each stage of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialNotice {
    /// How near the end was.
    pub stage: TrialStage,
    /// The end that was spoken of.
    pub ends_at: DateTime,
    /// When it was said.
    pub at: DateTime,
}

/// `organization.metadata`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationMetadata {
    /// Industry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// Size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<OrganizationSize>,
    /// Web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Domain of the web site that a chat widget may be shown on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<String>,
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_email: Option<String>,
}

/// `organization.metadata.size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrganizationSize {
    /// Small.
    Small,
    /// Medium.
    Medium,
    /// Large.
    Large,
    /// Very large.
    Enterprise,
}

/// `organization.billing`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Billing {
    /// Customer at the payment provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Subscription there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
}

impl Entity for Organization {
    const COLLECTION: &'static str = "organizations";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1 }),
            Index::on(doc! { "ownerId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "createdAt": -1, "_id": -1 }),
            Index::unique(doc! { "ownerId": 1, "slug": 1 }).only(doc! { "slug": { "$exists": true } }),
            Index::on(doc! { "status": 1 }),
            // The few that a sweep visits one by one.
            Index::on(doc! { "placement": 1 }),
            // The few whose usage is to be measured now.
            Index::on(doc! { "usageDueAt": 1 }),
            // The seeds have a text index on `name`, which finds no part of a Japanese or Thai name.
            Index::on(doc! { "search": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("tenantId", string())
            .required("ownerId", object_id())
            .required("name", string())
            .required("status", one_of::<OrganizationStatus>())
            .optional("tier", string())
            .optional("placement", string())
            .optional("cell", string())
            .optional("trialEndsAt", date())
            .optional("trialEndedAt", date())
            .optional("auditRetentionDays", number())
            .required("createdAt", date())
    }
}
