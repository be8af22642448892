//! Who calls.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use bson::oid::ObjectId;
use http::request::Parts;
use matome_store::entities::{Account, ApiKey, LoginSession};

use crate::http::documented::Takes;
use crate::http::problem::{Code, Problem};

/// Whoever it is that calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody said who they are.
    Nobody,
    /// Somebody who is signed in.
    Account(SignedIn),
    /// A machine with an API key.
    Key(Arc<ApiKey>),
}

/// Somebody who is signed in. As an extractor: refuses everybody else.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account; active.
    pub account: Arc<Account>,
    /// The login session; not revoked, not expired.
    pub session: Arc<LoginSession>,
}

impl SignedIn {
    /// The account's id.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.account.id.into()
    }

    /// Whether a second factor was shown when the session began.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.session.amr.iter().any(|method| method == "otp")
    }

    /// Whether the platform is theirs to run: with a second factor shown, for it is every tenant's data that
    /// a password alone would open.
    #[must_use]
    pub fn is_super_admin(&self) -> bool {
        self.account.platform_role.is_some() && self.has_second_factor()
    }

    /// Whether it would be, had they shown a second factor. Until then they are whoever they are in a tenant.
    #[must_use]
    pub fn would_be_super_admin(&self) -> bool {
        self.account.platform_role.is_some() && !self.has_second_factor()
    }
}

impl Caller {
    /// The account or key that acts, for `createdBy`, `deletedBy` and the audit.
    #[must_use]
    pub fn id(&self) -> Option<ObjectId> {
        match self {
            Self::Nobody => None,
            Self::Account(signed_in) => Some(signed_in.id()),
            Self::Key(key) => Some(key.id.into()),
        }
    }

    /// `account`, `apiKey` or `nobody`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Account(_) => "account",
            Self::Key(_) => "apiKey",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Account(signed_in)) => Ok(signed_in.clone()),
            _ => Err(Code::Unauthenticated.into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("a route without a guard"))
    }
}

impl Takes for SignedIn {}
impl Takes for Caller {}
