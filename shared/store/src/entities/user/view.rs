//! What the API shows of a user, makes one from and lets be changed.

use bson::DateTime;
use garde::Validate;
use matome_domain::access::Resource;
use matome_domain::person::PersonStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{User, UserMetadata, UserPreferences, UserProfile, UserStatistics};
use crate::exposed::{
    Changes, CustomFields, DeletePolicy, Examples, Exposed, Filter, Kept, New, NewContext, Patched, Refusal,
    Sort, Tags, Update, example,
};
use crate::value::{Id, Time};

/// A user as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    pub version: i64,
    /// LINE's id of the person at this provider; `api-…` for one that LINE does not know.
    pub line_user_id: String,
    /// Name, as LINE tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Picture, as LINE tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// Status message, as LINE tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Profile.
    #[serde(default)]
    pub profile: UserProfile,
    /// Preferences.
    #[serde(default)]
    pub preferences: UserPreferencesView,
    /// Counters.
    pub statistics: UserStatisticsView,
    /// Free data.
    #[serde(default)]
    pub metadata: UserMetadataView,
    /// How they stand with us.
    pub status: PersonStatus,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Deleted when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// The account that deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
}

/// `user.preferences`, as they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct UserPreferencesView {
    /// What is sent to the person.
    pub notifications: UserNotificationsView,
    /// What others see of the person.
    pub privacy: UserSharingView,
}

/// `user.preferences.notifications`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UserNotificationsView {
    /// By e-mail.
    pub email: bool,
    /// By LINE.
    pub line: bool,
    /// Of summaries.
    pub summary: bool,
}

impl Default for UserNotificationsView {
    fn default() -> Self {
        Self { email: false, line: true, summary: true }
    }
}

/// `user.preferences.privacy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UserSharingView {
    /// The profile.
    pub share_profile: bool,
    /// What the person does.
    pub share_activity: bool,
}

impl Default for UserSharingView {
    fn default() -> Self {
        Self { share_profile: true, share_activity: true }
    }
}

/// `user.statistics`, as they are shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserStatisticsView {
    /// Messages.
    pub total_messages: i64,
    /// Sessions the person spoke in.
    pub total_sessions: i64,
    /// Rooms the person is or was in.
    pub total_rooms: i64,
    /// Last heard of.
    pub last_active_at: Time,
}

/// `user.metadata`, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UserMetadataView {
    /// Where it comes from: `line`, `api`.
    pub source: String,
    /// Labels.
    pub tags: Tags,
    /// Id in a customer system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The organization's own fields.
    pub custom_fields: CustomFields,
}

/// `metadata.source` of people who were made here.
const SOURCE: &str = "api";

/// A person that LINE does not know, or not yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// Name.
    #[garde(length(chars, min = 1, max = 200))]
    pub display_name: String,
    /// E-mail address.
    #[garde(email, length(chars, max = 254))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number.
    #[garde(length(chars, min = 3, max = 32))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Profile.
    #[garde(dive)]
    #[serde(default)]
    pub profile: NewUserProfile,
    /// Free data.
    #[garde(dive)]
    #[serde(default)]
    pub metadata: NewUserMetadata,
}

/// `user.profile` of a new user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUserProfile {
    /// Given name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// BCP 47 tag.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// IANA name.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// `user.metadata` of a new user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUserMetadata {
    /// Labels.
    #[garde(dive)]
    #[serde(default)]
    pub tags: Tags,
    /// Id in a customer system.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The organization's own fields.
    #[garde(dive)]
    #[serde(default)]
    pub custom_fields: CustomFields,
}

/// What can be changed of a user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPatch {
    /// Name; only of those whom LINE does not know, who were made here.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub display_name: Kept<String>,
    /// E-mail address.
    #[garde(email, length(chars, max = 254))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub email: Patched<String>,
    /// Telephone number.
    #[garde(length(chars, min = 3, max = 32))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub phone_number: Patched<String>,
    /// Profile.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub profile: Kept<UserProfilePatch>,
    /// Preferences; null for the usual ones.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub preferences: Patched<UserPreferencesPatch>,
    /// Free data.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub metadata: Kept<UserMetadataPatch>,
}

/// `user.profile` in a patch. LINE tells the language again from time to time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserProfilePatch {
    /// Given name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub first_name: Patched<String>,
    /// Family name.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub last_name: Patched<String>,
    /// BCP 47 tag.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub language: Patched<String>,
    /// IANA name.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub timezone: Patched<String>,
}

/// `user.preferences` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPreferencesPatch {
    /// What is sent to the person.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub notifications: Kept<UserNotificationsPatch>,
    /// What others see of the person.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub privacy: Kept<UserSharingPatch>,
}

/// `user.preferences.notifications` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserNotificationsPatch {
    /// By e-mail.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub email: Kept<bool>,
    /// By LINE.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub line: Kept<bool>,
    /// Of summaries.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub summary: Kept<bool>,
}

/// `user.preferences.privacy` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSharingPatch {
    /// The profile.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub share_profile: Kept<bool>,
    /// What the person does.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub share_activity: Kept<bool>,
}

/// `user.metadata` in a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserMetadataPatch {
    /// Labels, all of them.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub tags: Kept<Tags>,
    /// Id in a customer system.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub customer_id: Patched<String>,
    /// The organization's own fields, merged.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Patched::is_absent")]
    pub custom_fields: Patched<CustomFields>,
}

impl New<User> for NewUser {
    fn build(self, new: &NewContext) -> Result<User, Refusal> {
        let custom_fields = self.metadata.custom_fields.document("metadata.customFields")?;
        Ok(User {
            id: new.id,
            tenant_id: new.tenant_id(),
            // LINE's begin with "U".
            line_user_id: format!("api-{}", new.id.to_hex()),
            display_name: Some(self.display_name),
            picture_url: None,
            status_message: None,
            email: self.email,
            phone_number: self.phone_number,
            profile: UserProfile {
                first_name: self.profile.first_name,
                last_name: self.profile.last_name,
                language: self.profile.language,
                timezone: self.profile.timezone,
            },
            preferences: UserPreferences::default(),
            statistics: UserStatistics {
                total_messages: 0,
                total_sessions: 0,
                total_rooms: 0,
                last_active_at: new.now,
            },
            metadata: UserMetadata {
                source: SOURCE.to_owned(),
                tags: self.metadata.tags.0,
                customer_id: self.metadata.customer_id,
                custom_fields,
            },
            status: PersonStatus::Active,
            refresh_at: DateTime::MAX,
            deleted_at: None,
            deleted_by: None,
            created_at: new.now,
            updated_at: new.now,
            version: 0,
        })
    }
}

impl UserPreferencesPatch {
    fn update(&self, mut update: Update) -> Update {
        if let Some(to) = self.notifications.value() {
            update = update
                .kept("preferences.notifications.email", &to.email)
                .kept("preferences.notifications.line", &to.line)
                .kept("preferences.notifications.summary", &to.summary);
        }
        if let Some(to) = self.privacy.value() {
            update = update
                .kept("preferences.privacy.shareProfile", &to.share_profile)
                .kept("preferences.privacy.shareActivity", &to.share_activity);
        }
        update
    }
}

impl Changes<User> for UserPatch {
    fn update(&self, before: &User) -> Result<Update, Refusal> {
        if self.display_name.value().is_some() && before.metadata.source != SOURCE {
            return Err(Refusal::of("displayName", "is what LINE says"));
        }
        let mut update = Update::new()
            .kept("displayName", &self.display_name)
            .patched("email", &self.email)
            .patched("phoneNumber", &self.phone_number)
            .nested("preferences", &self.preferences, |update, preferences| preferences.update(update));
        if let Some(profile) = self.profile.value() {
            update = update
                .patched("profile.firstName", &profile.first_name)
                .patched("profile.lastName", &profile.last_name)
                .patched("profile.language", &profile.language)
                .patched("profile.timezone", &profile.timezone);
        }
        let Some(metadata) = self.metadata.value() else { return Ok(update) };
        let update = update
            .kept("metadata.tags", &metadata.tags)
            .patched("metadata.customerId", &metadata.customer_id);
        CustomFields::patch(
            update,
            "metadata.customFields",
            &before.metadata.custom_fields,
            &metadata.custom_fields,
        )
    }
}

impl Exposed for User {
    const NAME: &'static str = "user";
    const RESOURCE: Resource = Resource::Users;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    type View = UserView;
    type Create = NewUser;
    type Patch = UserPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::one_of::<PersonStatus>("status", "How they stand with us."),
            Filter::text("email", "E-mail address.").few(),
            Filter::text("lineUserId", "LINE's id.").few(),
            Filter::text("source", "Where it comes from.").at("metadata.source"),
            Filter::text("tag", "One of its labels.").at("metadata.tags"),
            Filter::time("createdAt", "When it was first seen."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt"), Sort::ascending("displayName").nullable()]
    }

    fn examples() -> Examples<Self> {
        let create = json!({
            "displayName": "Hanako", "email": "hanako@example.com", "profile": { "language": "ja" },
            "metadata": { "tags": ["vip"], "customFields": { "memberNumber": 17 } },
        });
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718294", "version": 1, "lineUserId": "U4af4980629", "displayName": "Hanako",
                "email": "hanako@example.com", "profile": { "language": "ja" },
                "statistics": {
                    "totalMessages": 41, "totalSessions": 5, "totalRooms": 2,
                    "lastActiveAt": "2026-11-20T09:30:00.000Z",
                },
                "metadata": { "source": "line", "tags": ["vip"], "customFields": { "memberNumber": 17 } },
                "status": "active", "createdAt": "2026-10-01T00:00:00.000Z", "updatedAt": "2026-11-20T09:30:00.000Z",
            })),
            create: Some(example(create)),
            patch: Some(example(json!({
                "phoneNumber": "+81 3 0000 0000", "email": null,
                "metadata": { "customFields": { "memberNumber": null, "shoeSize": 24.5 } },
            }))),
        }
    }
}
