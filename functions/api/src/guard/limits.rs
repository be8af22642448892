//! How often: first whoever nobody knows, by address; then the caller and the tenant by the class of the
//! route; then the month's calls of the tenant.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use matome_domain::ids::DocumentId;
use matome_domain::limits::Limit;
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

/// Before anything is looked up: whoever presents nothing, by address.
pub(crate) async fn before(
    app: &App,
    rule: &Rule,
    trace: &Trace,
    presented: &Presented,
) -> Result<(), Problem> {
    let (true, Some(address)) = (matches!(presented, Presented::Nothing), trace.address) else {
        return Ok(());
    };
    if !rule.changes() && rule.access == Access::Public {
        return Ok(());
    }
    let window = Window::on_platform(rule.class, Who::Address(address));
    refuse_over(app.limits.take(&[window]).await.map_err(Problem::unavailable)?).map(drop)
}

pub(crate) async fn take(
    app: &App,
    rule: &Rule,
    _: &Trace,
    caller: &Caller,
    standing: Option<&Standing>,
) -> Result<Counts, Problem> {
    let who = match caller {
        Caller::Nobody => return Ok(Counts::default()),
        Caller::Account(signed_in) => Who::Account(document_id(&signed_in.account.id.to_hex())?),
        Caller::Key(key) => Who::ApiKey(document_id(&key.id.to_hex())?),
    };
    let Some(standing) = standing else {
        let taken =
            app.limits.take(&[Window::on_platform(rule.class, who)]).await.map_err(Problem::unavailable)?;
        return Ok(Counts { taken: refuse_over(taken)?, calls: None });
    };
    let (tenant, tier) = (&standing.id, standing.organization.tier);
    let windows = [
        Window::in_tenant(tenant.clone(), tier, rule.class, who),
        Window::in_tenant(tenant.clone(), tier, rule.class, Who::Tenant),
    ];
    let limit = standing.organization.limits.of(Limit::ApiCallsPerMonth);
    // At once: both are one write each.
    let (taken, calls) = tokio::join!(app.limits.take(&windows), app.api_calls.count(tenant, limit));
    let taken = refuse_over(taken.map_err(Problem::unavailable)?)?;
    let calls = match calls {
        Ok(calls) => Some(calls),
        // A count is there to be paid by, not to take the service down.
        Err(error) => {
            metrics::counter!("CallsUncounted").increment(1);
            tracing::warn!(tenant.id = %tenant, error = %error, "a call of the month was not counted");
            None
        }
    };
    if let Some(calls) = calls.filter(|calls| !calls.is_allowed()) {
        let seconds = calls.resets_at.since(app.clock.now()).as_secs();
        return Err(Problem { retry_after: Some(seconds), ..Code::QuotaExceeded.into() });
    }
    Ok(Counts { taken, calls })
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
