//! A person seen in a room.

mod view;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::person::PersonStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Index};
use crate::shape::{Shape, date, one_of, string};

pub use view::{
    NewUser, NewUserMetadata, NewUserProfile, UserMetadataPatch, UserMetadataView, UserNotificationsPatch,
    UserNotificationsView, UserPatch, UserPreferencesPatch, UserPreferencesView, UserProfilePatch,
    UserSharingPatch, UserSharingView, UserStatisticsView, UserView,
};

/// `_id` is derived from the LINE user id. Belongs to one tenant: LINE's ids differ by provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Id.
    #[serde(rename = "_id")]
    pub id: ObjectId,
    /// Tenant.
    pub tenant_id: String,
    /// LINE's user id, unique within the tenant.
    pub line_user_id: String,
    /// Display name; absent until LINE told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Picture URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// LINE status message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Profile.
    #[serde(default)]
    pub profile: UserProfile,
    /// Preferences.
    #[serde(default)]
    pub preferences: UserPreferences,
    /// Counters.
    pub statistics: UserStatistics,
    /// Free data.
    pub metadata: UserMetadata,
    /// How they stand with us.
    pub status: PersonStatus,
    /// When the profile should be fetched again; in the past = now.
    pub refresh_at: DateTime,
    /// Deleted by staff when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime>,
    /// The account that did; absent when a machine did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<ObjectId>,
    /// Created.
    pub created_at: DateTime,
    /// Last changed.
    pub updated_at: DateTime,
    /// Version for optimistic locking: how often somebody edited it. What is counted and observed leaves it
    /// alone.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// `user.profile`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UserProfile {
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// BCP 47 tag, as LINE says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// `user.preferences`, flattened to what each means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserPreferences {
    /// `{email, line, summary}`: what the person wants to be told.
    pub notifications: Document,
    /// `{shareProfile, shareActivity}`.
    pub privacy: Document,
}

impl UserPreferences {
    /// Whether the person wants to be told nothing in LINE, or no summaries.
    #[must_use]
    pub fn decline_summaries(&self) -> bool {
        ["line", "summary"].iter().any(|name| matches!(self.notifications.get_bool(name), Ok(false)))
    }
}

impl Default for UserPreferences {
    fn default() -> Self {
        Self {
            notifications: doc! { "email": false, "line": true, "summary": true },
            privacy: doc! { "shareProfile": true, "shareActivity": true },
        }
    }
}

/// `user.statistics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserStatistics {
    /// Messages.
    pub total_messages: i64,
    /// Sessions the person spoke in.
    pub total_sessions: i64,
    /// Rooms the person was seen in.
    pub total_rooms: i64,
    /// Last heard of.
    pub last_active_at: DateTime,
}

/// `user.metadata`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserMetadata {
    /// `line`, `web` or `api`.
    pub source: String,
    /// Labels.
    pub tags: Vec<String>,
    /// The organization's own number for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The organization's own fields.
    pub custom_fields: Document,
}

impl Entity for User {
    const COLLECTION: &'static str = "users";

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "tenantId": 1, "lineUserId": 1 }),
            Index::on(doc! { "tenantId": 1, "email": 1 }).only(doc! { "email": { "$exists": true } }),
            // Lists. Not by what changes with each message: each message would pay for it.
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "displayName": 1, "_id": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("lineUserId", string())
            .required("status", one_of::<PersonStatus>())
            .required("refreshAt", date())
            .required("createdAt", date())
    }
}
