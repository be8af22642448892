//! What a handler tells the audit: what was changed, and how it was before and after.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use http::request::Parts;
use matome_domain::ids::TenantId;
use matome_store::audit::NewAuditEntry;
use matome_store::value::Id;
use serde::Serialize;
use serde_json::Value;

use crate::auth::accounts::AuthError;
use crate::context::App;
use crate::guard::audit::Begun;
use crate::http::problem::Problem;

/// The pieces of an audit entry that only the handler knows.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) target_kind: Option<String>,
    pub(crate) target_id: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    /// Whose account it was about, where there was no caller yet (a login), or another one.
    pub(crate) account: Option<bson::oid::ObjectId>,
    /// Which tenant it was about, where the path does not say.
    pub(crate) tenant: Option<TenantId>,
    /// The audit, where it was not known before whose it is.
    pub(crate) begun: Option<Begun>,
}

/// See the module. Secrets in what is told are redacted when it is written.
#[derive(Clone)]
pub struct Trail {
    told: Arc<Mutex<Told>>,
    app: App,
    opening: Arc<NewAuditEntry>,
}

impl std::fmt::Debug for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trail").field("told", &self.told).finish_non_exhaustive()
    }
}

impl Trail {
    pub(crate) fn of(app: &App, begun: &Begun) -> Self {
        Self { told: Arc::default(), app: App::clone(app), opening: Arc::new(begun.opening()) }
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Begins the audit of what nobody known does, now that it is known which account it changes and before
    /// it does.
    ///
    /// # Errors
    /// [`AuthError::Audit`]: nothing may be changed then.
    pub async fn begins_in_account(&self, account: Id) -> Result<(), AuthError> {
        let begun = Begun::in_account(&self.app, account, NewAuditEntry::clone(&self.opening)).await;
        let begun = begun.map_err(|error| AuthError::Audit(error.into()))?;
        self.tell(|told| told.begun = Some(begun));
        Ok(())
    }

    /// The same in the trail of the tenant that it changes.
    ///
    /// # Errors
    /// [`AuthError::Audit`].
    pub async fn begins_in_tenant(&self, tenant: &TenantId) -> Result<(), AuthError> {
        let begun = Begun::in_tenant(&self.app, tenant, NewAuditEntry::clone(&self.opening)).await;
        let begun = begun.map_err(|error| AuthError::Audit(error.into()))?;
        self.tell(|told| told.begun = Some(begun));
        Ok(())
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

    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
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
