//! What a handler tells the audit: what was changed, and how it was before and after.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use http::request::Parts;
use matome_domain::ids::TenantId;
use serde::Serialize;
use serde_json::Value;

use crate::http::problem::Problem;

/// The pieces of an audit entry that only the handler knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) target_kind: Option<String>,
    pub(crate) target_id: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    /// Whose account it was about, where there was no caller yet (a login), or another one.
    pub(crate) account: Option<bson::oid::ObjectId>,
    /// Which tenant it was about, where the path does not say.
    pub(crate) tenant: Option<TenantId>,
}

/// See the module. Secrets in what is told are redacted when it is written.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Mutex<Told>>);

impl Trail {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was changed, such as `room` and its id.
    pub fn target(&self, kind: &str, id: impl ToString) {
        self.tell(|told| (told.target_kind, told.target_id) = (Some(kind.to_owned()), Some(id.to_string())));
    }

    /// How it was before.
    pub fn before(&self, before: &impl Serialize) {
        self.tell(|told| told.before = serde_json::to_value(before).ok());
    }

    /// How it is now.
    pub fn after(&self, after: &impl Serialize) {
        self.tell(|told| told.after = serde_json::to_value(after).ok());
    }

    /// Whose account it was about: a login has no caller, and what is done to somebody else's account is told
    /// to its owner as well.
    pub fn account(&self, account: bson::oid::ObjectId) {
        self.tell(|told| told.account = Some(account));
    }

    /// Which tenant it was about, whose path it is not: its trail is told as well.
    pub fn tenant(&self, tenant: TenantId) {
        self.tell(|told| told.tenant = Some(tenant));
    }

    pub(crate) fn told(&self) -> Told {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Trail {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal("a route that is not audited has a trail"))
    }
}

impl crate::http::documented::Takes for Trail {}
