//! The tenant.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::limits::Limits;
use matome_domain::placement::{HOME_CELL, Placement};
use matome_domain::plan::default_audit_retention_days;
use matome_domain::session::SessionTriggers;
use matome_domain::summary::SummaryStyle;
use matome_domain::tier::Tier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entities::business_hours::BusinessHours;
use crate::entities::owner::fits_patched_slug;
use crate::entities::room::SessionTriggersPatch;
use crate::entities::usage::LastUsage;
use crate::entity::{Entity, Index, Scope};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Patched, Refusal, Sort, Update,
    example,
};
use crate::shape::{Shape, date, number, object_id, one_of, string};
use crate::value::{Id, Time};

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
    /// Where in the world its data has to stay (the seed's `data_region`); fixed when it is created.
    #[serde(default = "default_data_region")]
    pub data_region: String,
    /// How long its audit entries are kept.
    #[serde(default = "default_audit_retention_days")]
    pub audit_retention_days: u32,
    /// When somebody is there.
    #[serde(default)]
    pub business_hours: BusinessHours,
    /// IANA name; days and deadlines are counted in it.
    #[serde(default = "default_timezone")]
    pub timezone: String,
    /// BCP 47 tag of its own language. Summaries follow `settings.aiSettings.summaryLanguage`, and the
    /// talk's language without it. Not `language`: MongoDB's text index on `name` would take that for
    /// an instruction, and refuse "th".
    #[serde(default = "default_language")]
    pub primary_language: String,
    /// BCP 47 tags of the languages it serves customers in.
    #[serde(default = "default_supported_languages")]
    pub supported_languages: Vec<String>,
    /// When its trial ends; absent = it has none. Written by the provisioner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<DateTime>,
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

fn default_data_region() -> String {
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
            name: self.name,
            slug: None,
            description: None,
            kind: OrganizationType::default(),
            settings: OrganizationSettings::default(),
            metadata: OrganizationMetadata::default(),
            limits: self.limits,
            usage: None,
            usage_due_at: None,
            billing: None,
            data_region: default_data_region(),
            audit_retention_days: default_audit_retention_days(),
            business_hours: BusinessHours::default(),
            timezone: default_timezone(),
            primary_language: default_language(),
            supported_languages: default_supported_languages(),
            trial_ends_at: None,
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

/// `organization.settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationSettings {
    /// Summarize sessions when they close.
    pub auto_summarize: bool,
    /// Summarize a period as well. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_schedule: Option<SummarySchedule>,
    /// When sessions close.
    pub session_triggers: SessionTriggers,
    /// How summaries are written.
    pub ai_settings: AiSettings,
    /// Where summaries go.
    pub delivery: Delivery,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            auto_summarize: true,
            summary_schedule: None,
            session_triggers: SessionTriggers::default(),
            ai_settings: AiSettings::default(),
            delivery: Delivery::default(),
        }
    }
}

/// `organization.settings.summarySchedule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummarySchedule {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
}

/// `organization.settings.aiSettings` (the seeds' `aiSettings` and `ai_config`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AiSettings {
    /// Model name; the deployment's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// BCP 47 tag; the language of the talk when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_language: Option<String>,
    /// Style.
    pub summary_style: SummaryStyle,
    /// Tokens an organization may spend in a calendar month (UTC); unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_token_limit: Option<i64>,
    /// Randomness of answers, 0 to 2; the deployment's default when absent. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Tokens of one answer; the deployment's default when absent. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How answers to customers sound. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personality: Option<Personality>,
    /// When a human takes over. Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
}

/// `organization.settings.aiSettings.personality`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Personality {
    /// Such as `friendly`.
    pub tone: String,
    /// Such as `professional`.
    pub style: String,
    /// BCP 47 tag.
    pub language_preference: String,
}

impl Default for Personality {
    /// The seed's.
    fn default() -> Self {
        Self {
            tone: "friendly".to_owned(),
            style: "professional".to_owned(),
            language_preference: default_language(),
        }
    }
}

/// `organization.settings.aiSettings.escalation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Escalation {
    /// An answer less sure than this, 0 to 1, is not given.
    pub confidence_threshold: f64,
    /// Answers that did not help before a human is asked.
    pub max_attempts: u32,
    /// Ask a human without being told to.
    pub auto_escalate: bool,
}

impl Default for Escalation {
    /// The seed's.
    fn default() -> Self {
        Self { confidence_threshold: 0.3, max_attempts: 3, auto_escalate: true }
    }
}

/// `organization.settings.delivery`: who is shown a summary in LINE.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Delivery {
    /// Where to.
    pub target: DeliveryTarget,
    /// LINE user ids for [`DeliveryTarget::Recipients`].
    pub recipients: Vec<String>,
}

/// See [`Delivery`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryTarget {
    /// The chat that was summarized.
    #[default]
    Room,
    /// The recipients, each by push.
    Recipients,
    /// Nobody.
    None,
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
            Index::on(doc! { "name": "text" }),
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
            .optional("auditRetentionDays", number())
            .required("createdAt", date())
    }
}

/// An organization as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// The id as text, as paths have it.
    pub tenant_id: String,
    /// Who pays.
    pub owner_id: Id,
    /// Name.
    pub name: String,
    /// Short name for URLs, unique with the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of organization it is.
    #[serde(rename = "type", default)]
    pub kind: OrganizationType,
    /// Settings.
    #[serde(default)]
    pub settings: OrganizationSettings,
    /// About the organization.
    #[serde(default)]
    pub metadata: OrganizationMetadata,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// Where in the world its data stays.
    #[serde(default = "default_data_region")]
    pub data_region: String,
    /// How many days its audit entries are kept.
    #[serde(default = "default_audit_retention_days")]
    pub audit_retention_days: u32,
    /// When somebody is there.
    #[serde(default)]
    pub business_hours: BusinessHours,
    /// IANA name.
    #[serde(default = "default_timezone")]
    pub timezone: String,
    /// BCP 47 tag of its own language.
    #[serde(default = "default_language")]
    pub primary_language: String,
    /// BCP 47 tags of the languages it serves customers in.
    #[serde(default = "default_supported_languages")]
    pub supported_languages: Vec<String>,
    /// When its trial ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<Time>,
    /// What it is served as.
    #[serde(default)]
    pub tier: Tier,
    /// Where its data lives.
    #[serde(default)]
    pub placement: Placement,
    /// Where it stands in its life.
    #[serde(default)]
    pub status: OrganizationStatus,
    /// Why it stands there, where that needs a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<StatusReasonView>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// `organization.statusReason`, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusReasonView {
    /// What happened, such as `unpaid`.
    pub message: String,
    /// Since when.
    pub at: Time,
}

/// What can be changed of an organization. Making, moving and ending one are operations of their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationPatch {
    /// Name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
    /// Short name for URLs.
    #[garde(custom(fits_patched_slug))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub slug: Patched<String>,
    /// Description.
    #[garde(length(chars, max = 2000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub description: Patched<String>,
    /// What kind of organization it is.
    #[garde(skip)]
    #[serde(rename = "type", default, skip_serializing_if = "Kept::is_absent")]
    pub kind: Kept<OrganizationType>,
    /// Settings.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub settings: Kept<OrganizationSettingsPatch>,
    /// About the organization.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub metadata: Kept<OrganizationMetadataPatch>,
    /// When somebody is there, the whole week.
    #[garde(custom(hours))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub business_hours: Kept<BusinessHours>,
    /// IANA name.
    #[garde(custom(zone))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub timezone: Kept<String>,
    /// BCP 47 tag of its own language.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub primary_language: Kept<String>,
    /// BCP 47 tags of the languages it serves customers in.
    #[garde(length(min = 1, max = 20))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub supported_languages: Kept<Vec<String>>,
    /// How many days its audit entries are kept.
    #[garde(range(min = 30, max = 3650))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub audit_retention_days: Kept<u32>,
}

/// `organization.settings` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationSettingsPatch {
    /// Summarize sessions when they close.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub auto_summarize: Kept<bool>,
    /// Summarize a period as well.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub summary_schedule: Patched<SummarySchedule>,
    /// When sessions close.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub session_triggers: Kept<SessionTriggersPatch>,
    /// How summaries are written.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub ai_settings: Kept<AiSettingsPatch>,
    /// Where summaries go.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub delivery: Kept<DeliveryPatch>,
}

/// `organization.settings.aiSettings` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AiSettingsPatch {
    /// Model name; null for the usual one.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub model: Patched<String>,
    /// BCP 47 tag; null for the language of the talk.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub summary_language: Patched<String>,
    /// Style.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub summary_style: Kept<SummaryStyle>,
    /// Tokens in a calendar month (UTC); null for no limit.
    #[garde(range(min = 0))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub monthly_token_limit: Patched<i64>,
    /// Randomness of answers; null for the usual one.
    #[garde(range(min = 0.0, max = 2.0))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub temperature: Patched<f64>,
    /// Tokens of one answer; null for the usual number.
    #[garde(range(min = 1, max = 100_000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub max_tokens: Patched<u32>,
}

/// `organization.settings.delivery` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveryPatch {
    /// Where to.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub target: Kept<DeliveryTarget>,
    /// LINE user ids, for `recipients`.
    #[garde(length(max = 50))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub recipients: Kept<Vec<String>>,
}

/// `organization.metadata` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationMetadataPatch {
    /// Industry.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub industry: Patched<String>,
    /// Size.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub size: Patched<OrganizationSize>,
    /// Web site.
    #[garde(length(chars, min = 1, max = 2000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub website: Patched<String>,
    /// Domain that a chat widget may be shown on.
    #[garde(length(chars, min = 1, max = 253))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub domain: Patched<String>,
    /// Whom to ask.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub contact_name: Patched<String>,
    /// Where to.
    #[garde(email, length(chars, max = 254))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub contact_email: Patched<String>,
}

fn hours(week: &Kept<BusinessHours>, (): &()) -> garde::Result {
    let Some(week) = week.value() else { return Ok(()) };
    let days = [
        &week.monday,
        &week.tuesday,
        &week.wednesday,
        &week.thursday,
        &week.friday,
        &week.saturday,
        &week.sunday,
    ];
    let is_time = |text: &str| {
        matches!(text.as_bytes(), [h @ b'0'..=b'2', i @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9']
            if *h < b'2' || *i < b'4')
    };
    if days.iter().all(|day| is_time(&day.start) && is_time(&day.end)) {
        return Ok(());
    }
    Err(garde::Error::new("start and end must be HH:MM, 00:00 to 23:59"))
}

fn zone(name: &Kept<String>, (): &()) -> garde::Result {
    match name.value() {
        Some(name) if jiff::tz::TimeZone::get(name).is_err() => {
            Err(garde::Error::new("must be an IANA time zone, such as Asia/Tokyo"))
        }
        _ => Ok(()),
    }
}

impl OrganizationSettingsPatch {
    fn update(&self, mut update: Update) -> Update {
        update = update
            .kept("settings.autoSummarize", &self.auto_summarize)
            .patched("settings.summarySchedule", &self.summary_schedule);
        if let Some(triggers) = self.session_triggers.value() {
            update = update
                .patched("settings.sessionTriggers.messageCount", &triggers.message_count)
                .patched("settings.sessionTriggers.timeLimit", &triggers.time_limit);
        }
        if let Some(ai) = self.ai_settings.value() {
            update = update
                .patched("settings.aiSettings.model", &ai.model)
                .patched("settings.aiSettings.summaryLanguage", &ai.summary_language)
                .kept("settings.aiSettings.summaryStyle", &ai.summary_style)
                .patched("settings.aiSettings.monthlyTokenLimit", &ai.monthly_token_limit)
                .patched("settings.aiSettings.temperature", &ai.temperature)
                .patched("settings.aiSettings.maxTokens", &ai.max_tokens);
        }
        if let Some(delivery) = self.delivery.value() {
            update = update
                .kept("settings.delivery.target", &delivery.target)
                .kept("settings.delivery.recipients", &delivery.recipients);
        }
        update
    }
}

impl Changes<Organization> for OrganizationPatch {
    fn update(&self, _: &Organization) -> Result<Update, Refusal> {
        let mut update = Update::new()
            .kept("name", &self.name)
            .patched("slug", &self.slug)
            .patched("description", &self.description)
            .kept("type", &self.kind)
            .kept("businessHours", &self.business_hours)
            .kept("timezone", &self.timezone)
            .kept("primaryLanguage", &self.primary_language)
            .kept("supportedLanguages", &self.supported_languages)
            .kept("auditRetentionDays", &self.audit_retention_days);
        if let Some(settings) = self.settings.value() {
            update = settings.update(update);
        }
        let Some(metadata) = self.metadata.value() else { return Ok(update) };
        Ok(update
            .patched("metadata.industry", &metadata.industry)
            .patched("metadata.size", &metadata.size)
            .patched("metadata.website", &metadata.website)
            .patched("metadata.domain", &metadata.domain)
            .patched("metadata.contactName", &metadata.contact_name)
            .patched("metadata.contactEmail", &metadata.contact_email))
    }
}

impl Exposed for Organization {
    const NAME: &'static str = "organization";
    const RESOURCE: Resource = Resource::Organizations;
    /// Offboarding one is an operation of the provisioner's.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = OrganizationView;
    type Create = NotCreatable;
    type Patch = OrganizationPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::id("id", "One of them.").at("_id").few(),
            Filter::id("ownerId", "Who pays."),
            Filter::one_of::<OrganizationStatus>("status", "Where it stands in its life."),
            Filter::one_of::<Tier>("tier", "What it is served as."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829b", "version": 4, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "ownerId": "671f0a2b9d3c4e5f6071829c", "name": "Shop Inc.", "slug": "shop", "type": "retail",
                "timezone": "Asia/Tokyo", "primaryLanguage": "ja", "supportedLanguages": ["ja", "en"],
                "tier": "pro", "placement": "collection_set", "status": "active",
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({
                "timezone": "Asia/Tokyo", "settings": { "sessionTriggers": { "messageCount": 80 } },
                "metadata": { "contactEmail": "hello@example.com" },
            }))),
        }
    }
}
