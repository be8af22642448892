//! How often: first whoever nobody knows, by address; then the caller and the tenant by the class of the
//! route, or by the route where it is costly; then the month's calls of the tenant.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use matome_domain::access::Resource;
use matome_domain::ids::DocumentId;
use matome_domain::limits::Limit;
use matome_domain::rate::Class;
use matome_runtime::api_calls::Counted;
use matome_runtime::rate_limit::{Taken, Who, Window};

use crate::context::App;
use crate::guard::admit::Admitted;
use crate::guard::authenticate::Presented;
use crate::guard::{Access, Caller, Rule, Standing, Trace};
use crate::http::problem::{Code, Problem};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const CALLS_LEFT: HeaderName = HeaderName::from_static("x-matome-calls-remaining");

/// What was counted of a request.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    taken: Taken,
    calls: Option<Counted>,
}

/// Before anything is looked up, by address: whoever presents nothing; and whoever has something done that
/// anybody may ask for, whatever they present: with a token of their own they would try others' passwords
/// uncounted.
pub(crate) async fn before(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    presented: &Presented,
) -> Result<(), Problem> {
    let is_public = rule.access == Access::Public;
    let is_counted = if is_public { rule.changes() } else { matches!(presented, Presented::Nothing) };
    let Some(address) = trace.address.filter(|_| is_counted) else { return Ok(()) };
    let window = Window::on_platform(rule.class, Who::Address(address));
    refuse_over(app.limits.take(&[window]).await.map_err(Problem::unavailable)?).map(drop)
}

/// After credentials that are none: whoever guesses tokens and keys is slowed down by address. As reads are:
/// an office's access tokens end every ten minutes, and each of them is refused once. What holds is not
/// counted here, so that nobody is shut out by a neighbour's guesses.
pub(crate) async fn refused(app: &App, trace: &Trace, why: Problem) -> Problem {
    let Some(address) = trace.address.filter(|_| why.code == Code::Unauthenticated) else { return why };
    let window = Window::on_platform(Class::Read, Who::Address(address));
    match app.limits.take(&[window]).await.map_err(Problem::unavailable) {
        Ok(taken) => refuse_over(taken).err().unwrap_or(why),
        Err(problem) => problem,
    }
}

/// After somebody who is known asked for what is not theirs: other tenants' ids, what they lack the permission
/// for. It costs as much to refuse as to answer, and takes nothing from a tenant's quota.
pub(crate) async fn denied(app: &App, caller: &Caller, why: Problem) -> Problem {
    let who = match who(caller) {
        Ok(Some(who)) => who,
        Ok(None) => return why,
        Err(problem) => return problem,
    };
    match app.limits.take(&[Window::on_platform(Class::Read, who)]).await.map_err(Problem::unavailable) {
        Ok(taken) => refuse_over(taken).err().unwrap_or(why),
        Err(problem) => problem,
    }
}

fn who(caller: &Caller) -> Result<Option<Who>, Problem> {
    Ok(match caller {
        Caller::Nobody => None,
        Caller::Account(signed_in) => Some(Who::Account(document_id(&signed_in.account.id.to_hex())?)),
        Caller::Key(key) => Some(Who::ApiKey(document_id(&key.id.to_hex())?)),
    })
}

pub(crate) async fn take(
    app: &App,
    rule: &Rule,
    _: &Trace,
    caller: &Caller,
    standing: Option<&Standing>,
) -> Result<Counts, Problem> {
    let Some(who) = who(caller)? else { return Ok(Counts::default()) };
    let Some(standing) = standing else {
        let taken =
            app.limits.take(&[Window::on_platform(rule.work(), who)]).await.map_err(Problem::unavailable)?;
        return Ok(Counts { taken: refuse_over(taken)?, calls: None });
    };
    let (tenant, tier) = (&standing.id, standing.organization.plan());
    let windows = [
        Window::in_tenant(tenant.clone(), tier, rule.work(), who),
        Window::in_tenant(tenant.clone(), tier, rule.work(), Who::Tenant),
    ];
    let limit = standing.organization.limits.of(Limit::ApiCallsPerMonth);
    let taken = refuse_over(app.limits.take(&windows).await.map_err(Problem::unavailable)?)?;
    // Afterwards: who is refused for being too fast must not use up everybody's month by it.
    let calls = match app.api_calls.count(tenant, limit).await {
        Ok(calls) => Some(calls),
        // A count is there to be paid by, not to take the service down.
        Err(error) => {
            metrics::counter!("CallsUncounted").increment(1);
            tracing::warn!(tenant.id = %tenant, error = %error, "a call of the month was not counted");
            None
        }
    };
    if let Some(calls) = calls.filter(|calls| !calls.is_allowed() && !is_beyond_the_month(rule, caller)) {
        let seconds = calls.resets_at.since(app.clock.now()).as_secs();
        let headers = said(&taken, Some(0));
        return Err(Problem { retry_after: Some(seconds), headers, ..Code::QuotaExceeded.into() });
    }
    Ok(Counts { taken, calls })
}

/// What is served though the month's calls are used up: who runs the platform, who can give more; and what an
/// organization is kept safe by, or whoever has got hold of a key could keep its own people from taking it away.
fn is_beyond_the_month(rule: &Rule, caller: &Caller) -> bool {
    const SAFETY: [Resource; 6] = [
        Resource::Members,
        Resource::ApiKeys,
        Resource::IpRules,
        Resource::SecurityPolicies,
        Resource::Audit,
        Resource::Usage,
    ];
    let is_for_safety = match rule.access {
        Access::Tenant(permission) | Access::Room(permission) => SAFETY.contains(&permission.resource),
        Access::Public | Access::Account | Access::Platform(_) => false,
    };
    match caller {
        Caller::Account(signed_in) => is_for_safety || signed_in.is_super_admin(),
        Caller::Key(_) | Caller::Nobody => false,
    }
}

fn document_id(hex: &str) -> Result<DocumentId, Problem> {
    DocumentId::new(hex).map_err(Problem::internal)
}

fn refuse_over(taken: Taken) -> Result<Taken, Problem> {
    match taken.retry_after() {
        None => Ok(taken),
        Some(seconds) => {
            let headers = said(&taken, None);
            Err(Problem { retry_after: Some(seconds), headers, ..Code::RateLimited.into() })
        }
    }
}

/// The headers that say what is left.
fn said(taken: &Taken, calls: Option<u64>) -> Vec<(HeaderName, HeaderValue)> {
    let calls = calls.map(|left| left.to_string());
    let values = [(LIMIT, taken.limit()), (POLICY, taken.policy()), (CALLS_LEFT, calls)];
    let header =
        |(name, value): (HeaderName, Option<String>)| Some((name, HeaderValue::from_str(&value?).ok()?));
    values.into_iter().filter_map(header).collect()
}

/// Says what is left.
pub(crate) fn tell(mut response: Response, admitted: &Admitted) -> Response {
    let Counts { taken, calls } = &admitted.counts;
    response.headers_mut().extend(said(taken, calls.and_then(|calls| calls.remaining())));
    // An answer is the caller's, whatever stands between.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Authorization"));
    response
}
