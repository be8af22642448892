//! How members have to log in, and which web pages may call the API.

use axum::extract::State;
use bson::oid::ObjectId;
use matome_domain::access::{Action, Resource};
use matome_store::Collection;
use matome_store::collection::encode;
use matome_store::entities::{LoginMethod, SecurityPolicy, SecurityPolicyPatch, SecurityPolicyView};
use matome_store::exposed::{Changes, Shown as Seen};
use matome_store::time::date;
use matome_store::{Id, Time};
use url::Url;

use super::Route;
use crate::context::App;
use crate::crud::done;
use crate::guard::{Access, Caller, Rule, SignedIn, Tenant, Trail};
use crate::http::problem::Code;
use crate::http::{IfMatch, Json, Problem, Shown};

const TAG: &str = "security-policy";
const ONLY: &str = "/organizations/{organizationId}/security-policy";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Tenant(Resource::SecurityPolicies.to(action));
    vec![
        Route::new(
            Rule::get(ONLY, "getSecurityPolicy", may(Action::Read)).says(TAG, "Show the security policy"),
            get,
        ),
        Route::new(
            Rule::patch(ONLY, "updateSecurityPolicy", may(Action::Update))
                .says(TAG, "Change the security policy")
                .describes(
                    "A JSON merge patch (RFC 7396). It holds from the next request on. Nobody can ask for a second factor \
                     without having shown one, nor shut out the way they logged in themselves.",
                ),
            patch,
        ),
    ]
}

fn policies(tenant: &Tenant) -> (Collection<SecurityPolicy>, ObjectId) {
    (tenant.collection(), SecurityPolicy::id_of(&tenant.id))
}

async fn find(tenant: &Tenant) -> Result<Option<Seen<SecurityPolicy>>, Problem> {
    let (policies, id) = policies(tenant);
    Ok(policies.show(id, false).await?)
}

/// One that was never changed is not there yet, and looking at it does not make it.
async fn get(tenant: Tenant) -> Result<Shown<SecurityPolicyView>, Problem> {
    if let Some(own) = find(&tenant).await? {
        return Ok(Shown { version: own.version, document: own.view });
    }
    let initial = initial(&tenant);
    let encoded = encode(&initial)?;
    let document = bson::deserialize_from_document(encoded).map_err(Problem::internal)?;
    Ok(Shown { version: initial.version, document })
}

/// The policy as every organization begins, which is the platform's own rules.
fn initial(tenant: &Tenant) -> SecurityPolicy {
    SecurityPolicy::initial(&tenant.id, Time::from(tenant.organization.created_at))
}

/// The initial policy written down, so that there is a version to be changed.
async fn begin(tenant: &Tenant) -> Result<Seen<SecurityPolicy>, Problem> {
    let (policies, _) = policies(tenant);
    match policies.create(&initial(tenant)).await {
        Err(error) if error.is_duplicate() => find(tenant).await?.ok_or_else(Problem::not_found),
        made => Ok(made?),
    }
}

async fn patch(
    State(app): State<App>,
    tenant: Tenant,
    trail: Trail,
    IfMatch(version): IfMatch,
    Json(body): Json<SecurityPolicyPatch>,
) -> Result<Shown<SecurityPolicyView>, Problem> {
    let Caller::Account(caller) = &tenant.caller else { return Err(Code::PermissionDenied.into()) };
    check(caller, &body)?;
    if find(&tenant).await?.is_none() {
        begin(&tenant).await?;
    }
    let (policies, id) = policies(&tenant);
    trail.target("securityPolicy", id.to_hex());
    let by = Id::from(caller.id());
    let now = date(app.clock.now());
    let changed = policies.patch_versioned(id, version, now, |before| {
        let update = body.update(before)?;
        Ok(if update.is_empty() { update } else { update.set("updatedBy", &by) })
    });
    let changed = done(changed.await?)?;
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}

/// What only the request shows: who asks for it, and whether origins are some.
fn check(caller: &SignedIn, body: &SecurityPolicyPatch) -> Result<(), Problem> {
    if body.second_factor_required.value() == Some(&true) && !caller.has_second_factor() {
        let how = "Sign in with a second factor before asking others for one";
        return Err(Problem::new(Code::SecondFactorRequired, how));
    }
    if let Some(methods) = body.allowed_login_methods.value()
        && !methods.is_empty()
        && !methods.iter().any(|method| caller.session.amr.iter().any(|own| own == name(*method)))
    {
        return Err(Problem::field("allowedLoginMethods", "must have the way you logged in yourself"));
    }
    for (index, origin) in body.allowed_origins.value().into_iter().flatten().enumerate() {
        if !is_origin(origin) {
            let field = format!("allowedOrigins[{index}]");
            let reason = "must be an origin such as https://shop.example, with http only for localhost";
            return Err(Problem::field(field, reason));
        }
    }
    Ok(())
}

fn name(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::Pwd => "pwd",
        LoginMethod::Line => "line",
        LoginMethod::Oidc => "oidc",
    }
}

/// As browsers write one in `Origin`: scheme, host and port, and nothing else.
fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    // A star is no host, though a URL may have one; and an origin names one place, never several.
    scheme && !text.contains('*') && url.origin().ascii_serialization() == text
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for good in ["https://shop.example", "https://shop.example:8443", "http://localhost:3000"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "null",
            "https://shop.example/",
            "https://shop.example/chat",
            "http://shop.example",
            "https://Shop.example",
            "https://shop.example:443",
            "https://a@shop.example",
            "https://*.example",
            "ftp://shop.example",
            "",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
