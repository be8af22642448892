//! From where an organization may be used. Whoever makes a rule is told before it would keep themselves out.

use axum::extract::State;
use bson::doc;
use garde::Validate;
use http::Uri;
use matome_domain::access::network::{AllowList, RuleKind};
use matome_domain::access::{Action, Resource};
use matome_store::Time;
use matome_store::entities::{IpRule, IpRulePatch, IpRuleView, MAX_IP_RULES, NewIpRule};
use matome_store::exposed::{Changes, New, NewContext, Patched};
use matome_store::time::date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Route;
use crate::context::App;
use crate::crud::{Crud, Hooks, PathIds, done};
use crate::guard::{Access, Caller, Rule, Tenant, Trace, Trail};
use crate::http::problem::Code;
use crate::http::{Created, IfMatch, Json, NoContent, Problem, Query, Shown};

/// What is said of a rule depends on when it is looked at.
enum IpRules {}

impl Hooks<IpRule> for IpRules {
    fn look(view: &mut IpRuleView, now: Time) {
        view.look(now);
    }
}

const TAG: &str = "ip-rules";
const ALL: &str = "/organizations/{organizationId}/ip-rules";
const ONE: &str = "/organizations/{organizationId}/ip-rules/{ipRuleId}";
const LOCKOUT: &str = "Refused, unless `force=true`, is a change after which the caller's own address would be kept out \
                       (409 `conflict`), or every rule that allows would have an end (409 `allow_list_ends`): once all \
                       have expired nobody is let in (403 `allow_list_expired`) but who runs the platform.";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| Access::Tenant(Resource::IpRules.to(action));
    let mut routes = Crud::<IpRule, IpRules>::at("/ip-rules", "ipRuleId").reading();
    routes.extend([
        Route::new(
            Rule::post(ALL, "createIpRule", may(Action::Create))
                .says(TAG, "Let addresses in, or keep them out")
                .describes(format!(
                    "As soon as one rule allows, what none allows is kept out; what one blocks is kept out whatever \
                     allows it. One that has expired stays until it is deleted. {MAX_IP_RULES} rules at most (409 \
                     `limit_reached`). {LOCKOUT}"
                )),
            create,
        ),
        Route::new(
            Rule::patch(ONE, "updateIpRule", may(Action::Update)).says(TAG, "Change an IP rule").describes(
                format!("A JSON merge patch (RFC 7396): what is absent stays, `null` removes. {LOCKOUT}"),
            ),
            patch,
        ),
        Route::new(
            Rule::delete(ONE, "deleteIpRule", may(Action::Delete))
                .says(TAG, "Delete an IP rule")
                .describes(format!("It cannot be restored. {LOCKOUT}")),
            delete,
        ),
    ]);
    routes
}

/// Whether to keep oneself, or everybody, out.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Force {
    /// Do it although the caller's own address would be kept out, or everybody after some time.
    #[garde(skip)]
    #[serde(default)]
    force: bool,
}

/// All rules that are kept, as they would be after a change.
async fn rules(tenant: &Tenant, change: impl FnOnce(&mut Vec<IpRule>)) -> Result<Vec<IpRule>, Problem> {
    let mut rules =
        tenant.collection::<IpRule>().find(doc! {}, doc! { "createdAt": 1 }, MAX_IP_RULES + 1).await?;
    change(&mut rules);
    Ok(rules)
}

/// Refuses rules that keep the caller's own address out, which who runs the platform is not bound by; and a
/// change of what is allowed, `of` a rule of that kind, by which everybody will be kept out at some time.
fn check_lockout(
    app: &App,
    tenant: &Tenant,
    trace: &Trace,
    force: Force,
    of: Option<RuleKind>,
    rules: &[IpRule],
) -> Result<(), Problem> {
    if force.force {
        return Ok(());
    }
    let after = IpRule::at(app.now(), rules);
    if of == Some(RuleKind::Allow) && after.allow_list() == AllowList::Ending {
        let why = "Nobody would be let in after the last rule that allows has ended: say force=true if you want that";
        return Err(Problem::new(Code::AllowListEnds, why));
    }
    let is_operator = matches!(&tenant.caller, Caller::Account(signed_in) if signed_in.is_super_admin());
    if is_operator || after.check(trace.address).is_ok() {
        return Ok(());
    }
    Err(Problem::new(Code::Conflict, "Your own address would be kept out: say force=true if you want that"))
}

fn too_many() -> Problem {
    Problem::new(Code::LimitReached, format!("An organization has {MAX_IP_RULES} rules at most"))
}

async fn create(
    State(app): State<App>,
    tenant: Tenant,
    trace: Trace,
    trail: Trail,
    uri: Uri,
    Query(force): Query<Force>,
    Json(body): Json<NewIpRule>,
) -> Result<Created<IpRuleView>, Problem> {
    let new = NewContext {
        id: app.new_id(),
        tenant: Some(tenant.id.clone()),
        by: tenant.caller.id(),
        now: date(app.clock.now()),
    };
    let rule: IpRule = body.build(&new)?;
    let after = rules(&tenant, |rules| rules.push(rule.clone())).await?;
    let most = usize::try_from(MAX_IP_RULES).unwrap_or(usize::MAX);
    if after.len() > most {
        return Err(too_many());
    }
    check_lockout(&app, &tenant, &trace, force, Some(rule.kind), &after)?;
    let documents = tenant.collection::<IpRule>();
    let made = match documents.create(&rule).await {
        Err(error) if error.is_duplicate() => {
            return Err(Problem::new(Code::Conflict, "There is such a rule for this network already"));
        }
        made => made?,
    };
    // Rules beyond the limit would not be read: of several at once none may be the one too many.
    if documents.count(doc! {}).await? > MAX_IP_RULES.unsigned_abs() {
        documents.hard_delete(new.id, None).await?;
        return Err(too_many());
    }
    let id = new.id.to_hex();
    trail.target("ipRule", &id);
    trail.after(&made.view);
    Ok(Created { location: format!("{}/{id}", uri.path()), version: made.version, document: made.view })
}

#[expect(clippy::too_many_arguments, reason = "one for each part of the request")]
async fn patch(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trace: Trace,
    trail: Trail,
    IfMatch(version): IfMatch,
    Query(force): Query<Force>,
    Json(body): Json<IpRulePatch>,
) -> Result<Shown<IpRuleView>, Problem> {
    let id = ids.get("ipRuleId")?;
    trail.target("ipRule", id.to_hex());
    let after = rules(&tenant, |rules| {
        for rule in rules.iter_mut().filter(|rule| rule.id == id.into()) {
            match &body.expires_at {
                Patched::Absent => {}
                Patched::Null => rule.expires_at = None,
                Patched::Value(end) => rule.expires_at = Some(*end),
            }
        }
    });
    let after = after.await?;
    let changed = after.iter().find(|rule| rule.id == id.into()).ok_or_else(Problem::not_found)?;
    // Only a new end makes a difference.
    let of = (!body.expires_at.is_absent()).then_some(changed.kind);
    check_lockout(&app, &tenant, &trace, force, of, &after)?;
    let documents = tenant.collection::<IpRule>();
    let changed = documents.patch_versioned(id, version, date(app.clock.now()), |before| body.update(before));
    let mut changed = done(changed.await?)?;
    [&mut changed.before.view, &mut changed.after.view].into_iter().for_each(|view| view.look(app.now()));
    trail.before(&changed.before.view);
    trail.after(&changed.after.view);
    Ok(Shown { version: changed.after.version, document: changed.after.view })
}

async fn delete(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trace: Trace,
    trail: Trail,
    IfMatch(version): IfMatch,
    Query(force): Query<Force>,
) -> Result<NoContent, Problem> {
    let id = ids.get("ipRuleId")?;
    trail.target("ipRule", id.to_hex());
    let mut of = None;
    let after = rules(&tenant, |rules| {
        of = rules.iter().find(|rule| rule.id == id.into()).map(|rule| rule.kind);
        rules.retain(|rule| rule.id != id.into());
    });
    let after = after.await?;
    check_lockout(&app, &tenant, &trace, force, of, &after)?;
    let mut before = done(tenant.collection::<IpRule>().hard_delete(id, version).await?)?;
    before.view.look(app.now());
    trail.before(&before.view);
    Ok(NoContent)
}
