//! A login identity of staff.

use bson::doc;
use matome_domain::access::PlatformRole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::shape::{Shape, date, one_of, string};
use crate::store::Store;
use crate::value::{Id, Time};

/// Somebody who can log in (the seeds' `shared_tenants.users`, `users` of agents, and `platform_admins`),
/// platform-wide: in which organizations, and as what, is their [`super::Member`]s. How they prove who
/// they are is [`super::Credentials`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Unique, lower case; kept by a deleted account until it is erased.
    pub email: String,
    /// Whether a mail to it was answered.
    #[serde(default)]
    pub email_verified: bool,
    /// Full name.
    pub name: String,
    /// First name, where the parts are known.
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
    /// Whether a second factor is asked for; what it is stands in the credentials.
    #[serde(default)]
    pub two_factor_enabled: bool,
    /// IANA name.
    #[serde(default = "timezone")]
    pub timezone: String,
    /// BCP 47 tag of the language to be addressed in (the seed's `language_preference`).
    #[serde(default = "language")]
    pub language: String,
    /// What to be told of.
    #[serde(default)]
    pub notification_preferences: NotificationPreferences,
    /// Its role on the platform; most have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_role: Option<PlatformRole>,
    /// Who it is elsewhere: at LINE, at an OpenID provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// The seeds' default.
fn timezone() -> String {
    "Asia/Bangkok".to_owned()
}

/// The seeds' default.
fn language() -> String {
    "th".to_owned()
}

impl Account {
    /// Whether it may log in and act at all.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == AccountStatus::Active && self.deleted_at.is_none()
    }

    /// An e-mail address as accounts and invitations are looked up by: addresses that differ in case are
    /// one person's.
    #[must_use]
    pub fn normalized_email(email: &str) -> String {
        email.trim().to_lowercase()
    }
}

/// `account.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// May log in.
    Active,
    /// Given up by its owner.
    Inactive,
    /// Closed by the platform.
    Suspended,
    /// Its e-mail address has not been verified yet.
    Pending,
}

/// `account.identities`: who it is at an issuer that we believe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// What the deployment calls the issuer, such as `line`.
    pub provider: String,
    /// Its `iss`.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// Since when.
    pub linked_at: Time,
}

/// `account.notificationPreferences`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NotificationPreferences {
    /// By e-mail.
    pub email: Notifications,
    /// In the console.
    pub in_app: Notifications,
}

impl Default for NotificationPreferences {
    /// The seed's.
    fn default() -> Self {
        let in_app = Notifications { new_message: true, escalations: true, reports: true };
        Self { email: Notifications { reports: false, ..in_app }, in_app }
    }
}

/// What somebody is told of in one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Notifications {
    /// Messages.
    pub new_message: bool,
    /// Chats that need a human.
    pub escalations: bool,
    /// Regular reports.
    pub reports: bool,
}

impl Entity for Account {
    const COLLECTION: &'static str = "accounts";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::unique(doc! { "email": 1 }),
            Index::unique(doc! { "identities.issuer": 1, "identities.subject": 1 })
                .only(doc! { "identities.issuer": { "$exists": true } }),
            Index::on(doc! { "status": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "createdAt": -1, "_id": -1 }),
            // The few that run the platform.
            Index::on(doc! { "platformRole": 1 }).only(doc! { "platformRole": { "$exists": true } }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("email", string())
            .required("name", string())
            .required("status", one_of::<AccountStatus>())
            .optional("platformRole", one_of::<PlatformRole>())
            .optional("deletedAt", date())
            .required("createdAt", date())
    }
}

impl Store {
    /// The account with this address, in whatever case; a deleted one as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        let email = Account::normalized_email(email);
        Ok(self.platform_collection::<Account>().find_one(doc! { "email": email }).await?)
    }

    /// The account that is `subject` at `issuer`; a deleted one as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Account>, StoreError> {
        let identity = doc! { "identities": { "$elemMatch": { "issuer": issuer, "subject": subject } } };
        // Said again for the partial index, which is not chosen for what is inside of `$elemMatch`.
        let filter =
            doc! { "$and": [identity, { "identities.issuer": issuer, "identities.subject": subject }] };
        Ok(self.platform_collection::<Account>().find_one(filter).await?)
    }
}
