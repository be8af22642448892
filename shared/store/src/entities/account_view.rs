//! What the API shows of an account and lets be changed: by who runs the platform, and by whose it is.

use garde::Validate;
use matome_domain::access::{PlatformRole, Resource};
use matome_domain::language::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::account::{Account, AccountStatus, Identity, NotificationPreferences};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, NotCreatable, Patched, Refusal, Sort, Update,
    example,
};
use crate::value::{Id, Time};

/// An account as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// E-mail address.
    pub email: String,
    /// Whether a mail to it was answered.
    #[serde(default)]
    pub email_verified: bool,
    /// Full name.
    pub name: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Contact number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether somebody answered there.
    #[serde(default)]
    pub phone_verified: bool,
    /// Whether a second factor is asked for.
    #[serde(default)]
    pub two_factor_enabled: bool,
    /// IANA name.
    pub timezone: String,
    /// BCP 47 tag of the language to be addressed in.
    pub language: String,
    /// What to be told of.
    #[serde(default)]
    pub notification_preferences: NotificationPreferences,
    /// Role on the platform; most have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_role: Option<PlatformRole>,
    /// Who it is elsewhere.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// State.
    pub status: AccountStatus,
    /// Last logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Time>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_ip: Option<String>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Deleted when, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
}

/// What who runs the platform can change of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "status": "suspended" }))]
pub struct AccountPatch {
    /// State; `pending` ends by itself and cannot be set.
    #[garde(custom(is_settled))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub status: Kept<AccountStatus>,
    /// Role on the platform; null takes it away. Nobody changes their own.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub platform_role: Patched<PlatformRole>,
}

fn is_settled(status: &Kept<AccountStatus>, (): &()) -> garde::Result {
    match status.value() {
        Some(AccountStatus::Pending) => Err(garde::Error::new("cannot be set to pending")),
        _ => Ok(()),
    }
}

impl Changes<Account> for AccountPatch {
    fn update(&self, _: &Account) -> Result<Update, Refusal> {
        Ok(Update::new().kept("status", &self.status).patched("platformRole", &self.platform_role))
    }
}

/// What somebody can change of their own account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Aiko Example", "timezone": "Asia/Tokyo", "language": "ja" }))]
pub struct OwnAccountPatch {
    /// Full name; what colleagues see.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub name: Kept<String>,
    /// First name.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub first_name: Patched<String>,
    /// Last name.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub last_name: Patched<String>,
    /// Picture: an `https` URL.
    #[garde(length(chars, max = 2048), custom(is_https))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub avatar_url: Patched<String>,
    /// Contact number. A new one counts as not verified.
    #[garde(length(chars, min = 3, max = 32))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub phone_number: Patched<String>,
    /// IANA name.
    #[garde(length(chars, max = 64), custom(is_zone))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub timezone: Kept<String>,
    /// Language to be addressed in.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub language: Kept<Language>,
    /// What to be told of.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub notification_preferences: Kept<NotificationPreferencesPatch>,
}

/// `account.notificationPreferences` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotificationPreferencesPatch {
    /// By e-mail.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub email: Kept<AccountNotificationsPatch>,
    /// In the console.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub in_app: Kept<AccountNotificationsPatch>,
}

/// What to be told of in one way, in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountNotificationsPatch {
    /// Messages.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub new_message: Kept<bool>,
    /// Chats that need a human.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub escalations: Kept<bool>,
    /// Regular reports.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub reports: Kept<bool>,
}

fn is_https(url: &Patched<String>, (): &()) -> garde::Result {
    let fits = |url: &String| {
        url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
            && !url.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if url.value().is_none_or(fits) { Ok(()) } else { Err(garde::Error::new("must be an https URL")) }
}

fn is_zone(zone: &Kept<String>, (): &()) -> garde::Result {
    let fits = |zone: &String| matome_domain::zone::is_zone(zone);
    if zone.value().is_none_or(fits) {
        Ok(())
    } else {
        Err(garde::Error::new("must be an IANA time zone, such as Asia/Tokyo"))
    }
}

impl Changes<Account> for OwnAccountPatch {
    fn update(&self, before: &Account) -> Result<Update, Refusal> {
        let mut update = Update::new()
            .kept("name", &self.name)
            .patched("firstName", &self.first_name)
            .patched("lastName", &self.last_name)
            .patched("avatarUrl", &self.avatar_url)
            .patched("phoneNumber", &self.phone_number)
            .kept("timezone", &self.timezone)
            .kept("language", &self.language);
        if !self.phone_number.is_absent() && self.phone_number.value() != before.phone_number.as_ref() {
            update = update.set("phoneVerified", &false);
        }
        let Some(preferences) = self.notification_preferences.value() else { return Ok(update) };
        let ways = [("email", &preferences.email), ("inApp", &preferences.in_app)];
        for (way, patch) in ways {
            let Some(patch) = patch.value() else { continue };
            let path = |field: &str| format!("notificationPreferences.{way}.{field}");
            update = update
                .kept(&path("newMessage"), &patch.new_message)
                .kept(&path("escalations"), &patch.escalations)
                .kept(&path("reports"), &patch.reports);
        }
        Ok(update)
    }
}

impl Exposed for Account {
    const NAME: &'static str = "account";
    const RESOURCE: Resource = Resource::Accounts;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    type View = AccountView;
    /// Who wants one registers, or is invited.
    type Create = NotCreatable;
    type Patch = AccountPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::text("email", "E-mail address, in lower case.").few(),
            Filter::one_of::<AccountStatus>("status", "State.").always(),
            Filter::among("platformRole", &["super_admin"], "Role on the platform.").few(),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        let told = json!({ "newMessage": true, "escalations": true, "reports": false });
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829d", "version": 3, "email": "aiko@example.com", "emailVerified": true,
                "name": "Aiko Example", "phoneVerified": false, "twoFactorEnabled": true, "timezone": "Asia/Tokyo",
                "language": "ja", "notificationPreferences": { "email": told, "inApp": told },
                "identities": [{
                    "provider": "line", "issuer": "https://access.line.me",
                    "subject": "U0123456789abcdef0123456789abcdef", "linkedAt": "2026-11-01T00:00:00.000Z",
                }],
                "status": "active", "lastLoginAt": "2026-11-20T00:00:00.000Z", "lastLoginIp": "192.0.2.1",
                "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T00:00:00.000Z",
            })),
            create: None,
            patch: Some(example(json!({ "status": "suspended" }))),
        }
    }
}
