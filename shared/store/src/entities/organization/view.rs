//! What the API shows of an organization and lets be changed.

use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::limits::Limits;
use matome_domain::placement::Placement;
use matome_domain::plan::default_audit_retention_days;
use matome_domain::session::SummarySchedule;
use matome_domain::summary::SummaryStyle;
use matome_domain::tier::Tier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    DeliveryTarget, Organization, OrganizationMetadata, OrganizationSettings, OrganizationSize,
    OrganizationStatus, OrganizationType, default_data_region, default_language, default_supported_languages,
    default_timezone,
};
use crate::entities::business_hours::{BusinessHours, BusinessHoursPatch};
use crate::entities::owner::fits_patched_slug;
use crate::entities::room::SessionTriggersPatch;
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Patched, Refusal, Sort, Update,
    example,
};
use crate::value::{Id, Time};

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
    /// Since when it is served as on the free plan, because its trial ended and nobody had paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ended_at: Option<Time>,
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
    /// When somebody is there, day by day.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub business_hours: Kept<BusinessHoursPatch>,
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
    /// Close and summarize sessions when the day, the week or the month ends, too; null for not.
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
    /// Randomness of answers; null for the provider's own.
    #[garde(range(min = 0.0, max = 2.0))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub temperature: Patched<f64>,
    /// Tokens that one answer may take; null for the usual number. Fewer than 1,000 would cut summaries off.
    #[garde(range(min = 1_000, max = 100_000))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub max_tokens: Patched<u32>,
    /// How answers to customers sound; null for the usual way.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub personality: Patched<PersonalityPatch>,
    /// When a human takes over; null for the usual rules.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub escalation: Patched<EscalationPatch>,
}

/// `organization.settings.aiSettings.personality` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonalityPatch {
    /// Such as `friendly`.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub tone: Kept<String>,
    /// Such as `professional`.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub style: Kept<String>,
    /// BCP 47 tag.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub language_preference: Kept<String>,
}

/// `organization.settings.aiSettings.escalation` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EscalationPatch {
    /// An answer less sure than this is not given.
    #[garde(range(min = 0.0, max = 1.0))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub confidence_threshold: Kept<f64>,
    /// Answers that did not help before a human is asked.
    #[garde(range(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub max_attempts: Kept<u32>,
    /// Ask a human without being told to.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub auto_escalate: Kept<bool>,
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
                .patched("settings.aiSettings.maxTokens", &ai.max_tokens)
                .nested("settings.aiSettings.personality", &ai.personality, |update, personality| {
                    update
                        .kept("settings.aiSettings.personality.tone", &personality.tone)
                        .kept("settings.aiSettings.personality.style", &personality.style)
                        .kept(
                            "settings.aiSettings.personality.languagePreference",
                            &personality.language_preference,
                        )
                })
                .nested("settings.aiSettings.escalation", &ai.escalation, |update, escalation| {
                    update
                        .kept(
                            "settings.aiSettings.escalation.confidenceThreshold",
                            &escalation.confidence_threshold,
                        )
                        .kept("settings.aiSettings.escalation.maxAttempts", &escalation.max_attempts)
                        .kept("settings.aiSettings.escalation.autoEscalate", &escalation.auto_escalate)
                });
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
    fn update(&self, before: &Organization) -> Result<Update, Refusal> {
        let mut update = Update::new()
            .kept("name", &self.name)
            .patched("slug", &self.slug)
            .patched("description", &self.description)
            .kept("type", &self.kind)
            .kept("timezone", &self.timezone)
            .kept("primaryLanguage", &self.primary_language)
            .kept("supportedLanguages", &self.supported_languages)
            .kept("auditRetentionDays", &self.audit_retention_days);
        if let Some(hours) = self.business_hours.value() {
            update = hours.update(&before.business_hours, update);
        }
        if let Some(name) = self.name.value() {
            update = update.set("search", &Organization::words_of(name));
        }
        if self.audit_retention_days.value().is_some_and(|days| *days > before.audit_retention_days) {
            update = update.stamp("auditKeptSince");
        }
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
            Filter::words("q", "Words of its name, all of them.").at("search").few(),
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
