//! Who is it: an access token of a login, or an API key. What is presented is checked on its own first;
//! then the database says whether it still holds.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use matome_domain::access::network::Rules;
use matome_domain::ids::TenantId;
use matome_runtime::idempotency::Sealing;
use matome_runtime::lambda::Chain;
use matome_store::entities::{Member, Organization, SecurityPolicy};
use matome_store::identity::{Maker, Place};
use matome_store::value::Time;

use crate::auth::access_token::Claims;
use crate::auth::api_key::ApiKeyToken;
use crate::context::App;
use crate::guard::{Caller, SignedIn, Trace};
use crate::http::problem::{Code, Problem};

/// Longer than any token of ours.
const LONGEST: usize = 4_096;

/// What a request presents, not yet believed.
pub(crate) enum Presented {
    /// Nothing.
    Nothing,
    /// Something of ours by its form.
    Key(ApiKeyToken),
    /// Anything else.
    Token(String),
}

/// Who it is, with the tenant in the path.
pub(crate) struct Identity {
    caller: Caller,
    pub(crate) member: Option<Member>,
    /// Of a key: who answers for it.
    pub(crate) maker: Maker,
    pub(crate) organization: Option<Organization>,
    pub(crate) policy: Option<SecurityPolicy>,
    pub(crate) rules: Rules,
}

impl Identity {
    pub(crate) fn nobody() -> Self {
        Self::of(Caller::Nobody, None, Place::default(), Time::from(bson::DateTime::MIN))
    }

    fn of(caller: Caller, member: Option<Member>, place: Place, now: Time) -> Self {
        let rules = place.rules(now);
        let Place { organization, policy, .. } = place;
        Self { caller, member, maker: Maker::default(), organization, policy, rules }
    }

    pub(crate) fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// Refuses everybody who is not signed in.
    pub(crate) fn signed_in(&self) -> Result<&SignedIn, Problem> {
        match &self.caller {
            Caller::Account(signed_in) => Ok(signed_in),
            Caller::Nobody => Err(Code::Unauthenticated.into()),
            Caller::Key(_) => Err(Problem::new(Code::PermissionDenied, "This is not for API keys")),
        }
    }
}

pub(crate) fn presented(headers: &HeaderMap) -> Result<Presented, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(Presented::Nothing) };
    // Two of them is a trick: whoever stands before us may have looked at the other one.
    if values.next().is_some() || value.len() > LONGEST {
        return Err(Code::Unauthenticated.into());
    }
    let value = value.to_str().map_err(|_| Problem::from(Code::Unauthenticated))?;
    let (scheme, token) = value.split_once(' ').ok_or(Code::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Code::Unauthenticated.into());
    }
    Ok(match ApiKeyToken::parse(token) {
        Some(key) => Presented::Key(key),
        None => Presented::Token(token.to_owned()),
    })
}

pub(crate) async fn authenticate(
    app: &App,
    presented: &Presented,
    tenant: Option<&TenantId>,
    trace: &Trace,
) -> Result<Identity, Problem> {
    match presented {
        Presented::Nothing => Ok(Identity::nobody()),
        Presented::Key(key) => machine(app, key, tenant, trace).await,
        Presented::Token(token) => {
            let secrets = app.vault.secrets().await.map_err(Problem::unavailable)?;
            let claims = app.tokens.verify(&secrets.signing, token, app.clock.now());
            person(app, &claims.map_err(|bad| refused(&bad))?, tenant).await
        }
    }
}

/// The reason is for the log, never for the caller.
fn refused(bad: &crate::auth::access_token::BadToken) -> Problem {
    Problem { cause: Some(bad.to_string().into()), ..Code::Unauthenticated.into() }
}

async fn person(app: &App, claims: &Claims, tenant: Option<&TenantId>) -> Result<Identity, Problem> {
    let found = app.tenants.platform().logged_in(claims.sid, tenant).await?;
    let found = found.ok_or(Code::Unauthenticated)?;
    let now = app.now();
    let account = found.account.filter(|account| account.is_active() && account.id == claims.sub);
    let account = account.filter(|_| found.session.is_live(now) && found.session.account_id == claims.sub);
    let account = account.ok_or(Code::Unauthenticated)?;
    let caller = Caller::Account(SignedIn { account: Arc::new(account), session: Arc::new(found.session) });
    let member = found.member.filter(Member::is_active);
    Ok(Identity::of(caller, member, found.place, now))
}

async fn machine(
    app: &App,
    presented: &ApiKeyToken,
    tenant: Option<&TenantId>,
    trace: &Trace,
) -> Result<Identity, Problem> {
    let found = app.tenants.platform().key_holder(presented.prefix(), tenant).await?;
    let secrets = app.vault.secrets().await.map_err(Problem::unavailable)?;
    let now = app.now();
    let found = found.filter(|found| presented.is(&secrets.mac, &found.key.tag) && found.key.is_live(now));
    let found = found.ok_or(Code::Unauthenticated)?;
    // Once a minute at most. In Lambda nothing goes on after the answer, so it is waited for.
    let from = trace.address.map(|address| address.to_string());
    if let Err(error) = app.tenants.platform().api_key_used(&found.key, from, now).await {
        let key = found.key.id.to_hex();
        tracing::warn!(apiKey.id = key, error = %Chain(&error), "a key's use was not noted");
    }
    let identity = Identity::of(Caller::Key(Arc::new(found.key)), None, found.place, now);
    Ok(Identity { maker: found.maker, ..identity })
}

/// What answers to the tenant are sealed under.
pub(crate) async fn sealing(app: &App, tenant: &TenantId) -> Option<Sealing> {
    let record = app.tenants.directory().tenant(tenant).await.ok()??;
    Some(Sealing { tenant: tenant.clone(), key: record.key.clone(), previous: record.previous_key.clone() })
}
