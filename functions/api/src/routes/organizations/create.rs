//! A new organization. The provisioner makes it; here it is asked for, and who answers for it gets in.

use axum::extract::State;
use bson::doc;
use garde::Validate;
use matome_domain::access::{Overrides, Role};
use matome_domain::ids::{CellName, TenantId};
use matome_domain::language::Language;
use matome_domain::tier::Tier;
use matome_domain::zone::is_zone;
use matome_store::Id;
use matome_store::entities::{
    Account, Member, MemberPresence, MemberStatus, OperationView, OrganizationType, Owner,
};
use matome_tenancy::operations::{CreateTenant, NewOwner, request_abort};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::TAG;
use crate::context::App;
use crate::guard::{Access, Caller, Rule, SignedIn, Trail};
use crate::http::problem::Code;
use crate::http::{Accepted, Json, Problem};
use crate::routes::Route;
use crate::routes::invitations::{Draft, send_new};
use crate::routes::operations::ask;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Rule::post("/organizations", "createOrganization", Access::Account)
            .says(TAG, "Have an organization made")
            .describes(
                "For owners (whose account has the owner's verified e-mail address; the tier is that of their plan, and so \
                 is the number of organizations: 409 `limit_reached`), and for who runs the platform. Follow the \
                 operation under `/v1/operations/{operationId}`.",
            ),
        create,
    )]
}

/// A new organization.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Shop Inc.", "type": "retail", "timezone": "Asia/Tokyo" }))]
struct NewOrganization {
    /// Name.
    #[garde(length(chars, min = 1, max = 200), custom(not_blank))]
    name: String,
    /// What kind of organization it is.
    #[garde(skip)]
    #[serde(rename = "type", default)]
    kind: OrganizationType,
    /// IANA name.
    #[garde(custom(zone))]
    #[serde(default = "timezone")]
    timezone: String,
    /// Who pays; only for who runs the platform to say. One with the same address is taken as it is.
    #[garde(dive)]
    #[serde(default)]
    owner: Option<Payer>,
    /// The owner's when absent; only for who runs the platform to say.
    #[garde(skip)]
    #[serde(default)]
    tier: Option<Tier>,
    /// Another cell than the first of the region; only for who runs the platform to say.
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    cell: Option<String>,
    /// Where in the world its data has to stay, fixed for good; where the home cell is when absent.
    #[garde(length(chars, min = 1, max = 40))]
    #[serde(default)]
    data_region: Option<String>,
}

/// Who pays.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Payer {
    /// E-mail address.
    #[garde(email, length(chars, max = 254))]
    email: String,
    /// Full name.
    #[garde(length(chars, min = 1, max = 200))]
    name: String,
}

fn timezone() -> String {
    "Asia/Bangkok".to_owned()
}

fn not_blank(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("must not be blank")) } else { Ok(()) }
}

fn zone(name: &str, (): &()) -> garde::Result {
    if is_zone(name) {
        Ok(())
    } else {
        Err(garde::Error::new("must be an IANA time zone, such as Asia/Tokyo"))
    }
}

/// How the owner gets in.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum OwnerIs {
    /// Their account is a member.
    Member,
    /// They have no account yet and were sent an invitation.
    Invited,
    /// They have no account yet and no mail could be sent: invite them later.
    NotReached,
}

/// An organization that will be there soon.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Coming {
    /// Its id.
    organization_id: String,
    /// How the owner gets in.
    owner: OwnerIs,
    /// What makes it.
    operation: OperationView,
}

async fn create(
    State(app): State<App>,
    caller: SignedIn,
    trail: Trail,
    Json(body): Json<NewOrganization>,
) -> Result<Accepted<Coming>, Problem> {
    let (payer, known, tier) = payer(&app, &caller, &body).await?;
    let most = known.as_ref().and_then(|owner| owner.limits.max_organizations);
    let full = || Problem::new(Code::LimitReached, "The owner's plan allows no further organization");
    if let (Some(owner), Some(most)) = (&known, most)
        && organizations_of(&app, owner).await? >= most
    {
        return Err(full());
    }
    let cell = body.cell.map(CellName::new).transpose();
    let cell = cell.map_err(|_| Problem::field("cell", "must be the name of a cell"))?;
    if body.data_region.as_ref().is_some_and(|region| app.tenants.cells().in_region(region).is_none()) {
        return Err(Problem::field("dataRegion", "must be a region that there is a cell in"));
    }
    let kind = serde_json::to_value(body.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    let request = CreateTenant {
        name: body.name.clone(),
        kind: kind.ok_or_else(|| Problem::internal("a kind of organization is text"))?,
        owner: payer.clone(),
        tier,
        timezone: body.timezone,
        cell,
        data_region: body.data_region,
        settings: None,
    };
    let tenant = TenantId::new(app.new_id().to_hex()).map_err(Problem::internal)?;
    let by = Caller::Account(caller.clone());
    let operation = ask(&app, &tenant, &request, &by, &trail).await?;
    trail.target("organization", &tenant);
    // Of several at once each sees all that were asked for: none stays that is one too many.
    if let (Some(owner), Some(most)) = (&known, most)
        && organizations_of(&app, owner).await? > most
    {
        let (platform, id) = (app.tenants.platform(), operation.id.into());
        let aborted = request_abort(platform, &app.queues, &tenant, id, app.clock.now()).await;
        aborted.map_err(Problem::unavailable)?;
        return Err(full());
    }
    let owner = let_in(&app, &tenant, &payer, &body.name, &caller).await?;
    Ok(Accepted(Coming { organization_id: tenant.to_string(), owner, operation }))
}

/// Who will pay, as they are known if they are, and for what tier.
async fn payer(
    app: &App,
    caller: &SignedIn,
    body: &NewOrganization,
) -> Result<(NewOwner, Option<Owner>, Tier), Problem> {
    let owners = app.tenants.platform().of_platform::<Owner>();
    if caller.is_super_admin() {
        let payer = body.owner.as_ref().ok_or_else(|| Problem::field("owner", "is needed"))?;
        let email = Account::normalized_email(&payer.email);
        let known = owners.find_one(doc! { "email": &email }).await?;
        let tier = body.tier.or(known.as_ref().map(|owner| owner.plan)).unwrap_or_default();
        return Ok((NewOwner { email, name: payer.name.clone() }, known, tier));
    }
    for (field, said) in
        [("owner", body.owner.is_some()), ("tier", body.tier.is_some()), ("cell", body.cell.is_some())]
    {
        if said {
            return Err(Problem::field(field, "is for who runs the platform to say"));
        }
    }
    let refused = || Problem::new(Code::PermissionDenied, "Only owners have organizations made");
    if !caller.account.email_verified {
        return Err(refused());
    }
    let owner = owners.find_one(doc! { "email": &caller.account.email }).await?.ok_or_else(refused)?;
    let payer = NewOwner { email: owner.email.clone(), name: owner.name.clone() };
    let tier = owner.plan;
    Ok((payer, Some(owner), tier))
}

/// How many organizations an owner has, with those that are being made.
async fn organizations_of(app: &App, owner: &Owner) -> Result<u64, Problem> {
    let platform = app.tenants.platform();
    platform.organizations_and_coming(owner.id, &owner.email).await.map_err(Problem::from)
}

/// Makes the owner's account a member, or asks the owner in. The organization need not be there yet: nobody
/// gets in before it is.
async fn let_in(
    app: &App,
    tenant: &TenantId,
    payer: &NewOwner,
    organization: &str,
    by: &SignedIn,
) -> Result<OwnerIs, Problem> {
    let platform = app.tenants.platform();
    let account = platform.account_by_email(&payer.email).await?;
    let Some(account) = account.filter(|account| account.is_active() && account.email_verified) else {
        let draft = Draft {
            tenant_id: tenant.to_string(),
            email: payer.email.clone(),
            role: Role::Owner,
            permissions: Overrides::default(),
            department_id: None,
            title: None,
            invited_by: Some(by.account.id),
        };
        return Ok(match send_new(app, draft, organization, Language::default()).await {
            Ok(_) => OwnerIs::Invited,
            // The organization is on its way, whoever can be reached.
            Err(problem) => {
                let error = problem.cause_chain();
                tracing::warn!(tenant.id = %tenant, error, "the owner of a new organization was not invited");
                OwnerIs::NotReached
            }
        });
    };
    let now = app.now();
    let member = Member {
        id: Id::from(app.new_id()),
        tenant_id: tenant.to_string(),
        account_id: account.id,
        name: Some(account.name),
        email: Some(account.email),
        avatar_url: account.avatar_url,
        role: Role::Owner,
        permissions: Overrides::default(),
        department_id: None,
        title: None,
        status: MemberStatus::Active,
        presence: MemberPresence::default(),
        joined_at: now,
        invited_by: Some(by.account.id),
        last_active_at: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        deleted_by: None,
        version: 0,
    };
    platform.of_tenant::<Member>(tenant).insert(&member).await?;
    Ok(OwnerIs::Member)
}
