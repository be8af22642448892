//! Who pays.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::limits::MOST;
use matome_domain::plan::{BillingCycle, OwnerLimits};
use matome_domain::tier::Tier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, New, NewContext, Patched, Refusal, Sort, Update,
    example,
};
use crate::shape::{Shape, date, string};
use crate::value::{Id, Time};

/// An owner of organizations (the seeds' Owner, `shared_tenants.organizations` and `saas_clients`).
/// `owner.organizations` and `owner.lineOfficialAccounts` are `organizations.ownerId` and
/// `channels.ownerId`. Data region and audit retention are each organization's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Unique, lower case.
    pub email: String,
    /// Full name.
    pub name: String,
    /// Short name for URLs, unique (the seed's `org_slug`). Written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Contact number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// What is paid for: the tier that new organizations get.
    #[serde(default)]
    pub plan: Tier,
    /// Limits over all its organizations; a copy of the plan's, written when the plan is chosen.
    #[serde(default)]
    pub limits: OwnerLimits,
    /// Preferences.
    #[serde(default)]
    pub settings: OwnerSettings,
    /// Subscription.
    pub subscription: Subscription,
    /// Usage so far; sums over its organizations. Written by the scheduler.
    #[serde(default)]
    pub usage: OwnerUsage,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `owner.settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OwnerSettings {
    /// BCP 47 tag.
    pub language: String,
    /// IANA name.
    pub timezone: String,
    /// Wants notifications.
    pub notifications: bool,
}

impl Default for OwnerSettings {
    /// The seed's.
    fn default() -> Self {
        Self { language: "en".to_owned(), timezone: "UTC".to_owned(), notifications: true }
    }
}

/// `owner.subscription`. Written by who runs the platform (`PATCH /v1/owners/{ownerId}`), later a billing integration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// State.
    #[serde(default)]
    pub status: SubscriptionStatus,
    /// Begin.
    pub start_date: DateTime,
    /// End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<DateTime>,
    /// How often it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_cycle: Option<BillingCycle>,
}

/// `owner.subscription.status`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, VariantArray,
)]
#[serde(rename_all = "lowercase")]
pub enum SubscriptionStatus {
    /// Nothing is owed yet.
    Trial,
    /// Paid.
    #[default]
    Active,
    /// Not in use.
    Inactive,
    /// Unpaid.
    Suspended,
    /// Ends, or has ended, at `endDate`.
    Cancelled,
}

impl SubscriptionStatus {
    /// Whether what was chosen is paid for: a trial that ends is no trial then.
    #[must_use]
    pub fn is_paid(self) -> bool {
        self == Self::Active
    }
}

/// `owner.usage`; `geminiTokensUsed` is `aiTokensUsed`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerUsage {
    /// Messages recorded.
    pub total_messages: i64,
    /// Sessions opened.
    pub total_sessions: i64,
    /// Summaries written.
    pub total_summaries: i64,
    /// Tokens spent.
    pub ai_tokens_used: i64,
    /// Megabytes stored.
    #[serde(rename = "storageUsedMB")]
    pub storage_used_mb: f64,
}

impl Entity for Owner {
    const COLLECTION: &'static str = "owners";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "email": 1 }),
            Index::unique(doc! { "slug": 1 }).only(doc! { "slug": { "$exists": true } }),
            Index::on(doc! { "subscription.status": 1 }),
            Index::on(doc! { "createdAt": -1, "_id": -1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("email", string())
            .required("name", string())
            .required("plan", string())
            .required("createdAt", date())
    }
}

/// An owner as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// E-mail address.
    pub email: String,
    /// Full name.
    pub name: String,
    /// Short name for URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Contact number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// What is paid for.
    #[serde(default)]
    pub plan: Tier,
    /// Limits over all its organizations.
    #[serde(default)]
    pub limits: OwnerLimits,
    /// Preferences.
    #[serde(default)]
    pub settings: OwnerSettings,
    /// Subscription.
    pub subscription: SubscriptionView,
    /// Usage so far.
    #[serde(default)]
    pub usage: OwnerUsage,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// `owner.subscription`, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// State.
    #[serde(default)]
    pub status: SubscriptionStatus,
    /// Begin.
    pub start_date: Time,
    /// End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Time>,
    /// How often it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_cycle: Option<BillingCycle>,
}

/// Somebody who will pay. The plan is free until another is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOwner {
    /// E-mail address; kept in lower case.
    #[garde(email, length(chars, max = 254))]
    pub email: String,
    /// Full name.
    #[garde(length(chars, min = 1, max = 200))]
    pub name: String,
    /// Short name for URLs.
    #[garde(custom(fits_slug))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Contact number.
    #[garde(length(chars, min = 3, max = 32))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// What can be changed of an owner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerPatch {
    /// Full name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
    /// Short name for URLs.
    #[garde(custom(fits_patched_slug))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub slug: Patched<String>,
    /// Contact number.
    #[garde(length(chars, min = 3, max = 32))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub phone_number: Patched<String>,
    /// Preferences.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub settings: Kept<OwnerSettingsPatch>,
    /// What was agreed on besides the plan; the plan's come back with another plan.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub limits: Kept<OwnerLimitsPatch>,
    /// How it stands with the money.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub subscription: Kept<SubscriptionPatch>,
}

/// What owners change of themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "phoneNumber": "+81 3 0000 0000", "settings": { "timezone": "Asia/Tokyo" } }))]
pub struct PayerPatch {
    /// Full name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
    /// Contact number.
    #[garde(length(chars, min = 3, max = 32))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub phone_number: Patched<String>,
    /// Preferences.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub settings: Kept<OwnerSettingsPatch>,
}

/// `owner.limits` in a patch: `null` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerLimitsPatch {
    /// Organizations.
    #[garde(range(max = MOST))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub max_organizations: Patched<u64>,
    /// Members over all its organizations.
    #[garde(range(max = MOST))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub max_members: Patched<u64>,
}

/// `owner.subscription` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionPatch {
    /// State. While it is `active`, trials of the owner's organizations end with nothing taken.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub status: Kept<SubscriptionStatus>,
    /// End.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub end_date: Patched<Time>,
    /// How often it is paid.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub billing_cycle: Patched<BillingCycle>,
}

/// `owner.settings` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerSettingsPatch {
    /// BCP 47 tag.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub language: Kept<String>,
    /// IANA name.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub timezone: Kept<String>,
    /// Wants notifications.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub notifications: Kept<bool>,
}

/// A short name for URLs: 2 to 63 of `a-z`, `0-9` and `-`, not at an end.
fn fits_slug(text: &Option<String>, (): &()) -> garde::Result {
    text.as_deref().map_or(Ok(()), is_slug)
}

/// The same of a patch.
pub(crate) fn fits_patched_slug(text: &Patched<String>, (): &()) -> garde::Result {
    text.value().map_or(Ok(()), |text| is_slug(text))
}

fn is_slug(text: &str) -> garde::Result {
    let fits = (2..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if fits { Ok(()) } else { Err(garde::Error::new("must be 2 to 63 of a-z, 0-9 and '-', not at an end")) }
}

impl New<Owner> for NewOwner {
    fn build(self, new: &NewContext) -> Result<Owner, Refusal> {
        let plan = Tier::default();
        Ok(Owner {
            id: new.id,
            email: self.email.to_lowercase(),
            name: self.name,
            slug: self.slug,
            phone_number: self.phone_number,
            plan,
            limits: matome_domain::plan::Terms::of(plan).owner_limits,
            settings: OwnerSettings::default(),
            subscription: Subscription {
                // Free, so nothing is owed; a trial that comes later is not paid for by that.
                status: SubscriptionStatus::Trial,
                start_date: new.now,
                end_date: None,
                billing_cycle: None,
            },
            usage: OwnerUsage::default(),
            created_at: new.now,
            updated_at: new.now,
            version: 0,
        })
    }
}

impl Changes<Owner> for PayerPatch {
    fn update(&self, before: &Owner) -> Result<Update, Refusal> {
        let PayerPatch { name, phone_number, settings } = self.clone();
        OwnerPatch { name, phone_number, settings, ..OwnerPatch::default() }.update(before)
    }
}

impl Changes<Owner> for OwnerPatch {
    fn update(&self, _: &Owner) -> Result<Update, Refusal> {
        let mut update = Update::new()
            .kept("name", &self.name)
            .patched("slug", &self.slug)
            .patched("phoneNumber", &self.phone_number);
        if let Some(limits) = self.limits.value() {
            update = update
                .patched("limits.maxOrganizations", &limits.max_organizations)
                .patched("limits.maxMembers", &limits.max_members);
        }
        if let Some(subscription) = self.subscription.value() {
            update = update
                .kept("subscription.status", &subscription.status)
                .patched("subscription.endDate", &subscription.end_date)
                .patched("subscription.billingCycle", &subscription.billing_cycle);
        }
        let Some(settings) = self.settings.value() else { return Ok(update) };
        Ok(update
            .kept("settings.language", &settings.language)
            .kept("settings.timezone", &settings.timezone)
            .kept("settings.notifications", &settings.notifications))
    }
}

impl Exposed for Owner {
    const NAME: &'static str = "owner";
    const RESOURCE: Resource = Resource::Owners;
    /// Organizations hang on it, and invoices.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = OwnerView;
    type Create = NewOwner;
    type Patch = OwnerPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::text("email", "E-mail address, in lower case.").few(),
            Filter::text("slug", "Short name for URLs.").few(),
            Filter::one_of::<Tier>("plan", "What is paid for."),
            Filter::one_of::<SubscriptionStatus>("subscription.status", "State of the subscription."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        let create = json!({ "email": "keiko@example.com", "name": "Keiko Example", "slug": "keiko" });
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829c", "version": 0, "email": "keiko@example.com",
                "name": "Keiko Example", "slug": "keiko", "plan": "pro",
                "subscription": {
                    "status": "active", "startDate": "2026-10-01T00:00:00.000Z", "billingCycle": "monthly",
                },
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-10-01T00:00:00.000Z",
            })),
            create: Some(example(create)),
            patch: Some(example(json!({
                "settings": { "language": "ja" }, "phoneNumber": null, "subscription": { "status": "active" },
            }))),
        }
    }
}
