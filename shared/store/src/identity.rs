//! Who calls and what they are in a tenant, in one round trip: a request of the API begins with it, and
//! what was revoked a moment ago is not believed any more.

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_domain::access::network::Rules;
use matome_domain::access::{PermissionSet, Scopes};
use matome_domain::ids::TenantId;
use serde::de::DeserializeOwned;

use crate::entities::{
    Account, ApiKey, IpRule, LoginSession, MAX_IP_RULES, Member, Organization, SecurityPolicy,
};
use crate::entity::Entity;
use crate::error::StoreError;
use crate::store::Store;
use crate::value::{Id, Time};

/// Somebody who is logged in, with the tenant they speak of.
#[derive(Debug)]
pub struct LoggedIn {
    /// The login session, whatever has become of it.
    pub session: LoginSession,
    /// Its account, if there still is one.
    pub account: Option<Account>,
    /// The account's membership in the tenant.
    pub member: Option<Member>,
    /// The tenant.
    pub place: Place,
}

/// A machine with the tenant it speaks of.
#[derive(Debug)]
pub struct KeyHolder {
    /// The key, whatever has become of it.
    pub key: ApiKey,
    /// Who answers for it in the tenant.
    pub maker: Maker,
    /// The tenant.
    pub place: Place,
}

/// Who answers for an API key: it may do what they may by now.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Maker {
    /// The platform, or whoever runs it: nothing bounds the key but its scopes.
    #[default]
    Platform,
    /// An active member.
    Member(Box<Member>),
    /// Nobody: they were suspended or have left.
    Gone,
}

impl Maker {
    fn of(key: &ApiKey, account: Option<Account>, member: Option<Member>) -> Self {
        if key.created_by.is_none() {
            return Self::Platform;
        }
        match account.filter(Account::is_active) {
            None => Self::Gone,
            Some(account) if account.platform_role.is_some() => Self::Platform,
            Some(_) => {
                member.filter(Member::is_active).map_or(Self::Gone, |member| Self::Member(Box::new(member)))
            }
        }
    }

    /// What a key with these scopes may do; `None` when nobody answers for it.
    #[must_use]
    pub fn rights(&self, scopes: Scopes) -> Option<PermissionSet> {
        match self {
            Self::Platform => Some(scopes.permissions()),
            Self::Member(member) => Some(scopes.bounded_by(&member.rights())),
            Self::Gone => None,
        }
    }
}

/// A tenant and its own rules.
#[derive(Debug, Default)]
pub struct Place {
    /// The organization.
    pub organization: Option<Organization>,
    /// Its security policy, if it ever made one.
    pub policy: Option<SecurityPolicy>,
    /// Its IP lists.
    pub ip_rules: Vec<IpRule>,
}

impl Place {
    /// The IP lists as they are in force.
    #[must_use]
    pub fn rules(&self, now: Time) -> Rules {
        IpRule::at(now, &self.ip_rules)
    }
}

impl Store {
    /// A login session with its account and, of `tenant`, membership and rules.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn logged_in(
        &self,
        session: Id,
        tenant: Option<&TenantId>,
    ) -> Result<Option<LoggedIn>, StoreError> {
        let mut stages = vec![doc! { "$match": { "_id": session } }, account("accountId")];
        if let Some(tenant) = tenant {
            stages.push(membership(tenant, "$accountId"));
            stages.extend(place(tenant));
        }
        let Some(mut found) = self.first(LoginSession::COLLECTION, stages).await? else { return Ok(None) };
        Ok(Some(LoggedIn {
            account: one(&mut found, "account")?,
            member: one(&mut found, "member")?,
            place: Place::take(&mut found)?,
            session: decode(found, LoginSession::COLLECTION)?,
        }))
    }

    /// An API key by its prefix; with who made it, as they stand in `tenant`, and with its rules. Without a
    /// tenant nobody answers for it: there is nothing that it may do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_holder(
        &self,
        prefix: &str,
        tenant: Option<&TenantId>,
    ) -> Result<Option<KeyHolder>, StoreError> {
        let mut stages = vec![doc! { "$match": { "prefix": prefix } }];
        if let Some(tenant) = tenant {
            stages.extend([account("createdBy"), membership(tenant, "$createdBy")]);
            stages.extend(place(tenant));
        }
        let Some(mut found) = self.first(ApiKey::COLLECTION, stages).await? else { return Ok(None) };
        let (account, member) = (one(&mut found, "account")?, one(&mut found, "member")?);
        let place = Place::take(&mut found)?;
        let key = decode(found, ApiKey::COLLECTION)?;
        Ok(Some(KeyHolder { maker: Maker::of(&key, account, member), key, place }))
    }

    async fn first(&self, collection: &str, stages: Vec<Document>) -> Result<Option<Document>, StoreError> {
        let mut found = self.platform().collection::<Document>(collection).aggregate(stages).await?;
        Ok(found.try_next().await?)
    }
}

/// The account whose id is in `field`.
fn account(field: &str) -> Document {
    doc! { "$lookup": {
        "from": Account::COLLECTION, "localField": field, "foreignField": "_id", "as": "account",
    } }
}

/// The tenant's member whose account `account` names. By both: the unique index finds the one there can be.
fn membership(tenant: &TenantId, account: &str) -> Document {
    doc! { "$lookup": {
        "from": Member::COLLECTION, "let": { "account": account },
        "pipeline": [{ "$match": {
            "tenantId": tenant.as_str(), "$expr": { "$eq": ["$accountId", "$$account"] },
        } }],
        "as": "member",
    } }
}

fn place(tenant: &TenantId) -> [Document; 3] {
    let look_up = |from: &str, limit: i64, into: &str| {
        let pipeline = [doc! { "$match": { "tenantId": tenant.as_str() } }, doc! { "$limit": limit }];
        doc! { "$lookup": { "from": from, "pipeline": pipeline.to_vec(), "as": into } }
    };
    [
        look_up(Organization::COLLECTION, 1, "organization"),
        look_up(SecurityPolicy::COLLECTION, 1, "policy"),
        look_up(IpRule::COLLECTION, MAX_IP_RULES, "ipRules"),
    ]
}

impl Place {
    fn take(found: &mut Document) -> Result<Self, StoreError> {
        Ok(Self {
            organization: one(found, "organization")?,
            policy: one(found, "policy")?,
            ip_rules: all(found, "ipRules")?,
        })
    }
}

fn all<T: DeserializeOwned>(found: &mut Document, field: &str) -> Result<Vec<T>, StoreError> {
    let Some(Bson::Array(documents)) = found.remove(field) else { return Ok(Vec::new()) };
    let fail = |why| StoreError::Decode { collection: field.to_owned(), why };
    documents.into_iter().map(|document| bson::deserialize_from_bson(document).map_err(fail)).collect()
}

fn one<T: DeserializeOwned>(found: &mut Document, field: &str) -> Result<Option<T>, StoreError> {
    Ok(all(found, field)?.pop())
}

fn decode<T: DeserializeOwned>(document: Document, collection: &str) -> Result<T, StoreError> {
    let fail = |why| StoreError::Decode { collection: collection.to_owned(), why };
    bson::deserialize_from_document(document).map_err(fail)
}
