//! Being logged in.

use bson::doc;
use matome_domain::access::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index, Scope};
use crate::error::StoreError;
use crate::exposed::{DeletePolicy, Examples, Exposed, Filter, NotCreatable, NotPatchable, Sort, example};
use crate::shape::{Shape, date, object_id, one_of, string};
use crate::store::Store;
use crate::value::{Id, Time};

/// One log-in of an account and its refresh tokens (the seeds' `user_sessions`); not a [`super::Session`],
/// which is talk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginSession {
    /// Id; the access token's `sid`.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Whose.
    pub account_id: Id,
    /// With what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Id>,
    /// Tag of the refresh token in force.
    pub refresh_tag: String,
    /// Tag of the one before: who shows it has a stolen one, or did not hear the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_tag: Option<String>,
    /// When the one in force replaced it.
    pub rotated_at: Time,
    /// How they showed who they are: `pwd`, `otp`, `line`, `oidc` (RFC 8176).
    pub amr: Vec<String>,
    /// When they did.
    pub auth_time: Time,
    /// From where it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `User-Agent` at log-in, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Last refreshed.
    pub last_used_at: Time,
    /// Over by then; pushed on by use, up to its absolute end. MongoDB deletes it after that.
    pub expires_at: Time,
    /// Ended before, when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// And why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_because: Option<RevokedBecause>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

impl LoginSession {
    /// Whether it still holds.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// `loginSession.revokedBecause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RevokedBecause {
    /// They logged out.
    LoggedOut,
    /// They, or somebody above them, ended it from elsewhere.
    Revoked,
    /// A refresh token was used twice.
    Reused,
    /// The password was changed.
    PasswordChanged,
    /// The second factor was changed.
    FactorChanged,
    /// The account was closed.
    AccountClosed,
    /// It lasted longer than the policy of an organization allows.
    Expired,
}

impl Entity for LoginSession {
    const COLLECTION: &'static str = "login_sessions";
    const SCOPE: Scope = Scope::Platform;

    fn indexes() -> Vec<Index> {
        vec![
            Index::on(doc! { "accountId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "deviceId": 1 }).only(doc! { "deviceId": { "$exists": true } }),
            Index::ttl(doc! { "expiresAt": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("accountId", object_id())
            .required("refreshTag", string())
            .required("expiresAt", date())
            .optional("revokedBecause", one_of::<RevokedBecause>())
            .required("createdAt", date())
    }
}

impl Store {
    /// Ends the account's sessions that still hold, but for one that is to stay; how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_login_sessions(
        &self,
        account: Id,
        except: Option<Id>,
        because: RevokedBecause,
        now: Time,
    ) -> Result<u64, StoreError> {
        let mut filter = doc! { "accountId": account, "revokedAt": null };
        if let Some(except) = except {
            filter.insert("_id", doc! { "$ne": except });
        }
        let because = crate::value::to_bson(&because)?;
        let update = doc! {
            "$set": { "revokedAt": now, "revokedBecause": because, "updatedAt": now }, "$inc": { "__v": 1_i64 },
        };
        Ok(self.platform_collection::<LoginSession>().update_many(filter, update).await?.modified_count)
    }
}

/// A login session as the API shows it; neither of its tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginSessionView {
    /// Id; the access token's `sid`.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version.
    #[serde(alias = "__v")]
    pub version: i64,
    /// Whose.
    pub account_id: Id,
    /// With what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Id>,
    /// How they showed who they are: `pwd`, `otp`, `line`, `oidc`.
    pub amr: Vec<String>,
    /// When they did.
    pub auth_time: Time,
    /// From where it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `User-Agent` at log-in, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Last refreshed.
    pub last_used_at: Time,
    /// Over by then.
    pub expires_at: Time,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

impl Exposed for LoginSession {
    const NAME: &'static str = "loginSession";
    const RESOURCE: Resource = Resource::Accounts;
    /// It is ended, not deleted.
    const DELETE: DeletePolicy = DeletePolicy::Never;
    type View = LoginSessionView;
    type Create = NotCreatable;
    type Patch = NotPatchable;

    fn filters() -> Vec<Filter> {
        vec![Filter::id("deviceId", "With what.").few()]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f6071829c", "version": 4, "accountId": "671f0a2b9d3c4e5f6071829d",
                "deviceId": "671f0a2b9d3c4e5f6071829e", "amr": ["pwd", "otp"],
                "authTime": "2026-11-20T00:00:00.000Z", "ip": "192.0.2.1", "userAgent": "Mozilla/5.0",
                "lastUsedAt": "2026-11-20T00:40:00.000Z", "expiresAt": "2026-12-20T00:40:00.000Z",
                "createdAt": "2026-11-20T00:00:00.000Z", "updatedAt": "2026-11-20T00:40:00.000Z",
            })),
            create: None,
            patch: None,
        }
    }
}
